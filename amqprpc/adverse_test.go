package amqprpc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// An unconfirmedConn drops the broker's confirms, as a queue without a majority withholds them. A broker that sends
// confirms sends no heartbeats, so each is replaced by a heartbeat.
type unconfirmedConn struct {
	net.Conn
	on    *atomic.Bool
	beats *atomic.Int64 // heartbeats written since the first confirm was swallowed
	begun atomic.Bool
	buf   []byte
}

func (a *unconfirmedConn) Read(p []byte) (int, error) {
	for len(a.buf) == 0 {
		head := make([]byte, 7)
		if _, err := io.ReadFull(a.Conn, head); err != nil {
			return 0, err
		}
		rest := make([]byte, binary.BigEndian.Uint32(head[3:])+1)
		if _, err := io.ReadFull(a.Conn, rest); err != nil {
			return 0, err
		}
		const method, basic, ack = 1, 60, 80
		if a.on.Load() && head[0] == method && binary.BigEndian.Uint16(rest) == basic && binary.BigEndian.Uint16(rest[2:]) == ack {
			head, rest = []byte{8, 0, 0, 0, 0, 0, 0}, []byte{0xce}
			a.begun.Store(true)
		}
		a.buf = append(head, rest...)
	}
	n := copy(p, a.buf)
	a.buf = a.buf[n:]
	return n, nil
}

func (a *unconfirmedConn) Write(p []byte) (int, error) {
	const heartbeat = 8
	if a.begun.Load() && len(p) == 8 && p[0] == heartbeat {
		a.beats.Add(1)
	}
	return a.Conn.Write(p)
}

// If confirms are withheld for more publishes than may be unconfirmed, heartbeats go on, the connection lives, and every
// call ends by its deadline.
func TestConfirmsWithheld(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 1000, Concurrency: 4})
	const heartbeat = 3 * time.Second // a busy machine stands still for one
	var on atomic.Bool
	var beats atomic.Int64
	observed := newTally()
	c := dial(t, amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Heartbeat: heartbeat, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return &unconfirmedConn{Conn: conn, on: &on, beats: &beats}, err
		}},
		Queue: queue, Timeout: time.Hour, Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventDisconnected {
				t.Logf("disconnected: %s", e.Text)
			}
			observed.Observe(e)
		}),
	})
	on.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const all, required = 4300, 4000 // at least so many may be unconfirmed
	var calls []*amqprpc.Call
	for range all {
		calls = append(calls, c.Go(ctx, amqprpc.Request{}))
	}
	for n := required / 8; n <= required; n += required / 8 {
		observed.until(t, "the calls before those that must wait are answered", replies(amqprpc.Answer, n))
	}
	// There are two in each interval, and RabbitMQ misses them after three: if they stopped, the connection would
	// be gone by then.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(testTimeout); beats.Load() < 7; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d heartbeats were sent", beats.Load())
		}
	}
	late := c.Go(ctx, amqprpc.Request{Timeout: 50 * time.Millisecond}) // a deadline holds
	_, err := late.Result()
	wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
	cancel()
	completed := 0
	for _, call := range calls {
		if _, err := call.Result(); err == nil {
			completed++
		} else {
			wantIs(t, err, amqprpc.ErrCanceled)
			if e := asCall(t, err); e.NotExecuted != (e.Attempts == 0) {
				t.Errorf("%d attempts, not executed: %v", e.Attempts, e.NotExecuted)
			}
		}
	}
	observed.check(t)
	if completed < required || completed == all {
		t.Errorf("%d calls completed, of %d", completed, all)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("disconnected %d times", n)
	}
}

// Calls that ended while they waited for their next attempt are not kept in memory.
func TestRetriesHoldNoMemory(t *testing.T) {
	brokertest.SkipIfShort(t)
	const size, calls = 1 << 19, 100
	waiting := make(chan string, calls)
	c := dial(t, amqprpc.Config{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), MaxInFlight: 10,
		Retry: amqprpc.Retry{Attempts: -1, Backoff: amqprpc.Backoff{First: time.Hour}},
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventRetry {
				waiting <- e.ID
			}
		})})
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range calls {
		ctx, cancel := context.WithCancel(context.Background())
		call := c.Go(ctx, amqprpc.Request{Body: make([]byte, size), Timeout: time.Hour})
		if id := next(t, waiting); id != call.ID() {
			t.Fatalf("call %s is waiting, not %s", id, call.ID())
		}
		cancel()
		_, err := call.Result()
		wantIs(t, err, amqprpc.ErrCanceled, amqprpc.ErrNotExecuted)
	}
	if after := heap(); after > before+size*calls/4 {
		t.Errorf("%d MB after %d ended calls of %d KB", (after-before)>>20, calls, size>>10)
	}
}

// A call that ran into its deadline while it was being retried says why.
func TestRetriedCallKeepsItsReason(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	c := dial(t, amqprpc.Config{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), Retry: amqprpc.Retry{Attempts: -1}})
	_, err := c.Call(context.Background(), amqprpc.Request{Timeout: time.Second})
	wantIs(t, err, amqprpc.ErrTimeout)
	if e := asCall(t, err); e.Attempts < 2 || e.Err == nil {
		t.Errorf("%d attempts, cause %v", e.Attempts, e.Err)
	}
}

// Event times do not step back, not even for a call that had to wait for room.
func TestEventTimesGrow(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	var last time.Time
	var back time.Duration
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, MaxInFlight: 1, Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
		back = max(back, last.Sub(e.Time))
		last = e.Time
	})})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c.Close()
	if back > 0 {
		t.Errorf("time stepped back by %v", back)
	}
}

// runtime.Goexit in a handler, which t.FailNow calls, costs its caller an error and the server nothing.
func TestGoexitInHandler(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		if string(req.Body) == "exit" {
			runtime.Goexit()
		}
		return echo(ctx, req)
	}})
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue})
	for range 3 {
		_, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("exit")})
		if remote := (*amqprpc.RemoteError)(nil); !errors.As(err, &remote) || remote.Code != amqprpc.CodeInternal {
			t.Errorf("error %v", err)
		}
		if _, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("stay")}); err != nil {
			t.Error(err)
		}
	}
	if stats := s.Stats(); stats.Requests != 6 || stats.Errors != 3 || stats.Answered != 3 {
		t.Errorf("%+v", stats)
	}
}

// Headers by which RabbitMQ routes do no harm, although it closes the channel if they have another form. Neither do
// this package's headers if a handler repeats them, nor changes that a handler makes to its request.
func TestDangerousHeaders(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		headers := req.Headers
		headers["CC"], headers["BCC"] = "x", []any{queue}
		req.ReplyTo, req.CorrelationID = queue, "another"
		return amqprpc.Response{Headers: headers}, nil
	}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	for _, bad := range []any{"x", nil, int32(1), []any{int32(1)}, amqp.Table{}} {
		for _, key := range []string{"CC", "BCC"} {
			_, err := c.Call(context.Background(), amqprpc.Request{Headers: amqp.Table{key: bad}})
			wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
		}
	}
	cycle := amqp.Table{}
	cycle["self"] = cycle
	_, err := c.Call(context.Background(), amqprpc.Request{Headers: cycle})
	wantIs(t, err, amqprpc.ErrInvalidRequest)
	reply, err := c.Call(context.Background(), amqprpc.Request{Headers: amqp.Table{"x-rpc-error": "PERMISSION_DENIED", "own": "kept"}})
	if err != nil || reply.Headers["own"] != "kept" || reply.Headers["CC"] != nil || reply.Headers["BCC"] != nil {
		t.Errorf("%v, %v", reply.Headers, err)
	}
	if stats := s.Stats(); stats.Requests != 1 || stats.Answered != 1 || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("disconnected %d times", n)
	}
}

// Neither Shutdown nor the end of Serve's context waits for a dial.
func TestServerEndsWhileDialling(t *testing.T) {
	dialling := make(chan struct{}, 10)
	black := amqprpc.ConnConfig{URLs: []string{amqprpc.DefaultURL, amqprpc.DefaultURL}, DialTimeout: time.Hour,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialling <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
	s := &amqprpc.Server{ConnConfig: black, Queue: "q", Handler: echo}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(context.Background()) }()
	<-dialling
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("after Shutdown: %v", err)
	}
	mine := errors.New("mine")
	ctx, cancel := context.WithCancelCause(context.Background())
	s = &amqprpc.Server{ConnConfig: black, Queue: "q", Handler: echo}
	go func() { ended <- s.Serve(ctx) }()
	<-dialling
	cancel(mine)
	wantIs(t, <-ended, mine)
}

// A Server's fields may be read while it serves, which the race detector checks.
func TestServerFieldsAreOnlyRead(t *testing.T) {
	s := &amqprpc.Server{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), QueueType: amqprpc.QueueClassic, Handler: echo}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(context.Background()) }()
	c := dial(t, amqprpc.Config{ConnConfig: s.ConnConfig, Queue: s.Queue})
	c.Close()
	if s.Prefetch != 0 || s.Concurrency != 0 || s.QueueType != amqprpc.QueueClassic {
		t.Errorf("fields were filled in: %d, %d, %v", s.Prefetch, s.Concurrency, s.QueueType)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
