//go:build unix

package fibserver

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
)

// All servers are replaced twice, one after the other, under load: no call fails, none is answered twice, and every
// server exits with 0.
func TestRollingRestart(t *testing.T) {
	brokertest.SkipIfShort(t)
	for _, prefetch := range []int{1, 64} {
		t.Run(fmt.Sprint("prefetch ", prefetch), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			const servers, rounds = 3, 2
			f := newFleet(t, url, "--queue="+queue, "--delay=3ms", fmt.Sprint("--prefetch=", prefetch), fmt.Sprint("--workers=", min(prefetch, 8)),
				"--log-format=json")
			var names []string
			for range servers {
				names = append(names, f.start(ctx, t))
			}

			books := ledger.New(ledger.Config{})
			c, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}}, Queue: queue, Timeout: patience, Observer: books})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			l, err := load.New(c.Call, load.Plan{
				Concurrency: 96, // above the prefetch of 64, so calls wait in the queue
				Source: func(_ int64, rng *rand.Rand) amqprpc.Request {
					return amqprpc.Request{Body: fmt.Append(nil, rng.IntN(20))}
				},
				Check: func(req amqprpc.Request, reply amqprpc.Reply) error {
					if want := fib(string(req.Body)); string(reply.Body) != want {
						return fmt.Errorf("fib(%s) is not %q", req.Body, reply.Body)
					}
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			var result load.Result
			go func() {
				var err error
				result, err = l.Run(ctx)
				ended <- err
			}()
			// onward waits until so many more calls have ended, one of them answered by this server, so that the load
			// goes on while servers are replaced.
			onward := func(n int64, by string) {
				t.Helper()
				tick := time.NewTicker(2 * time.Millisecond)
				defer tick.Stop()
				ended := func() int64 { p := l.Progress(); return p.Completed + p.Failed }
				answers := func(s ledger.Server) bool { return pool.ShortNames(s.Name) == by }
				for want := ended() + n; ; {
					if ended() >= want && slices.ContainsFunc(books.Snapshot(ledger.Query{}).Servers, answers) {
						return
					}
					select {
					case <-tick.C:
					case <-ctx.Done():
						t.Fatalf("the load stands still: %+v", l.Progress())
					}
				}
			}
			for _, name := range names {
				onward(10, name)
			}
			for range rounds {
				for i := range names {
					f.stop(ctx, t, names[i])
					onward(50, names[(i+1)%servers])
					names[i] = f.start(ctx, t)
					onward(50, names[i])
				}
			}
			l.Stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			for _, name := range names {
				f.stop(ctx, t, name)
			}
			if err := f.Close(ctx); err != nil { // all output has been read now
				t.Error(err)
			}

			s := books.Snapshot(ledger.Query{Now: time.Now()})
			if err := s.Broken(); err != nil {
				t.Error(err)
			}
			if s.Calls.Failed != 0 || s.Calls.InFlight != 0 || s.Replies.Received != s.Calls.Completed || result.Wrong != 0 || s.Traffic.Ignored != 0 {
				t.Errorf("calls %+v, failures %+v, replies %+v, %d wrong", s.Calls, s.Failures, s.Replies, result.Wrong)
			}
			if len(s.Servers) != servers*(1+rounds) {
				t.Errorf("%d servers have answered, of %d", len(s.Servers), servers*(1+rounds))
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			answered, givenBack := 0, 0
			for _, d := range f.drained {
				answered += d.number(t, "answered")
				givenBack += d.number(t, "given_back")
				if d.number(t, "errors")+d.number(t, "undeliverable")+d.number(t, "reconnects")+d.number(t, "running") != 0 {
					t.Errorf("%v", d)
				}
			}
			if len(f.drained) != servers*(1+rounds) || uint64(answered) != s.Calls.Completed {
				t.Errorf("%d servers have drained, and answered %d of %d calls", len(f.drained), answered, s.Calls.Completed)
			}
			t.Logf("%d calls over %d servers, %d given back, none lost, none twice; response p50 %.1f ms, max %.1f ms",
				s.Calls.Completed, len(f.drained), givenBack, s.Response.P50, s.Response.Max)
		})
	}
}

// A rollingPool is a pool of fibservers with their last log lines.
type rollingPool struct {
	*pool.Pool
	mu      sync.Mutex
	drained []record
}

func newFleet(t *testing.T, url string, args ...string) *rollingPool {
	t.Helper()
	f := &rollingPool{}
	f.Pool = pool.New(pool.Config{Command: []string{program}, Args: args, URL: url, Env: []string{races}, Output: f.output})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *rollingPool) output(_, line string) {
	if !strings.Contains(line, `"msg":"`+logDrained+`"`) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var r record
	_ = json.Unmarshal([]byte(line), &r) // a line that is not a record has no numbers
	f.drained = append(f.drained, r)
}

func (f *rollingPool) start(ctx context.Context, t *testing.T) string {
	t.Helper()
	p, err := f.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return p.Name()
}

// stop sends a server SIGTERM and waits until it has exited with 0.
func (f *rollingPool) stop(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	if err := f.Stop(ctx, name); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.List() {
		if s.Name == name && (s.State != pool.Stopped || s.Reason != "exit status 0") {
			t.Errorf("%s has %v: %s", name, s.State, s.Reason)
		}
	}
}

// fib computes the right answer with another algorithm than the servers.
func fib(digits string) string {
	n, _ := strconv.Atoi(digits)
	a, b := 0, 1
	for range n {
		a, b = b, a+b
	}
	return strconv.Itoa(a)
}
