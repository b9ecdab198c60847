package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

var quick = amqprpc.Backoff{First: 10 * time.Millisecond, Max: 200 * time.Millisecond}

// If the connection is lost, in any way, the calls in flight fail at once, and the client reconnects.
func TestConnectionLoss(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Own(t)
	ctx := context.Background()
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, way := range []struct {
		name string
		lose func(*testing.T, *amqprpc.Client) // until the client notices
		heal func(*testing.T)
		down bool // between the two nothing can be sent
	}{
		{name: "dropped sockets", lose: func(_ *testing.T, c *amqprpc.Client) { c.DropConnection() }},
		{name: "closed by the broker", lose: func(t *testing.T, _ *amqprpc.Client) { must(t, node.CloseConnections(ctx, "test")) }},
		{name: "callback queue deleted", lose: func(t *testing.T, c *amqprpc.Client) {
			brokertest.Ctl(t, node, "delete_queue", callbackQueue(c))
		}},
		{name: "broker stopped", down: true,
			lose: func(t *testing.T, _ *amqprpc.Client) { must(t, node.Stop(ctx)) },
			heal: func(t *testing.T) { must(t, node.Start(ctx)) }},
		{name: "broker killed", down: true,
			lose: func(*testing.T, *amqprpc.Client) { node.Kill() },
			heal: func(t *testing.T) { must(t, node.Start(ctx)) }},
		{name: "broker frozen", down: true,
			lose: func(t *testing.T, _ *amqprpc.Client) { must(t, node.Freeze()) },
			heal: func(t *testing.T) { must(t, node.Thaw()) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			brokertest.NoLeaks(t)
			queue := "loss"
			declare(t, node.URL(), queue) // nobody answers
			observed := newStoryTally()
			broker := at(node.URL())
			broker.Heartbeat = time.Second
			c := dial(t, amqprpc.Config{ConnConfig: broker, Queue: queue, Observer: observed, Timeout: time.Hour, Backoff: quick})
			defer c.Close()
			callback := callbackQueue(c)
			var calls []*amqprpc.Call
			for range 100 {
				calls = append(calls, c.Go(ctx, amqprpc.Request{}))
			}
			observed.until(t, "all confirmed", seen(amqprpc.EventConfirmed, 100))

			way.lose(t, c)
			observed.until(t, "disconnected", seen(amqprpc.EventDisconnected, 1))
			for _, call := range calls {
				within(t, "a call of the lost epoch", func() {
					_, err := call.Result()
					wantIs(t, err, amqprpc.ErrConnectionLost)
					wantIsNot(t, err, amqprpc.ErrNotExecuted)
				})
			}
			if way.down {
				if name := callbackQueue(c); name != "" {
					t.Errorf("while disconnected there is a callback queue %q", name)
				}
				_, err := c.Call(ctx, amqprpc.Request{Timeout: 30 * time.Millisecond})
				wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
				_, err = c.QueueStats(ctx, queue)
				wantIs(t, err, amqprpc.ErrConnectionLost)
			}
			waiting := c.Go(ctx, amqprpc.Request{Body: []byte("after")})
			if way.heal != nil {
				way.heal(t)
			}
			serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Prefetch: 64})
			within(t, "a call that waits for a connection", func() {
				if reply, err := waiting.Result(); err != nil || string(reply.Body) != "after" {
					t.Errorf("reply %q, error %v", reply.Body, err)
				}
			})
			if name := callbackQueue(c); name == callback || name == "" {
				t.Errorf("the callback queue is %q, as before %q", name, callback)
			}
			observed.check(t)
			observed.until(t, "every call has ended", func(t *tally) bool { return len(t.flying) == 0 })
		})
	}
}

// If connections are lost under load, each call has one outcome, and with Retry and Idempotent that is an answer.
func TestLossUnderLoad(t *testing.T) {
	brokertest.SkipIfShort(t)
	url := brokertest.Shared(t).URL()
	for _, idempotent := range []bool{false, true} {
		t.Run(fmt.Sprintf("idempotent=%v", idempotent), func(t *testing.T) {
			queue := brokertest.QueueName(t)
			held, release := make(chan struct{}), make(chan struct{})
			serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 64, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
				if req.Type == "held" && req.Attempt == 1 {
					held <- struct{}{}
					<-release
				}
				return echo(ctx, req)
			}})
			observed := newStoryTally()
			c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1, Backoff: quick}})
			const workers, drops = 32, 5
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						body := fmt.Sprint(time.Now().UnixNano())
						reply, err := c.Call(context.Background(), amqprpc.Request{Body: []byte(body), Idempotent: idempotent})
						switch {
						case err == nil:
							if string(reply.Body) != body {
								t.Errorf("%q was answered %q", body, reply.Body)
							}
						case idempotent:
							t.Error(err)
						default:
							wantIs(t, err, amqprpc.ErrConnectionLost)
						}
					}
				})
			}
			for i := range drops {
				before := observed.count(func(t *tally) int { return t.classes[amqprpc.Answer] })
				observed.until(t, "some answers", replies(amqprpc.Answer, before+200))
				// On a busy machine no other call may be in flight at the drop: all replies have arrived in one read.
				call := c.Go(context.Background(), amqprpc.Request{Type: "held", Idempotent: idempotent})
				next(t, held)
				c.DropConnection()
				observed.until(t, "connected again", seen(amqprpc.EventConnected, i+2))
				release <- struct{}{}
				if _, err := call.Result(); idempotent && err != nil || !idempotent && !errors.Is(err, amqprpc.ErrConnectionLost) {
					t.Errorf("the call that was in flight: %v", err)
				}
			}
			close(stop)
			wg.Wait()
			observed.check(t)
			observed.until(t, "every call has ended", func(t *tally) bool { return len(t.flying) == 0 })
			lost := observed.count(func(t *tally) int { return t.ended[amqprpc.ConnectionLost] })
			retried := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventRetry] })
			if idempotent && retried < drops || !idempotent && (lost < drops || retried != 0) {
				t.Errorf("%d calls lost, %d retries", lost, retried)
			}
			checkAttempts(t, observed)
		})
	}
}

// checkAttempts compares each call's publishes with the promises of Retry: numbers from 1 without a gap, one
// correlation ID, one callback queue an epoch.
func checkAttempts(t *testing.T, observed *tally) {
	t.Helper()
	observed.mu.Lock()
	defer observed.mu.Unlock()
	attempts := map[string][]int{}
	queues := map[int]string{}
	for _, e := range observed.events {
		switch e.Kind {
		case amqprpc.EventConnected:
			for _, q := range queues {
				if q == e.Connection.Queue {
					t.Errorf("epoch %d has the callback queue of another", e.Epoch)
				}
			}
			queues[e.Epoch] = e.Connection.Queue
		case amqprpc.EventPublished:
			attempts[e.ID] = append(attempts[e.ID], e.Attempt)
			m := e.Message
			if m.CorrelationID != e.ID || m.ReplyTo != queues[e.Epoch] || !strings.HasSuffix(fmt.Sprint(m.Headers[amqprpc.HeaderRPC]), fmt.Sprintf(";attempt=%d", e.Attempt)) {
				t.Errorf("attempt %d of %s: ID %s, reply to %s, header %v", e.Attempt, e.ID, m.CorrelationID, m.ReplyTo, m.Headers[amqprpc.HeaderRPC])
			}
		}
	}
	for id, numbers := range attempts {
		want := make([]int, len(numbers))
		for i := range want {
			want[i] = i + 1
		}
		if !slices.Equal(numbers, want) {
			t.Errorf("attempts of %s: %v", id, numbers)
		}
	}
}

// Retry.Attempts bounds how often a request is sent in all.
func TestRetryIsBounded(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{Backoff: quick, Retry: amqprpc.Retry{Attempts: 3}})
	call := b.Go(context.Background(), amqprpc.Request{Idempotent: true})
	for range 3 {
		next(t, b.requests)
		b.DropConnection()
	}
	_, err := call.Result()
	wantIs(t, err, amqprpc.ErrConnectionLost)
	if e := asCall(t, err); e.Attempts != 3 || e.NotExecuted {
		t.Errorf("%+v", e)
	}
	checkAttempts(t, b.observed)
}

// A reply to an earlier attempt is the answer, too, if it comes while the call waits.
func TestAnswerToAnEarlierAttempt(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{Backoff: quick, Retry: amqprpc.Retry{Attempts: -1}})
	call := b.Go(context.Background(), amqprpc.Request{Idempotent: true})
	first := next(t, b.requests)
	b.DropConnection()
	second := next(t, b.requests)
	if first.CorrelationId != second.CorrelationId || first.ReplyTo == second.ReplyTo {
		t.Fatalf("first %s %s, then %s %s", first.CorrelationId, first.ReplyTo, second.CorrelationId, second.ReplyTo)
	}
	first.ReplyTo = second.ReplyTo // as a server would that looks the caller up elsewhere
	b.answer(t, first, "early")
	b.answer(t, second, "late")
	if reply, err := call.Result(); err != nil || reply.Server != "early" {
		t.Errorf("answered by %q, error %v", reply.Server, err)
	}
	b.observed.until(t, "a duplicate", replies(amqprpc.Duplicate, 1))
}

// Dial and a reconnect use any of several URLs that works.
func TestSeveralURLs(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	live := node.URL()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "amqp://" + dead.Addr().String()
	dead.Close()
	// A second way to the live broker, which the test can cut.
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, err := amqprpc.Address(live)
	if err != nil {
		t.Fatal(err)
	}
	var pipes sync.WaitGroup
	t.Cleanup(pipes.Wait)
	t.Cleanup(func() { proxy.Close() })
	pipes.Go(func() {
		for {
			in, err := proxy.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", address)
			if err != nil {
				in.Close()
				continue
			}
			copyOver := func(to, from net.Conn) {
				defer to.Close()
				defer from.Close()
				b := make([]byte, 4096)
				for {
					n, err := from.Read(b)
					if err != nil {
						return
					}
					if _, err := to.Write(b[:n]); err != nil {
						return
					}
				}
			}
			pipes.Go(func() { copyOver(in, out) })
			pipes.Go(func() { copyOver(out, in) })
		}
	})
	queue := brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(live), Queue: queue})
	observed := newTally()
	c := dial(t, amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{nobody, "amqp://guest:guest@" + proxy.Addr().String(), live}},
		Queue:      queue, Observer: observed, Backoff: quick,
	})
	if info, ok := c.Connection(); !ok || info.Address != proxy.Addr().String() || info.Product != node.Product() {
		t.Fatalf("connected to %+v", info)
	}
	proxy.Close()
	c.DropConnection()
	observed.until(t, "connected again", seen(amqprpc.EventConnected, 2))
	if info, ok := c.Connection(); !ok || info.Address != address {
		t.Errorf("connected to %+v, %v", info, ok)
	}
	if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil {
		t.Error(err)
	}
}

func TestMemoryAlarm(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Own(t)
	t.Run("calls wait", func(t *testing.T) { callsWaitDuringAlarm(t, node) })
	t.Run("a server starts", func(t *testing.T) { serverStartsDuringAlarm(t, node) })
}

// During a memory alarm requests wait in the client until their deadlines, and are published when it is cleared.
func callsWaitDuringAlarm(t *testing.T, node brokertest.Node) {
	ctx := context.Background()
	queue := "alarm"
	declare(t, node.URL(), queue)
	observed := newStoryTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed})
	if err := node.RaiseMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
	first := c.Go(ctx, amqprpc.Request{}) // the broker reports the alarm at the next publish
	observed.until(t, "blocked", seen(amqprpc.EventBlocked, 1))
	for range 3 {
		_, err := c.Call(ctx, amqprpc.Request{Timeout: 30 * time.Millisecond})
		wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
	}
	if stats, err := c.QueueStats(ctx, queue); err != nil || stats.Consumers != 0 {
		t.Errorf("meanwhile: %+v, error %v", stats, err)
	}
	held := c.Go(ctx, amqprpc.Request{Body: []byte("held")})
	if err := node.ClearMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue})
	for _, call := range []*amqprpc.Call{first, held} {
		if _, err := call.Result(); err != nil {
			t.Error(err)
		}
	}
	observed.until(t, "unblocked", seen(amqprpc.EventUnblocked, 1))

	// Close does not wait for the end of an alarm.
	if err := node.RaiseMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
	c.Go(ctx, amqprpc.Request{})
	observed.until(t, "blocked again", seen(amqprpc.EventBlocked, 2))
	within(t, "Close while blocked", func() { c.Close() })
	observed.check(t)
	if err := node.ClearMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
}

// A server that starts during a memory alarm serves when it is cleared.
func serverStartsDuringAlarm(t *testing.T, node brokertest.Node) {
	ctx := context.Background()
	declare(t, node.URL(), "alarm")
	if err := node.RaiseMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
	failed, connected := make(chan string, 100), make(chan struct{}, 100)
	conn := at(node.URL())
	conn.DialTimeout = 2 * time.Second // connecting takes less, on a busy machine too
	s := &amqprpc.Server{ConnConfig: conn, Queue: "alarm", Handler: echo, Backoff: quick,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			switch e.Kind {
			case amqprpc.EventReconnecting:
				failed <- e.Text
			case amqprpc.EventConnected:
				connected <- struct{}{}
			}
		})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	if text := next(t, failed); !strings.Contains(text, amqprpc.ErrBlocked.Error()) {
		t.Errorf("told %q", text)
	}
	if err := node.ClearMemoryAlarm(ctx); err != nil {
		t.Fatal(err)
	}
	next(t, connected)
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := next(t, ended); err != nil {
		t.Error(err)
	}
}
