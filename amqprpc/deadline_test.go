package amqprpc_test

import (
	"context"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A queue without consumers: nothing but the deadline ends the call.
func TestWhichDeadlineHolds(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	const short, long = 30 * time.Millisecond, time.Hour
	for name, c := range map[string]struct{ config, request, context time.Duration }{
		"the default":                    {config: short},
		"the request's":                  {config: long, request: short},
		"the request's before a later":   {config: long, request: short, context: long},
		"the context's":                  {config: long, context: short},
		"the context's before a later":   {config: short, request: long, context: short},
		"the request's, default earlier": {config: time.Nanosecond, request: short},
	} {
		t.Run(name, func(t *testing.T) {
			observed := newStoryTally()
			client := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Timeout: c.config, Observer: observed})
			ctx := context.Background()
			if c.context > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.context)
				defer cancel()
			}
			began := time.Now()
			_, err := client.Call(ctx, amqprpc.Request{Timeout: c.request})
			wantIs(t, err, amqprpc.ErrTimeout, context.DeadlineExceeded)
			wantIsNot(t, err, amqprpc.ErrCanceled)
			e := asCall(t, err)
			if took := time.Since(began); took < short-time.Millisecond || e.Outcome != amqprpc.Timeout || !e.Timeout() {
				t.Errorf("%+v after %v", e, took)
			}
			sent := observed.story(e.ID)[0]
			if d := sent.Deadline.Sub(began); d < short-time.Millisecond || d > short+10*time.Second {
				t.Errorf("the deadline was in %v", d)
			}
			observed.check(t)
		})
	}
}

// Timeouts of centuries do not break the connection.
func TestDistantDeadlinesWork(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	far, cancel := context.WithDeadline(context.Background(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	defer cancel()
	for _, timeout := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, 1 << 32 * time.Millisecond, 365 * 24 * time.Hour, 0} {
		if _, err := c.Call(far, amqprpc.Request{Timeout: timeout}); err != nil {
			t.Errorf("a timeout of %v: %v", timeout, err)
		}
		if _, err := c.Call(context.Background(), amqprpc.Request{Timeout: timeout}); err != nil {
			t.Errorf("a timeout of %v: %v", timeout, err)
		}
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
}

func TestCallWithEndedContextFails(t *testing.T) {
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), Observer: observed})
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	passed, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := c.Call(canceled, amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrCanceled, context.Canceled, amqprpc.ErrNotExecuted)
	_, err = c.Call(passed, amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrTimeout, context.DeadlineExceeded, amqprpc.ErrNotExecuted)
	_, err = c.Go(canceled, amqprpc.Request{}).Result()
	wantIs(t, err, amqprpc.ErrCanceled, amqprpc.ErrNotExecuted)
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventPublished] }); n != 0 {
		t.Errorf("%d requests were published", n)
	}
	observed.check(t)
}

func TestCancelEndsCall(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	why := context.Canceled
	for _, async := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(context.Background())
		var err error
		if async {
			call := b.Go(ctx, amqprpc.Request{})
			next(t, b.requests)
			cancel(why)
			_, err = call.Result()
		} else {
			go func() {
				<-b.requests
				cancel(why)
			}()
			_, err = b.Call(ctx, amqprpc.Request{})
		}
		wantIs(t, err, amqprpc.ErrCanceled, context.Canceled)
		wantIsNot(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
		cancel(nil)
	}
	if n := b.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
}

// Waiting for room ends with the deadline, the context, the client, or room.
func TestCallsWaitForRoom(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{MaxInFlight: 1})
	first := b.Go(context.Background(), amqprpc.Request{})
	d := next(t, b.requests)

	_, err := b.Call(context.Background(), amqprpc.Request{Timeout: 20 * time.Millisecond})
	wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
	if e := asCall(t, err); e.Attempts != 0 || e.ID == "" {
		t.Errorf("%+v", e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = b.Call(ctx, amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrCanceled, amqprpc.ErrNotExecuted)

	second := make(chan *amqprpc.Call)
	go func() { second <- b.Go(context.Background(), amqprpc.Request{}) }()
	b.answer(t, d, "server")
	if _, err := first.Result(); err != nil {
		t.Error(err)
	}
	next(t, b.requests)
	call := next(t, second)

	waiting := make(chan error)
	go func() { _, err := b.Call(context.Background(), amqprpc.Request{}); waiting <- err }()
	b.Close()
	wantIs(t, next(t, waiting), amqprpc.ErrClosed, amqprpc.ErrNotExecuted)
	if n := b.observed.count(func(t *tally) int { return t.kinds[amqprpc.EventSent] }); n != 4 {
		t.Errorf("%d calls began; the one that found no room before Close did not", n)
	}
	_, err = call.Result()
	wantIs(t, err, amqprpc.ErrClosed)
	wantIsNot(t, err, amqprpc.ErrNotExecuted)
}

func TestFailWhenFull(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{MaxInFlight: 2, FailWhenFull: true})
	first := b.Go(context.Background(), amqprpc.Request{})
	b.Go(context.Background(), amqprpc.Request{})
	_, err := b.Call(context.Background(), amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrTooManyInFlight, amqprpc.ErrNotExecuted)
	b.answer(t, next(t, b.requests), "server")
	if _, err := first.Result(); err != nil { // and not the event, which comes before there is room
		t.Error(err)
	}
	call := b.Go(context.Background(), amqprpc.Request{})
	next(t, b.requests)
	b.answer(t, next(t, b.requests), "server")
	if _, err := call.Result(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := b.observed.count(func(t *tally) int { return t.kinds[amqprpc.EventSent] }); n != 3 {
		t.Errorf("%d calls began", n)
	}
}

// A stuckConn is a net.Conn whose writes, once stuck is set, block until it is closed, past every deadline, as if the
// broker did not read.
type stuckConn struct {
	net.Conn
	stuck   *atomic.Bool
	waiting chan<- struct{}
	closed  chan struct{}
	once    sync.Once
}

func (c *stuckConn) Write(p []byte) (int, error) {
	if c.stuck.Load() {
		select {
		case c.waiting <- struct{}{}:
		default:
		}
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func (c *stuckConn) SetDeadline(time.Time) error      { return nil }
func (c *stuckConn) SetWriteDeadline(time.Time) error { return nil }
func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func TestDeadlineHoldsDuringStuckWrite(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	brokertest.NoLeaks(t)
	declare(t, url, queue)
	var stuck atomic.Bool
	waiting := make(chan struct{}, 1)
	broker := at(url)
	broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &stuckConn{Conn: conn, stuck: &stuck, waiting: waiting, closed: make(chan struct{})}, err
	}
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: broker, Queue: queue, Observer: observed})
	stuck.Store(true)
	first := c.Go(context.Background(), amqprpc.Request{Timeout: time.Second})
	next(t, waiting)
	second := c.Go(context.Background(), amqprpc.Request{Timeout: time.Second, Body: make([]byte, 300<<10)}) // as much as is buffered
	third := c.Go(context.Background(), amqprpc.Request{Timeout: time.Second})
	fourth := c.Go(context.Background(), amqprpc.Request{Timeout: time.Hour})
	within(t, "a call whose write is stuck", func() {
		for _, call := range []*amqprpc.Call{first, second} { // how much of them was written is not known
			_, err := call.Result()
			wantIs(t, err, amqprpc.ErrTimeout)
			wantIsNot(t, err, amqprpc.ErrNotExecuted)
		}
		_, err := third.Result() // it waits for its turn
		wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
	})
	within(t, "Close with a write that is stuck", func() { c.Close() })
	_, err := fourth.Result()
	wantIs(t, err, amqprpc.ErrClosed, amqprpc.ErrNotExecuted)
	observed.check(t)
}
