package amqprpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A result that is larger than the broker takes costs the server one connection. Its request comes back and is
// answered with RESOURCE_EXHAUSTED, as those after it are at once, and the server serves on.
func TestServerLearnsMaxMessage(t *testing.T) {
	t.Parallel()
	url, queue := limitedNode(t).URL(), "large results"
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 10, Backoff: quick, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		if req.Type == "large" {
			return amqprpc.Response{Body: make([]byte, 100_001)}, nil
		}
		return amqprpc.Response{Body: make([]byte, 100_000)}, nil
	}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Timeout: testTimeout, Observer: observed})
	for range 3 {
		_, err := c.Call(t.Context(), amqprpc.Request{Type: "large"})
		var remote *amqprpc.RemoteError
		if !errors.As(err, &remote) || remote.Code != amqprpc.CodeResourceExhausted {
			t.Errorf("a large result: %v", err)
		}
		if reply, err := c.Call(t.Context(), amqprpc.Request{}); err != nil || len(reply.Body) != 100_000 {
			t.Errorf("a result that is not too large: %d bytes, %v", len(reply.Body), err)
		}
	}
	if n := s.Stats(); n.Reconnects != 1 || n.Redelivered != 1 {
		t.Errorf("%+v", n)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("the client has lost %d connections", n)
	}
}

// A request that is larger than the broker takes costs the client one connection, and is rejected. Others are lost
// or retried. After that such requests are refused at once.
func TestClientLearnsMaxMessage(t *testing.T) {
	t.Parallel()
	url, queue := limitedNode(t).URL(), "large requests"
	declare(t, url, queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Timeout: testTimeout, Observer: observed, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1}})
	large := make([]byte, 100_001)
	other := c.Go(t.Context(), amqprpc.Request{})
	retried := c.Go(t.Context(), amqprpc.Request{Idempotent: true, Body: large[:100_000]})
	_, err := c.Call(t.Context(), amqprpc.Request{Idempotent: true, Body: large})
	wantIs(t, err, amqprpc.ErrRejected, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	if e := asCall(t, err); e.Attempts != 1 || !strings.Contains(err.Error(), "100001 bytes, the broker takes 100000") {
		t.Errorf("%d attempts: %v", e.Attempts, err)
	}
	_, err = other.Result()
	wantIs(t, err, amqprpc.ErrConnectionLost)
	wantIsNot(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	_, err = c.Call(t.Context(), amqprpc.Request{Body: large})
	wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	wantIsNot(t, err, amqprpc.ErrRejected) // no call began
	err = c.Publish(t.Context(), amqprpc.Message{RoutingKey: queue, Body: large})
	wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	if reply, err := retried.Result(); err != nil || reply.Attempt < 1 {
		t.Errorf("attempt %d, %v", reply.Attempt, err)
	}
	observed.check(t)
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 1 {
		t.Errorf("%d connections lost", n)
	}
}

// The same if it is a message of Publish that is too large.
func TestPublishLearnsMaxMessage(t *testing.T) {
	t.Parallel()
	url, queue := limitedNode(t).URL(), "large messages"
	declare(t, url, queue)
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Backoff: quick})
	m := amqprpc.Message{RoutingKey: queue, Body: make([]byte, 100_001)}
	err := c.Publish(t.Context(), m)
	wantIs(t, err, amqprpc.ErrRejected, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	err = c.Publish(t.Context(), m)
	wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	wantIsNot(t, err, amqprpc.ErrRejected)
}

// An exchange that does not exist costs one connection, and only one: the request is rejected, not retried. Whether
// an exchange of this name was there when the request was published is not known.
func TestMissingExchangeCostsOneConnection(t *testing.T) {
	url, queue := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Timeout: testTimeout, Observer: observed, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1}})
	retried := c.Go(t.Context(), amqprpc.Request{Idempotent: true})
	_, err := c.Call(t.Context(), amqprpc.Request{Exchange: "it's 'missing'", Idempotent: true})
	wantIs(t, err, amqprpc.ErrRejected)
	wantIsNot(t, err, amqprpc.ErrNotExecuted, amqprpc.ErrConnectionLost)
	if e := asCall(t, err); e.Attempts != 1 || !strings.Contains(err.Error(), "no exchange 'it's 'missing''") {
		t.Errorf("%d attempts: %v", e.Attempts, err)
	}
	observed.until(t, "connected again", seen(amqprpc.EventConnected, 2))
	err = c.Publish(t.Context(), amqprpc.Message{Exchange: "missing"})
	wantIs(t, err, amqprpc.ErrRejected)
	wantIsNot(t, err, amqprpc.ErrNotExecuted, amqprpc.ErrConnectionLost)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	if _, err := retried.Result(); err != nil {
		t.Error(err)
	}
	observed.check(t)
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 2 {
		t.Errorf("%d connections lost", n)
	}
}

// The same with an exchange that the user may not write to.
func TestDeniedExchangeCostsOneConnection(t *testing.T) {
	t.Parallel()
	node, queue := limitedNode(t), "denied exchange"
	declare(t, node.URL(), queue)
	addUsers(t, node, map[string]permissions{"cid": {".*", `^amq[.]default$`, ".*"}})
	c := dial(t, amqprpc.Config{ConnConfig: as(node, "cid"), Queue: queue, Timeout: testTimeout, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1}})
	retried := c.Go(t.Context(), amqprpc.Request{Idempotent: true})
	_, err := c.Call(t.Context(), amqprpc.Request{Exchange: "amq.direct", Idempotent: true})
	wantIs(t, err, amqprpc.ErrRejected)
	wantDenied(t, "call", err, "write", "exchange amq.direct")
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, QueueType: amqprpc.QueueAuto})
	if _, err := retried.Result(); err != nil {
		t.Error(err)
	}
}
