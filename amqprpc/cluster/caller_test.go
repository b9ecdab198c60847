package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
)

// A caller is a client under a closed-loop load, and the results of its calls.
type caller struct {
	*notifier
	name   string
	client *amqprpc.Client

	idempotent bool

	clientRecord *ledger.Ledger
	load         *load.Load
	ended        chan struct{} // closed when the load is over
	sum          load.Result   // then

	at        string // the address that it is connected to, "" while it is not
	epochs    int
	returned  int
	completed int
	failed    []error
	last      time.Time     // when the last call was completed
	stall     time.Duration // the longest time without one
	longest   time.Duration // the longest completed call
}

// call starts a load of requests like this one. Idempotent ones are retried until their deadline.
func call(t *testing.T, broker amqprpc.ConnConfig, queue string, like amqprpc.Request) *caller {
	t.Helper()
	c := &caller{notifier: newNotifier(), name: "plain", idempotent: like.Idempotent, clientRecord: ledger.New(ledger.Config{}), ended: make(chan struct{})}
	cfg := amqprpc.Config{ConnConfig: broker, Queue: queue, Backoff: backoff, Observer: ledger.NewTee(c.clientRecord, c)}
	if like.Idempotent {
		c.name = "idempotent"
		cfg.Retry = amqprpc.Retry{Attempts: -1, Backoff: backoff}
	}
	cfg.Name = c.name
	var err error
	if c.client, err = amqprpc.Dial(within(t), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.client.Close() })
	c.load, err = load.New(c.client.Call, load.Plan{
		Concurrency: *concurrency,
		Source: func(k int64, _ *rand.Rand) amqprpc.Request {
			req := like
			req.Body = strconv.AppendInt(nil, int64(k), 10)
			return req
		},
		Check: func(req amqprpc.Request, reply amqprpc.Reply) error {
			if string(reply.Body) != answer(req.Body) {
				return fmt.Errorf("%q was answered %q", req.Body, reply.Body)
			}
			return nil
		},
		OnResult: c.result,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		if c.sum, err = c.load.Run(context.Background()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}()
	t.Cleanup(func() { c.endLoad(t) })
	c.more(t, 100)
	return c
}

// Observe follows the connection, and returned requests.
func (c *caller) Observe(e amqprpc.Event) {
	switch e.Kind {
	case amqprpc.EventConnected:
		c.change(func() { c.at, c.epochs = e.Connection.Address, e.Epoch })
	case amqprpc.EventDisconnected:
		c.change(func() { c.at = "" })
	case amqprpc.EventReturned:
		c.change(func() { c.returned++ })
	}
}

func (c *caller) result(call *load.Call) {
	now := time.Now()
	c.change(func() {
		if call.Err != nil {
			c.failed = append(c.failed, call.Err)
			return
		}
		c.completed++
		if !c.last.IsZero() {
			c.stall = max(c.stall, now.Sub(c.last))
		}
		c.last = now
		c.longest = max(c.longest, now.Sub(call.Request.Intended))
	})
}

func (c *caller) describe() string {
	said := fmt.Sprintf("%s: at %q in epoch %d, %d completed, %d failed", c.name, c.at, c.epochs, c.completed, len(c.failed))
	if n := len(c.failed); n > 0 {
		said += fmt.Sprintf(", the first as %v, the last as %v", c.failed[0], c.failed[n-1])
	}
	return said
}

// more waits until n more calls are completed.
func (c *caller) more(t *testing.T, n int) {
	t.Helper()
	c.Lock()
	enough := c.completed + n
	c.Unlock()
	c.waitUntil(t, "calls are completed", func() bool { return c.completed >= enough }, c.describe)
}

// awaitMove waits until the client is at another address than this one.
func (c *caller) awaitMove(t *testing.T, dead string) {
	t.Helper()
	c.waitUntil(t, "the client is at a living node", func() bool { return c.at != "" && c.at != dead }, c.describe)
}

// longestPause returns the longest time without a completed call since it was called last.
func (c *caller) longestPause() time.Duration {
	c.Lock()
	defer c.Unlock()
	longest := c.stall
	c.stall = 0
	return longest
}

// rejected returns how many calls have ended as Rejected.
func (c *caller) rejected() (n int) {
	c.Lock()
	defer c.Unlock()
	for _, err := range c.failed {
		if errors.Is(err, amqprpc.ErrRejected) {
			n++
		}
	}
	return n
}

// endLoad ends the load and waits for its last calls.
func (c *caller) endLoad(t *testing.T) {
	t.Helper()
	c.load.Stop()
	select {
	case <-c.ended:
	case <-time.After(testTimeout):
		t.Fatalf("the load does not end: %s", c.describe())
	}
}

// stop ends the load, and compares its events with the ledger.
func (c *caller) stop(t *testing.T) ledger.Snapshot {
	t.Helper()
	c.endLoad(t)
	r := c.sum
	s := c.clientRecord.Snapshot(ledger.Query{})
	if err := s.Broken(); err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
	if s.Traffic.Ignored != 0 || s.Calls.InFlight != 0 {
		t.Errorf("%s: %d events that cannot be true, %d calls in flight", c.name, s.Traffic.Ignored, s.Calls.InFlight)
	}
	if got := (ledger.Calls{Sent: uint64(r.Started), Completed: uint64(r.Completed), Failed: uint64(r.Failed)}); got != s.Calls {
		t.Errorf("%s: callers saw %+v, the books say %+v", c.name, got, s.Calls)
	}
	if r.Wrong != 0 {
		t.Errorf("%s: %d wrong answers: %v", c.name, r.Wrong, r.Wrongs)
	}
	return s
}

// outcomes counts failures by outcome, and fails the test if a call that is not executed by the client's word was.
func (c *caller) outcomes(t *testing.T, s *service) map[amqprpc.Outcome]int {
	t.Helper()
	found := map[amqprpc.Outcome]int{}
	for _, err := range c.failed {
		var e *amqprpc.CallError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v (%T) is no CallError", c.name, err, err)
			continue
		}
		found[e.Outcome]++
		if n := s.ran(e.ID); e.NotExecuted && n > 0 {
			t.Errorf("%s: %s, which ended as %v, was executed %d times, and the client says never", c.name, e.ID, e.Outcome, n)
		}
	}
	return found
}
