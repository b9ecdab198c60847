package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// Without Retry a request is published once, even if it is idempotent and the connection comes back within its
// deadline.
func TestPublishedOnce(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{Backoff: quick, Timeout: time.Hour})
	lost := b.Go(context.Background(), amqprpc.Request{Body: []byte("lost"), Idempotent: true})
	if d := next(t, b.requests); string(d.Body) != "lost" {
		t.Fatalf("the request is %q", d.Body)
	}
	b.DropConnection()
	_, err := lost.Result()
	wantIs(t, err, amqprpc.ErrConnectionLost)
	wantIsNot(t, err, amqprpc.ErrNotExecuted)
	if e := asCall(t, err); e.Attempts != 1 {
		t.Errorf("%d attempts", e.Attempts)
	}
	// The queue keeps its order: the next request in it is the next call's.
	after := b.Go(context.Background(), amqprpc.Request{Body: []byte("after")})
	d := next(t, b.requests)
	if string(d.Body) != "after" || d.CorrelationId != after.ID() {
		t.Errorf("then comes %q", d.Body)
	}
	b.answer(t, d, "server")
	if _, err := after.Result(); err != nil {
		t.Error(err)
	}
}

// The requests of one goroutine reach the queue in the order of its calls, those made while there is no connection
// too.
func TestRequestsKeepTheirOrder(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{Backoff: quick, Timeout: time.Hour})
	const callers, each = 4, 300
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				b.Go(context.Background(), amqprpc.Request{Type: strconv.Itoa(caller), Body: []byte(strconv.Itoa(i))})
			}
		})
	}
	var after [callers]int
	take := func() {
		d := next(t, b.requests)
		caller, _ := strconv.Atoi(d.Type)
		if i, err := strconv.Atoi(string(d.Body)); err != nil || i != after[caller] {
			t.Fatalf("caller %d: request %q comes after %d others", caller, d.Body, after[caller])
		}
		after[caller]++
	}
	for range callers * each {
		take()
	}
	wg.Wait()

	b.DropConnection()
	b.observed.until(t, "disconnected", seen(amqprpc.EventDisconnected, 1))
	for i := range each {
		b.Go(context.Background(), amqprpc.Request{Type: "0", Body: []byte(strconv.Itoa(each + i))})
	}
	for range each {
		take()
	}
}

// A request's deadline is sent with it: absolute, and as an expiration that is not before it. A request is transient
// by default.
func TestDeadlineTravels(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	for _, timeout := range []time.Duration{10 * time.Second, 10*time.Second + 1, 11*time.Second - 1, time.Hour, 12*time.Hour + 345678*time.Microsecond} {
		call := b.Go(context.Background(), amqprpc.Request{Timeout: timeout})
		d := next(t, b.requests)
		b.answer(t, d, "server")
		if _, err := call.Result(); err != nil {
			t.Fatal(err)
		}
		var deadline, published time.Time
		for _, e := range b.observed.story(call.ID()) {
			switch e.Kind {
			case amqprpc.EventSent:
				deadline = e.Deadline
			case amqprpc.EventPublished:
				published = e.Time
			}
		}
		ms, err := strconv.ParseInt(d.Expiration, 10, 64)
		if rest := deadline.Sub(published); err != nil || ms < 1 || time.Duration(ms)*time.Millisecond < rest || time.Duration(ms-1)*time.Millisecond >= rest {
			t.Errorf("with %v to go the expiration is %q", rest, d.Expiration)
		}
		if d.Headers[amqprpc.HeaderRPC] != fmt.Sprintf("deadline=%d;attempt=1", deadline.UnixMicro()) || len(d.Headers) != 1 || d.DeliveryMode == amqp.Persistent {
			t.Errorf("deadline %v; headers %v, delivery mode %d", deadline, d.Headers, d.DeliveryMode)
		}
	}
}

// A persistent request in a durable queue, once confirmed, outlives the broker's restart.
func TestPersistentRequestOutlivesTheBroker(t *testing.T) {
	t.Parallel()
	node := brokertest.Own(t)
	ctx, queue := context.Background(), "durable"
	declare(t, node.URL(), queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed, Timeout: time.Hour, Backoff: quick})
	call := c.Go(ctx, amqprpc.Request{Body: []byte("kept"), Persistent: true})
	observed.until(t, "confirmed", seen(amqprpc.EventConfirmed, 1))
	if err := node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := call.Result()
	wantIs(t, err, amqprpc.ErrConnectionLost)
	wantIsNot(t, err, amqprpc.ErrNotExecuted) // as it may be yet
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	g := newGate()
	close(g.open)
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Handler: g.handle})
	if req := next(t, g.begun); string(req.Body) != "kept" || !req.Persistent || req.CorrelationID != call.ID() {
		t.Errorf("the server received %q, persistent %v", req.Body, req.Persistent)
	}
}

// A request whose call fails with ErrNotExecuted was not executed and will not be, for all causes of failure.
func TestNotExecutedIsTrue(t *testing.T) {
	brokertest.SkipIfShort(t)
	url, queue, missing := brokertest.Shared(t).URL(), brokertest.QueueName(t), brokertest.QueueName(t)
	var mu sync.Mutex
	executed := map[string]bool{}
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 16, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		mu.Lock()
		executed[string(req.Body)] = true
		mu.Unlock()
		return echo(ctx, req)
	}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Backoff: quick, Observer: observed, MaxInFlight: 24, Timeout: testTimeout,
		Retry: amqprpc.Retry{Attempts: 3, Backoff: quick}})
	const callers, each, drops = 32, 100, 4
	var notExecuted sync.Map // body to error
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprintf("%d/%d", caller, i)
				req := amqprpc.Request{Body: []byte(body), Idempotent: i%2 == 0}
				ctx, cancel := context.WithCancel(context.Background())
				switch i % 5 {
				case 0:
					req.Queue = missing
				case 1:
					req.Timeout = time.Duration(i*caller+1) * time.Microsecond
				case 2:
					time.AfterFunc(time.Duration(i*caller)*time.Microsecond, cancel)
				}
				if _, err := c.Call(ctx, req); errors.Is(err, amqprpc.ErrNotExecuted) {
					notExecuted.Store(body, err)
				}
				cancel()
			}
		})
	}
	for i := range drops {
		observed.until(t, "some more calls", seen(amqprpc.EventSent, (i+1)*callers*each/(drops+1)))
		c.DropConnection()
	}
	wg.Wait()
	// The queue keeps its order, and a drain waits for running handlers: after these two nothing is executed.
	if _, err := c.Call(context.Background(), amqprpc.Request{Idempotent: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	kinds := map[string]int{}
	notExecuted.Range(func(body, err any) bool {
		what, _, _ := strings.Cut(err.(error).Error(), ":")
		kinds[what]++
		if executed[body.(string)] {
			t.Errorf("request %s was executed, and failed as not executed: %v", body, err)
		}
		return true
	})
	t.Logf("%d of %d were executed; not executed, as they say: %v", len(executed), callers*each, kinds)
	if len(kinds) < 2 || len(executed) == 0 {
		t.Errorf("the test covered too little: %d executed, not executed %v", len(executed), kinds)
	}
	observed.check(t)
}
