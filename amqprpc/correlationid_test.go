package amqprpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A caller may choose the correlation ID. One that is in flight is refused, and may be used again when its call has
// ended.
func TestCorrelationIDInFlightIsRefused(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	held, ids := make(chan struct{}), make(chan string, 10)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 10, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		ids <- req.CorrelationID
		if req.Type == "hold" {
			<-held
		}
		return amqprpc.Response{Body: req.Body}, nil
	}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	first := c.Go(t.Context(), amqprpc.Request{CorrelationID: "mine", Type: "hold", Body: []byte("first")})
	if id := next(t, ids); id != "mine" || first.ID() != "mine" {
		t.Errorf("the handler got %q, the call has %q", id, first.ID())
	}
	_, err := c.Call(t.Context(), amqprpc.Request{CorrelationID: "mine", Body: []byte("second")})
	wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	if err == nil || !strings.Contains(err.Error(), `"mine" is in flight`) {
		t.Error(err)
	}
	if _, err := c.Call(t.Context(), amqprpc.Request{CorrelationID: "another"}); err != nil {
		t.Error(err)
	}
	close(held)
	if reply, err := first.Result(); err != nil || string(reply.Body) != "first" {
		t.Errorf("%q, %v", reply.Body, err)
	}
	reply, err := c.Call(t.Context(), amqprpc.Request{CorrelationID: "mine", Body: []byte("third")})
	if err != nil || string(reply.Body) != "third" || reply.CorrelationID != "mine" {
		t.Errorf("%q, %v", reply.Body, err)
	}
	if n := c.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
	observed.check(t)
	_, err = c.Call(t.Context(), amqprpc.Request{CorrelationID: strings.Repeat("x", 256), Timeout: time.Second})
	wantIs(t, err, amqprpc.ErrInvalidRequest)
}

// Those who are refused because of their correlation ID leave their room to others.
func TestCorrelationIDLeavesRoom(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, MaxInFlight: 2, FailWhenFull: true})
	first := c.Go(t.Context(), amqprpc.Request{CorrelationID: "mine"})
	for range 5 {
		_, err := c.Call(t.Context(), amqprpc.Request{CorrelationID: "mine"})
		wantIs(t, err, amqprpc.ErrInvalidRequest)
		wantIsNot(t, err, amqprpc.ErrTooManyInFlight)
	}
	second := c.Go(t.Context(), amqprpc.Request{})
	_, err := c.Call(t.Context(), amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrTooManyInFlight)
	for _, call := range []*amqprpc.Call{first, second} {
		select {
		case <-call.Done():
			_, err := call.Result()
			t.Errorf("a call ended: %v", err)
		default:
		}
	}
}
