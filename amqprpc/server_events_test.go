package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A requestTally observes a server. It has no lock of its own.
type requestTally struct {
	inside   atomic.Bool
	last     time.Time
	open     map[*amqprpc.Request]bool
	kinds    map[amqprpc.EventKind]int
	outcomes map[amqprpc.Outcome]int
	untold   map[string]error // by correlation ID
	broken   []string
}

func newRequestTally() *requestTally {
	return &requestTally{
		open: map[*amqprpc.Request]bool{}, kinds: map[amqprpc.EventKind]int{},
		outcomes: map[amqprpc.Outcome]int{}, untold: map[string]error{},
	}
}

// Observe holds an event against those before it.
func (r *requestTally) Observe(e amqprpc.Event) {
	broken := func(what string) { r.broken = append(r.broken, fmt.Sprintf("%s: %+v", what, e)) }
	if !r.inside.CompareAndSwap(false, true) {
		panic("two events at once")
	}
	defer r.inside.Store(false)
	runtime.Gosched()
	if e.Time.Before(r.last) || e.Queue == "" {
		broken("an earlier time, or no queue")
	}
	r.last = e.Time
	r.kinds[e.Kind]++
	if e.Err != nil {
		r.untold[e.ID] = e.Err
	}
	switch e.Kind {
	case amqprpc.EventConnected:
		if e.Epoch != r.kinds[amqprpc.EventConnected] || e.Attempt == 0 || e.Connection.Queue != e.Queue {
			broken("connected")
		}
	case amqprpc.EventDisconnected:
		if e.Epoch != r.kinds[amqprpc.EventDisconnected] || e.Text == "" || e.Connection.Address == "" {
			broken("disconnected")
		}
	case amqprpc.EventRequest:
		if r.open[e.Request] || e.ID != e.Request.CorrelationID || e.Queue != e.Request.Queue {
			broken("a request twice, or another")
		}
		r.open[e.Request] = true
	case amqprpc.EventReplied:
		if !r.open[e.Request] || e.Message.CorrelationID != e.ID || (e.Message.Type == amqprpc.TypeError) != (string(e.Request.Body) != "fine" && string(e.Request.Body) != "slow") {
			broken("no such request, or another reply")
		}
		delete(r.open, e.Request)
	case amqprpc.EventDropped:
		if !r.open[e.Request] || e.Message != nil {
			broken("no such request")
		}
		r.outcomes[e.Outcome]++
		delete(r.open, e.Request)
	}
}

// A server's observer is told of each request once and of its end once, one event at a time, over any number of
// connections.
func TestServerEvents(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	conns := make(chan net.Conn, 100)
	broker := at(url)
	broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			conns <- conn
		}
		return conn, err
	}
	slow := make(chan struct{}, 100)
	observed := newRequestTally()
	s := &amqprpc.Server{
		ConnConfig: broker, Queue: queue, Prefetch: 16, Concurrency: 8, Backoff: quick, Observer: observed,
		Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			switch string(req.Body) {
			case "slow":
				if !req.Redelivered {
					slow <- struct{}{}
					<-ctx.Done()
				}
			case "error":
				return amqprpc.Response{}, errors.New("a secret")
			case "panic":
				panic("of the handler")
			case "exit":
				runtime.Goexit()
			case "no":
				return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeNotFound, "no")
			}
			return amqprpc.Response{}, nil
		},
	}
	declare(t, url, queue)
	begin(t, s)
	a := newAsker(t, url, queue)
	bodies := []string{"fine", "slow", "error", "panic", "exit", "no"}
	const drops, each = 3, 10
	for range drops {
		for range each {
			for _, body := range bodies {
				if body != "slow" {
					a.ask(t, amqp.Publishing{CorrelationId: body, Body: []byte(body)})
				}
			}
		}
		a.ask(t, amqp.Publishing{CorrelationId: "slow", Body: []byte("slow")})
		next(t, slow)
		next(t, conns).Close()
	}
	foreignRequest := func(p amqp.Publishing) {
		if err := a.ch.Publish("", queue, false, false, p); err != nil {
			t.Fatal(err)
		}
	}
	foreignRequest(amqp.Publishing{Body: []byte("to nobody")})
	foreignRequest(amqp.Publishing{Body: []byte("past"), ReplyTo: a.replyTo, Headers: amqp.Table{amqprpc.HeaderRPC: "deadline=1"}})
	foreignRequest(amqp.Publishing{Body: []byte("fine"), ReplyTo: "nowhere", CorrelationId: "gone"})
	eventually(t, s, "the last requests", func(n amqprpc.ServerStats) bool {
		return n.Refused == 1 && n.Expired == 1 && n.Undeliverable == 1 && n.Reconnects == drops
	})
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}

	n := s.Stats()
	for _, what := range observed.broken {
		t.Error(what)
	}
	if observed.kinds[amqprpc.EventConnected] != drops+1 || observed.kinds[amqprpc.EventDisconnected] != drops || observed.kinds[amqprpc.EventReconnecting] < drops {
		t.Errorf("%v", observed.kinds)
	}
	if observed.kinds[amqprpc.EventReturned] != 1 || int64(observed.kinds[amqprpc.EventRequest]) != n.Requests || len(observed.open) != 0 {
		t.Errorf("%v; %d requests without an end; %+v", observed.kinds, len(observed.open), n)
	}
	if observed.outcomes[amqprpc.Rejected] != 1 || observed.outcomes[amqprpc.Expired] != 1 || observed.outcomes[amqprpc.ConnectionLost] < drops {
		t.Errorf("dropped: %v", observed.outcomes)
	}
	var panicked *amqprpc.PanicError
	if !errors.As(observed.untold["panic"], &panicked) || panicked.Value != "of the handler" || !strings.Contains(string(panicked.Stack), "TestServerEvents") {
		t.Errorf("panic: %v", observed.untold["panic"])
	}
	if err := observed.untold["error"]; err == nil || err.Error() != "a secret" || observed.untold["exit"] == nil || len(observed.untold) != 3 {
		t.Errorf("not told to callers: %v", observed.untold)
	}
}
