package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A gate is a handler that tells when it has begun a request and waits to be let on.
type gate struct {
	begun chan *amqprpc.Request
	open  chan struct{}
}

func newGate() *gate { return &gate{make(chan *amqprpc.Request, 1000), make(chan struct{})} }

func (g *gate) handle(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	g.begun <- req
	select {
	case <-g.open:
		return echo(ctx, req)
	case <-ctx.Done():
		return amqprpc.Response{}, ctx.Err()
	}
}

// Shutdown lets the running handler finish, its reply arrive and its request be acked. The waiting requests go to
// other servers at once, not after it.
func TestShutdownDrains(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	brokertest.NoLeaks(t)
	g := newGate()
	first := serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "first"}, Queue: queue,
		Prefetch: 10, Concurrency: 1, Handler: g.handle})
	a := newAsker(t, url, queue)
	for i := range 10 {
		a.ask(t, amqp.Publishing{CorrelationId: fmt.Sprint(i)})
	}
	if req := next(t, g.begun); req.CorrelationID != "0" {
		t.Fatalf("began with %s", req.CorrelationID)
	}
	a.untilTaken(t) // by the first server, all of them
	down := make(chan error, 1)
	go func() { down <- first.Shutdown(context.Background()) }()
	serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "second"}, Queue: queue})
	for range 9 { // while the first handler still runs
		if d := next(t, a.replies); d.AppId != "second" || d.CorrelationId == "0" || !meta(d).Redelivered {
			t.Errorf("reply to %s by %q: %v", d.CorrelationId, d.AppId, d.Headers)
		}
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown returned before the handler: %v", err)
	default:
	}
	close(g.open)
	if d := next(t, a.replies); d.AppId != "first" || d.CorrelationId != "0" {
		t.Errorf("reply to %s by %q", d.CorrelationId, d.AppId)
	}
	if err := next(t, down); err != nil {
		t.Error(err)
	}
	if err := first.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
	if len(g.begun) != 0 || first.Stats().Answered != 1 {
		t.Errorf("%d more begun; %+v", len(g.begun), first.Stats())
	}
}

// A server that drains with many requests requeues each that no handler has begun, and no other, whether its handlers
// end at once or run for longer than that takes.
func TestShutdownRequeuesInOneFrame(t *testing.T) {
	brokertest.SkipIfShort(t)
	const many, inHand = 1000, 2
	for name, busy := range map[string]bool{"handlers that end": false, "handlers that go on": true} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			g := newGate()
			var identityLog atomic.Int64
			first := serve(t, &amqprpc.Server{Queue: queue, Prefetch: 65535, Concurrency: inHand, Handler: g.handle,
				ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "first", Dial: counting(&identityLog)}})
			a := newAsker(t, url, queue)
			for i := range many {
				a.ask(t, amqp.Publishing{CorrelationId: fmt.Sprint(i)})
			}
			begun := map[string]bool{}
			for range inHand {
				begun[next(t, g.begun).CorrelationID] = true
			}
			a.untilTaken(t)
			identityLog.Store(0)
			down := make(chan error, 1)
			go func() { down <- first.Shutdown(context.Background()) }()
			eventually(t, first, "all but those in hand are to go back", func(s amqprpc.ServerStats) bool { return s.Requeued == many-inHand })
			if !busy {
				close(g.open)
				if err := next(t, down); err != nil {
					t.Error(err)
				}
			}
			serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "second"}, Queue: queue, Prefetch: 100})
			got := map[string]bool{}
			for range many {
				if busy && len(got) == many-inHand {
					close(g.open)
				}
				d := next(t, a.replies)
				if mine := begun[d.CorrelationId]; got[d.CorrelationId] || mine != (d.AppId == "first") || mine == meta(d).Redelivered {
					t.Fatalf("reply to %s by %q: %v; one before: %t", d.CorrelationId, d.AppId, d.Headers, got[d.CorrelationId])
				}
				got[d.CorrelationId] = true
			}
			if busy {
				if err := next(t, down); err != nil {
					t.Error(err)
				}
			}
			t.Logf("%d bytes were written from the Shutdown on", identityLog.Load())
		})
	}
}

// counting dials connections whose writes are counted, in bytes.
func counting(identityLog *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		return countingConn{conn, identityLog}, err
	}
}

type countingConn struct {
	net.Conn
	identityLog *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.identityLog.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// When Shutdown runs out of time the handlers' contexts end and the requests go back.
func TestShutdownOutOfTime(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	brokertest.NoLeaks(t)
	g := newGate()
	ended := make(chan error, 1)
	s := &amqprpc.Server{ConnConfig: at(url), Queue: queue, QueueType: amqprpc.QueueClassic, Handler: g.handle}
	go func() { ended <- s.Serve(context.Background()) }()
	declare(t, url, queue)
	a := newAsker(t, url, queue)
	a.ask(t, amqp.Publishing{CorrelationId: "1"})
	next(t, g.begun)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	within(t, "a Shutdown out of time", func() {
		if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown returned %v", err)
		}
	})
	if err := next(t, ended); !errors.Is(err, amqprpc.ErrClosed) {
		t.Errorf("Serve returned %v", err)
	}
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	if d := next(t, a.replies); d.CorrelationId != "1" || !meta(d).Redelivered {
		t.Errorf("reply to %s: %v", d.CorrelationId, d.Headers)
	}
}

func TestServeChecksOrderAndFields(t *testing.T) {
	s := &amqprpc.Server{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), Handler: echo}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown before Serve: %v", err)
	}
	if err := s.Serve(context.Background()); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
	if err := s.Serve(context.Background()); !errors.Is(err, amqprpc.ErrInvalidConfig) {
		t.Errorf("a second Serve: %v", err)
	}
	for name, s := range map[string]*amqprpc.Server{
		"no queue":   {Handler: echo},
		"no handler": {Queue: "q"},
		"a type":     {Queue: "q", Handler: echo, QueueType: "stream"},
		"prefetch":   {Queue: "q", Handler: echo, Prefetch: 65536},
		"expires":    {Queue: "q", Handler: echo, QueueExpires: 3651 * 24 * time.Hour},
		"expires <0": {Queue: "q", Handler: echo, QueueExpires: -time.Second},
		"expires ns": {Queue: "q", Handler: echo, QueueExpires: time.Nanosecond},
	} {
		if err := s.Serve(context.Background()); !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Serve outlives its connections, and Concurrency holds over all of them: handlers of a lost connection that do not
// notice keep their slots.
func TestServerReconnects(t *testing.T) {
	t.Parallel()
	node := brokertest.Own(t)
	brokertest.NoLeaks(t)
	ctx := context.Background()
	queue := "reconnect"
	var running, peak atomic.Int64
	begun, open := make(chan string, 100), make(chan struct{})
	s := serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Prefetch: 10, Concurrency: 2, Backoff: quick,
		Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) { // it ignores its context
			n := running.Add(1)
			defer running.Add(-1)
			for m := peak.Load(); n > m && !peak.CompareAndSwap(m, n); m = peak.Load() {
			}
			begun <- req.CorrelationID
			<-open
			return amqprpc.Response{Body: req.Body}, nil
		}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed, Timeout: time.Hour, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1, Backoff: quick}})
	var calls []*amqprpc.Call
	for range 6 {
		calls = append(calls, c.Go(ctx, amqprpc.Request{Idempotent: true}))
	}
	next(t, begun)
	next(t, begun)
	for i := range 2 {
		if err := node.CloseConnections(ctx, "test"); err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "a reconnect", func(n amqprpc.ServerStats) bool { return n.Reconnects == int64(i+1) })
	}
	close(open)
	for _, call := range calls {
		if _, err := call.Result(); err != nil {
			t.Error(err)
		}
	}
	if peak.Load() != 2 {
		t.Errorf("%d handlers ran at once", peak.Load())
	}
	if err := node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	held := c.Go(ctx, amqprpc.Request{Idempotent: true})
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := held.Result(); err != nil {
		t.Errorf("after the broker's restart: %v", err)
	}
	observed.check(t)

	// Down for good: Shutdown does not wait for a broker.
	node.Kill()
	within(t, "Shutdown without a broker", func() {
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}

// With prefetch 1 a slow server holds one request; with more it holds those that another could handle.
func TestPrefetchIsFairness(t *testing.T) {
	url := brokertest.Shared(t).URL()
	for _, prefetch := range []int{1, 10} {
		t.Run(fmt.Sprint(prefetch), func(t *testing.T) {
			queue := brokertest.QueueName(t)
			slow := newGate()
			serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: prefetch, Concurrency: 1, Handler: slow.handle})
			a := newAsker(t, url, queue)
			a.ask(t, amqp.Publishing{})
			next(t, slow.begun)
			var quickly atomic.Int64
			serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: prefetch, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
				quickly.Add(1)
				return echo(ctx, req)
			}})
			for range 9 {
				a.ask(t, amqp.Publishing{})
			}
			left := 10
			if prefetch == 1 { // all the others are answered, although the slow server is busy
				for left > 1 {
					next(t, a.replies)
					left--
				}
			}
			close(slow.open)
			for range left {
				next(t, a.replies)
			}
			if n := quickly.Load(); (n == 9) != (prefetch == 1) {
				t.Errorf("prefetch %d: the quick server has answered %d of 10", prefetch, n)
			}
		})
	}
}

func TestQueueTypes(t *testing.T) {
	node := brokertest.Shared(t)
	url := node.URL()
	quorum := amqp.Table{"x-queue-type": "quorum"}
	type declared struct {
		durable bool
		args    amqp.Table
	}
	const hour = int32(3600000)
	for name, c := range map[string]struct {
		before  *declared
		kind    amqprpc.QueueType
		after   declared // declaring it so again must succeed
		expires time.Duration
	}{
		"auto creates quorum":            {nil, amqprpc.QueueAuto, declared{true, quorum}, 0},
		"auto is the default":            {nil, "", declared{true, quorum}, 0},
		"auto uses a transient one":      {&declared{false, nil}, amqprpc.QueueAuto, declared{false, nil}, 0},
		"auto uses a classic one":        {&declared{true, nil}, amqprpc.QueueAuto, declared{true, nil}, 0},
		"auto uses one with arguments":   {&declared{true, amqp.Table{"x-max-length": 7}}, amqprpc.QueueAuto, declared{true, amqp.Table{"x-max-length": 7}}, 0},
		"quorum as it was":               {&declared{true, quorum}, amqprpc.QueueQuorum, declared{true, quorum}, 0},
		"classic creates a durable one":  {nil, amqprpc.QueueClassic, declared{true, nil}, 0},
		"transient creates such a queue": {nil, amqprpc.QueueTransient, declared{false, nil}, 0},
		"auto creates one that expires":  {nil, amqprpc.QueueAuto, declared{true, amqp.Table{"x-queue-type": "quorum", "x-expires": hour}}, time.Hour},
		"auto uses one that never does":  {&declared{true, quorum}, amqprpc.QueueAuto, declared{true, quorum}, time.Hour},
		"classic that expires":           {nil, amqprpc.QueueClassic, declared{true, amqp.Table{"x-expires": hour}}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			if c.before != nil && c.before.args["x-max-length"] != nil {
				brokertest.OnRabbitMQ(t) // no other knows of the argument
			}
			if !c.after.durable {
				brokertest.NeedTransient(t, url) // else see TestTransientQueueDenied
			}
			queue := brokertest.QueueName(t)
			as := func(d declared) {
				withChannel(t, url, func(ch *amqp.Channel) error {
					_, err := ch.QueueDeclare(queue, d.durable, false, false, false, d.args)
					return err
				})
			}
			if c.before != nil {
				as(*c.before)
			}
			serving := make(chan amqprpc.ConnectionInfo, 1)
			s := &amqprpc.Server{ConnConfig: at(url), Queue: queue, QueueType: c.kind, QueueExpires: c.expires, Handler: echo, Observer: onConnect(nil, func(i amqprpc.ConnectionInfo) { serving <- i })}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(context.Background()) }()
			if info := next(t, serving); info.Queue != queue || info.Product != node.Product() {
				t.Errorf("%+v", info)
			}
			as(c.after)
			if err := s.Shutdown(context.Background()); err != nil || next(t, ended) != nil {
				t.Error(err)
			}
		})
	}
}

// The denial closes the connection, and Serve returns it instead of reconnecting.
func TestTransientQueueDenied(t *testing.T) {
	version, _, _ := strings.Cut(brokertest.OnRabbitMQ(t).Version(), ".")
	if major, err := strconv.Atoi(version); err != nil || major < 4 {
		t.Skipf("RabbitMQ %s permits transient queues, and cannot be told otherwise (%v)", version, err)
	}
	n := brokertest.RabbitMQ(t, rabbitmq.Config{Conf: "deprecated_features.permit.transient_nonexcl_queues = false"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := (&amqprpc.Server{ConnConfig: at(n.URL()), Queue: "q", QueueType: amqprpc.QueueTransient, Handler: echo}).Serve(ctx)
	var refused *amqp.Error
	if !errors.As(err, &refused) || refused.Code != amqp.InternalError || !strings.Contains(err.Error(), "transient_nonexcl_queues") {
		t.Errorf("transient: %v", err)
	}
	serving := make(chan amqprpc.ConnectionInfo, 1)
	s := &amqprpc.Server{ConnConfig: at(n.URL()), Queue: "q", Handler: echo, Observer: onConnect(nil, func(i amqprpc.ConnectionInfo) { serving <- i })}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	next(t, serving)
	if err := errors.Join(s.Shutdown(ctx), next(t, ended)); err != nil {
		t.Error("by default: ", err)
	}
}

// Serve fails at once, with the broker's reason, if a queue cannot be served.
func TestServeFailsIfQueueIsRefused(t *testing.T) {
	url := brokertest.Shared(t).URL()
	queue, mine := brokertest.QueueName(t), brokertest.QueueName(t)
	declare(t, url, queue)
	if _, err := openChannel(t, url).QueueDeclare(mine, false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		queue string
		kind  amqprpc.QueueType
		code  int
	}{
		{queue, amqprpc.QueueQuorum, 406}, {queue, amqprpc.QueueTransient, 406},
		{mine, amqprpc.QueueAuto, 405}, {mine, amqprpc.QueueClassic, 405},
	} {
		err := (&amqprpc.Server{ConnConfig: at(url), Queue: c.queue, QueueType: c.kind, Handler: echo}).Serve(context.Background())
		var refused *amqp.Error
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%v of %q: %v", c.kind, c.queue, err)
		}

	}
}

// Two servers that start at once on a queue that does not exist both serve it.
func TestServersRaceToDeclare(t *testing.T) {
	url := brokertest.Shared(t).URL()
	for range 3 {
		queue := brokertest.QueueName(t)
		var wg sync.WaitGroup
		for range 4 {
			serving := make(chan struct{}, 1)
			s := &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: echo, Observer: onConnect(nil, func(amqprpc.ConnectionInfo) { serving <- struct{}{} })}
			wg.Go(func() {
				ended := make(chan error, 1)
				go func() { ended <- s.Serve(context.Background()) }()
				select {
				case <-serving:
				case err := <-ended:
					t.Error(err)
					return
				case <-time.After(testTimeout):
					t.Error("a server does not consume")
				}
				if err := s.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// A Concurrency that Prefetch does not let come about costs nothing.
func TestConcurrencyBeyondPrefetch(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	before := runtime.NumGoroutine()
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 2, Concurrency: 100_000})
	a := newAsker(t, url, queue)
	a.ask(t, amqp.Publishing{})
	next(t, a.replies) // the server publishes once all that handle requests have begun
	if now := runtime.NumGoroutine(); now > before+1000 {
		t.Errorf("%d goroutines, it was %d", now, before)
	}
}
