package amqprpc_test

import (
	"context"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A request goes by way of the exchange that it names, by its routing key.
func TestRequestGoesThroughExchange(t *testing.T) {
	url, queue := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t)
	const exchange = "amq.direct"
	key := queue + ".key"
	got := make(chan amqprpc.Request, 1)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		got <- *req
		return amqprpc.Response{}, nil
	}})
	withChannel(t, url, func(ch *amqp.Channel) error { return ch.QueueBind(queue, key, exchange, false, nil) })
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue + "-another", Observer: observed})
	if _, err := c.Call(t.Context(), amqprpc.Request{Exchange: exchange, RoutingKey: key}); err != nil {
		t.Fatal(err)
	}
	if req := next(t, got); req.Exchange != exchange || req.RoutingKey != key || req.Queue != queue {
		t.Errorf("the handler got %+v", req)
	}
	// A key alone is one of the default exchange.
	if _, err := c.Call(t.Context(), amqprpc.Request{RoutingKey: queue}); err != nil {
		t.Fatal(err)
	}
	if req := next(t, got); req.Exchange != "" || req.RoutingKey != queue {
		t.Errorf("the handler got %+v", req)
	}
	_, err := c.Call(t.Context(), amqprpc.Request{Exchange: exchange, RoutingKey: key + ".x"})
	wantIs(t, err, amqprpc.ErrUnroutable, amqprpc.ErrNotExecuted)
	if want := `exchange "amq.direct" with routing key "` + key + `.x"`; asCall(t, err).To != want {
		t.Errorf("%v, want %s", err, want)
	}
	for _, req := range []amqprpc.Request{{Queue: queue, Exchange: exchange}, {Queue: queue, RoutingKey: key}, {Exchange: strings.Repeat("x", 256)}, {RoutingKey: strings.Repeat("x", 256)}} {
		_, err := c.Call(t.Context(), req)
		wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	}
	observed.check(t)
}

// The properties that a caller may choose reach the handler.
func TestRequestProperties(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	got := make(chan amqprpc.Request, 1)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		got <- *req
		return amqprpc.Response{}, nil
	}})
	cfg := amqprpc.Config{ConnConfig: at(url), Queue: queue}
	cfg.Name = "caller"
	c := dial(t, cfg)
	sent := amqprpc.Request{
		Body: []byte("body"), ContentType: "text/plain", ContentEncoding: "identity", Type: "t", MessageID: "m", CorrelationID: "c",
		Headers: amqp.Table{"k": int32(1)}, Persistent: true, Priority: 3,
	}
	if _, err := c.Call(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	req := next(t, got)
	if string(req.Body) != "body" || req.ContentType != "text/plain" || req.ContentEncoding != "identity" || req.Type != "t" || req.MessageID != "m" ||
		req.CorrelationID != "c" || req.Headers["k"] != int32(1) || !req.Persistent || req.Priority != 3 || req.AppID != "caller" || req.Attempt != 1 {
		t.Errorf("the handler got %+v", req)
	}
	for _, req := range []amqprpc.Request{{MessageID: strings.Repeat("x", 256)}, {ContentEncoding: strings.Repeat("x", 256)}} {
		_, err := c.Call(t.Context(), req)
		wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	}
}
