package amqprpc_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A request's reply_to is a stranger's word. None may make the server answer itself, lose its connection, or die.
func TestHostileReplyTo(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 10})
	a := newAsker(t, url, queue)
	const forged, twelve = 7, "123456789012"
	direct := func(pid string) string {
		return "amq.rabbitmq.reply-to." + base64.StdEncoding.EncodeToString([]byte(pid)) + ".cHodwjKBoOyU2p66Wuu98Q=="
	}
	targets := []string{
		queue, // the reply is a request without reply_to, and so the end of it
		"amq.rabbitmq.reply-to.", "amq.rabbitmq.reply-to.garbage", "amq.rabbitmq.reply-to.g2dkABByZXBseUA=.x",
		direct("\x83Xw\x06rb@abc" + twelve), direct("\x83Xw\x05reply" + twelve), direct("\x83Xw\x06reply@" + twelve), direct("\x83Xv\x00\x07reply@1"),
		"amq.gen-none", strings.Repeat("x", 255), "\xff\xfe\x00", "\x1b[2J", " ", "é",
	}
	for _, to := range targets {
		send(t, a.ch, queue, amqp.Publishing{ReplyTo: to, CorrelationId: strings.Repeat("\xff", 255)})
	}
	a.ask(t, amqp.Publishing{CorrelationId: "after"})
	if d := next(t, a.replies); d.CorrelationId != "after" {
		t.Errorf("reply to %q", d.CorrelationId)
	}
	n := int64(len(targets))
	eventually(t, s, "an end of it", func(st amqprpc.ServerStats) bool {
		return st.Refused == 1+forged && st.Undeliverable == n-1-forged
	})
	if stats := s.Stats(); stats.Requests != n+2 || stats.Redelivered != 0 || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}
}

// amq.rabbitmq.reply-to, RabbitMQ's own pseudo queue, is a caller like any other.
func TestServerAnswersDirectReplyTo(t *testing.T) {
	url, queue := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	ch := openChannel(t, url)
	answers := consume(t, ch, "amq.rabbitmq.reply-to")
	send(t, ch, queue, amqp.Publishing{ReplyTo: "amq.rabbitmq.reply-to", CorrelationId: "direct", Body: []byte("x")})
	if d := next(t, answers); d.CorrelationId != "direct" || string(d.Body) != "x" {
		t.Errorf("%+v", d)
	}
	if stats := s.Stats(); stats.Undeliverable != 0 {
		t.Errorf("%+v", stats)
	}
}

// Absurd headers, and words of this package in the wrong types.
func TestHostileRequests(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Replay: 10})
	a := newAsker(t, url, queue)
	nested := amqp.Table{"x": strings.Repeat("y", 100_000)}
	for range 30 { // amqp091-go reads 32 levels, and gives up the connection on more
		nested = amqp.Table{strings.Repeat("n", 255): nested, "a": []any{nil, true, []any{}}}
	}
	var requests []amqp.Publishing
	requests = append(requests, amqp.Publishing{Headers: nested})
	for _, odd := range []any{nil, true, "1", []byte{0xff}, -1.5, int64(-1), amqp.Table{"a": nil}, []any{int32(1)}, amqp.Decimal{Scale: 255}} {
		headers := amqp.Table{}
		for _, name := range []string{amqprpc.HeaderRPC, amqprpc.HeaderError, "x-death", "x-first-death-reason"} {
			headers[name] = odd
		}
		requests = append(requests, amqp.Publishing{Headers: headers})
	}
	requests = append(requests,
		amqp.Publishing{ContentType: strings.Repeat("\x00", 255), ContentEncoding: "zstd", MessageId: "\xff", Type: amqprpc.TypeError},
		amqp.Publishing{Body: make([]byte, 1<<20)}, amqp.Publishing{Priority: 255})
	for i, p := range requests {
		a.ask(t, p)
		if d := next(t, a.replies); len(d.Body) != len(p.Body) || d.Type != "" {
			t.Errorf("request %d: a reply of %d bytes, type %q, headers %v", i, len(d.Body), d.Type, d.Headers)
		}
	}
	if stats := s.Stats(); stats.Answered != int64(len(requests)) || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}
}

// Headers that are more than the broker takes in a frame fail their call, or their reply, and not the connection
// with all that is on it.
func TestHeadersAboveTheFrame(t *testing.T) {
	t.Parallel()
	node, queue := limitedNode(t), "large headers"
	large := amqp.Table{"k": strings.Repeat("x", 10_000)}
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		if string(req.Body) == "large" {
			return amqprpc.Response{Headers: large}, nil
		}
		return amqprpc.Response{Body: req.Body}, nil
	}})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed})
	_, err := c.Call(t.Context(), amqprpc.Request{Headers: large})
	wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
	_, err = c.Call(t.Context(), amqprpc.Request{Body: []byte("large"), Timeout: time.Second})
	wantIs(t, err, amqprpc.ErrTimeout)
	for _, body := range []string{"small", strings.Repeat("x", 100_000)} {
		if r, err := c.Call(t.Context(), amqprpc.Request{Body: []byte(body)}); err != nil || string(r.Body) != body {
			t.Errorf("a body of %d bytes: %d came back, error %v", len(body), len(r.Body), err)
		}
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("disconnected %d times", n)
	}
	observed.check(t)
}
