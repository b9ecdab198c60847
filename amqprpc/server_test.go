package amqprpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// An asker is a caller of another make: it publishes requests as it likes.
type asker struct {
	ch      *amqp.Channel
	queue   string // for requests
	replyTo string
	replies <-chan amqp.Delivery
	asked   []*amqp.DeferredConfirmation
}

func newAsker(t testing.TB, url, queue string) *asker {
	t.Helper()
	a := &asker{ch: openChannel(t, url), queue: queue}
	q, err := a.ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	a.replyTo, a.replies = q.Name, consume(t, a.ch, q.Name)
	return a
}

// ask publishes a request to be answered to the asker, with the header x-rpc unless it has headers.
func (a *asker) ask(t testing.TB, p amqp.Publishing) {
	t.Helper()
	p.ReplyTo = a.replyTo
	if p.Headers == nil {
		p.Headers = amqp.Table{amqprpc.HeaderRPC: "attempt=1"}
	}
	confirm, err := a.ch.PublishWithDeferredConfirm("", a.queue, false, false, p)
	if err != nil {
		t.Fatal(err)
	}
	a.asked = append(a.asked, confirm)
}

// untilTaken waits until the broker has sent every request to some server. It waits for the confirms first:
// RabbitMQ's queues may report their length before they have handled earlier publishes.
func (a *asker) untilTaken(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	for i, confirm := range a.asked {
		if acked, err := confirm.WaitContext(ctx); err != nil || !acked {
			t.Fatalf("request %d: acked %t, %v", i, acked, err)
		}
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(testTimeout)
	for {
		q, err := a.ch.QueueDeclarePassive(a.queue, false, false, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if q.Messages == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d requests stay in the queue", q.Messages)
		}
	}
}

// eventually waits until a server's counts are as wanted.
func eventually(t testing.TB, s *amqprpc.Server, what string, holds func(amqprpc.ServerStats) bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(testTimeout)
	for !holds(s.Stats()) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s; %+v", what, s.Stats())
		}
	}
}

// A logBuffer keeps log records.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) observer() amqprpc.Observer {
	return amqprpc.LogObserver(slog.New(slog.NewTextHandler(l, nil)))
}

// Whatever a handler does, its caller gets a typed answer and the server lives.
func TestHandlerErrors(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	const secret = "s3cret"
	var logged logBuffer
	handlers := map[string]struct {
		do      amqprpc.Handler
		code    string
		message string
	}{
		"remote": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeOutOfRange, "n is %d", 5)
		}, "OUT_OF_RANGE", "n is 5"},
		"wrapped remote": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, fmt.Errorf("%s: %w", secret, amqprpc.Errorf("NOT_FOUND", "none"))
		}, "NOT_FOUND", "none"},
		"odd code": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, amqprpc.Errorf("not ok", "x")
		}, "UNKNOWN", "x"},
		"other error": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, errors.New("connect db: " + secret)
		}, "INTERNAL", "internal error"},
		"nil remote": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			var none *amqprpc.RemoteError
			return amqprpc.Response{}, none
		}, "INTERNAL", "internal error"},
		"deadline": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, fmt.Errorf("%s: %w", secret, context.DeadlineExceeded)
		}, "DEADLINE_EXCEEDED", "the deadline passed while the request was being handled"},
		"canceled": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, context.Canceled
		}, "CANCELLED", "the server stopped handling the request"},
		"panic": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) { panic(secret) },
			"INTERNAL", "the handler panicked"},
		"panic nil": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) { panic(nil) },
			"INTERNAL", "the handler panicked"},
		"too large": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Body: make([]byte, 2001)}, nil
		}, "RESOURCE_EXHAUSTED", "the result has 2001 bytes, the limit is 2000"},
		"reserved type": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Type: "error"}, nil
		}, "INTERNAL", "internal error"},
		"long type": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Type: strings.Repeat("x", 256)}, nil
		}, "INTERNAL", "internal error"},
		"unsendable headers": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Headers: amqp.Table{"a": make(chan int)}}, nil
		}, "INTERNAL", "internal error"},
		"headers over a frame": {func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{Headers: amqp.Table{"a": strings.Repeat("x", 200_000)}}, nil
		}, "INTERNAL", "internal error"},
	}
	s := serve(t, &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "moody", MaxMessage: 2000}, Queue: queue, Observer: logged.observer(),
		Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			return handlers[req.Type].do(ctx, req)
		},
	})
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue})
	for name, h := range handlers {
		reply, err := c.Call(context.Background(), amqprpc.Request{Type: name})
		var remote *amqprpc.RemoteError
		if !errors.As(err, &remote) || remote.Code != h.code || remote.Message != h.message {
			t.Errorf("%s: %v", name, err)
		}
		if reply.Server != "moody" || reply.Replied.IsZero() {
			t.Errorf("%s: the reply does not say who gave it, and when: %+v", name, reply)
		}
		if e := asCall(t, err); e.Outcome != amqprpc.Remote || e.NotExecuted {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if stats := s.Stats(); stats.Errors != int64(len(handlers)) || stats.Panics != 2 || stats.Answered != 0 || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}
	if !strings.Contains(logged.String(), secret) {
		t.Error("the log does not tell what the caller must not know")
	}
}

// An error reply on the wire has the form that any AMQP client can read.
func TestErrorReplyOnTheWire(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "fib-1"}, Queue: queue,
		Handler: func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "not a number")
		}})
	a := newAsker(t, url, queue)
	a.ask(t, amqp.Publishing{CorrelationId: "7", Headers: amqp.Table{amqprpc.HeaderRPC: "attempt=3"}})
	d := next(t, a.replies)
	if d.Type != "error" || d.ContentType != "text/plain" || string(d.Body) != "not a number" || d.CorrelationId != "7" || d.AppId != "fib-1" {
		t.Errorf("%+v", d)
	}
	var received, replied int64
	if n, err := fmt.Sscanf(fmt.Sprint(d.Headers["x-rpc"]), "received=%d;replied=%d;attempt=3", &received, &replied); n != 2 || err != nil {
		t.Errorf("x-rpc %q: %v", d.Headers["x-rpc"], err)
	}
	if d.Headers["x-rpc-error"] != "INVALID_ARGUMENT" || len(d.Headers) != 2 || received == 0 || replied < received {
		t.Errorf("headers %v", d.Headers)
	}
	// A request without x-rpc gets a reply without.
	a.ask(t, amqp.Publishing{CorrelationId: "8", Headers: amqp.Table{"own": "header"}})
	if d := next(t, a.replies); len(d.Headers) != 1 || d.Headers["x-rpc-error"] != "INVALID_ARGUMENT" {
		t.Errorf("headers %v", d.Headers)
	}
}

// The request's deadline is that of the handler's context. A request past it is dropped.
func TestDeadlineReachesTheHandler(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	deadlines := make(chan time.Time, 10)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		d, _ := ctx.Deadline()
		deadlines <- d
		if req.Type == "wait" {
			<-ctx.Done()
			return amqprpc.Response{}, ctx.Err()
		}
		return amqprpc.Response{}, nil
	}})
	a := newAsker(t, url, queue)
	in := func(d time.Duration) amqp.Table {
		return amqp.Table{amqprpc.HeaderRPC: amqprpc.Meta{Deadline: time.Now().Add(d)}.String()}
	}
	hour := in(time.Hour)
	a.ask(t, amqp.Publishing{CorrelationId: "hour", Headers: hour})
	a.ask(t, amqp.Publishing{CorrelationId: "past", Headers: in(-time.Minute)})
	a.ask(t, amqp.Publishing{CorrelationId: "none"})
	a.ask(t, amqp.Publishing{CorrelationId: "nonsense", Headers: amqp.Table{amqprpc.HeaderRPC: "deadline=tomorrow"}})
	a.ask(t, amqp.Publishing{CorrelationId: "soon", Type: "wait", Headers: in(100 * time.Millisecond)})
	for _, id := range []string{"hour", "none", "nonsense", "soon"} {
		if d := next(t, a.replies); d.CorrelationId != id || (d.Type == "error") != (id == "soon") {
			t.Errorf("%s: reply to %s, type %q, headers %v", id, d.CorrelationId, d.Type, d.Headers)
		}
	}
	if d := next(t, deadlines); fmt.Sprintf("deadline=%d", d.UnixMicro()) != hour[amqprpc.HeaderRPC] {
		t.Errorf("the handler's deadline is %v", d)
	}
	for range 2 {
		if d := next(t, deadlines); !d.IsZero() {
			t.Errorf("without a deadline the handler has %v", d)
		}
	}
	if stats := s.Stats(); stats.Expired != 1 || stats.Requests != 5 {
		t.Errorf("%+v", stats)
	}
}

// A request that names no reply_to is rejected and never seen again.
func TestRequestWithoutReplyToIsRejected(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	a := newAsker(t, url, queue)
	send(t, a.ch, queue, amqp.Publishing{CorrelationId: "mute"})
	a.ask(t, amqp.Publishing{CorrelationId: "next"})
	if d := next(t, a.replies); d.CorrelationId != "next" {
		t.Errorf("reply to %s", d.CorrelationId)
	}
	if stats := s.Stats(); stats.Refused != 1 || stats.Requests != 2 || stats.Redelivered != 0 {
		t.Errorf("%+v", stats)
	}
}

// A request without reply_to is dead-lettered, if its queue has a dead-letter exchange.
func TestRequestWithoutReplyToIsDeadLettered(t *testing.T) {
	url, queue, dead := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t), brokertest.QueueName(t)
	declare(t, url, dead)
	withChannel(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
		return err
	})
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, QueueType: amqprpc.QueueAuto})
	a := newAsker(t, url, queue)
	send(t, a.ch, queue, amqp.Publishing{CorrelationId: "mute"})
	d := next(t, consume(t, a.ch, dead))
	if d.CorrelationId != "mute" || d.Headers["x-first-death-reason"] != "rejected" {
		t.Errorf("dead-lettered: %s, %v", d.CorrelationId, d.Headers)
	}
	if stats := s.Stats(); stats.Refused != 1 || stats.Requests != 1 || stats.Redelivered != 0 {
		t.Errorf("%+v", stats)
	}
}

// A request is acked only after its reply is confirmed, and also if nobody is left to take the reply.
func TestUndeliverableReplies(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 1})
	ch := openChannel(t, url)
	for range 5 {
		send(t, ch, queue, amqp.Publishing{CorrelationId: "1", ReplyTo: "amq.gen-gone"})
	}
	// With prefetch 1, the next request comes only after the ack of the one before.
	eventually(t, s, "five undeliverable replies", func(n amqprpc.ServerStats) bool { return n.Undeliverable == 5 })
	if stats := s.Stats(); stats.Answered != 5 || stats.Redelivered != 0 {
		t.Errorf("%+v", stats)
	}
}

// Between the confirm of the reply and BeforeAck's return the request is unacked: a server that dies there makes a
// duplicate, not a loss.
func TestAckComesLast(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	confirmed, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	first := &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "first"}, Queue: queue, Hooks: amqprpc.ServerHooks{
		BeforeAck: func(*amqprpc.Request) { close(confirmed); <-over },
	}}
	ctx, die := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	first.Handler, first.QueueType = echo, amqprpc.QueueClassic
	go func() { ended <- first.Serve(ctx) }()
	a := newAsker(t, url, queue)
	declare(t, url, queue)
	a.ask(t, amqp.Publishing{CorrelationId: "twice"})
	if d := next(t, a.replies); d.AppId != "first" {
		t.Errorf("answered by %q", d.AppId)
	}
	next(t, signal(confirmed))
	why := errors.New("power cut")
	die(why)
	if err := next(t, ended); !errors.Is(err, why) {
		t.Errorf("Serve returned %v", err)
	}
	serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "second"}, Queue: queue})
	if d := next(t, a.replies); d.AppId != "second" || d.CorrelationId != "twice" || !meta(d).Redelivered {
		t.Errorf("answered by %q: %v", d.AppId, d.Headers)
	}
}

// signal makes a channel that gets one value when c is closed.
func signal(c <-chan struct{}) <-chan bool {
	s := make(chan bool, 1)
	go func() { <-c; s <- true }()
	return s
}

// The same ID and body again get the stored reply; another body is another request, and a request that failed is
// executed again.
func TestReplayedRequestIsNotExecuted(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	var runs atomic.Int64
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Replay: 10, Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		if req.Type == "fail" {
			return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeNotFound, "%d", runs.Add(1))
		}
		size := 0
		if req.Type == "large" {
			size = 65 << 10
		}
		return amqprpc.Response{Body: append([]byte(fmt.Sprint(runs.Add(1))), make([]byte, size)...), Headers: amqp.Table{"own": "header"}}, nil
	}})
	a := newAsker(t, url, queue)
	for _, c := range []struct {
		id, body, kind string
		want           string
		replayed       bool
	}{
		{"a", "5", "", "1", false}, {"a", "5", "", "1", true}, {"a", "5", "", "1", true},
		{"a", "6", "", "2", false}, {"b", "5", "", "3", false}, {"a", "5", "", "1", true},
		{"", "5", "", "4", false}, {"", "5", "", "5", false},
		{"f", "", "fail", "6", false}, {"f", "", "fail", "7", false},
		{"l", "", "large", "8", false}, {"l", "", "large", "9", false},
	} {
		a.ask(t, amqp.Publishing{CorrelationId: c.id, Body: []byte(c.body), Type: c.kind})
		d := next(t, a.replies)
		replayed := meta(d).Replayed
		body := string(bytes.TrimRight(d.Body, "\x00"))
		if body != c.want || replayed != c.replayed || d.CorrelationId != c.id || (c.kind == "fail") != (d.Type == "error") {
			t.Errorf("%+v: %q, replayed %v, type %q", c, body, replayed, d.Type)
		}
	}
	if stats := s.Stats(); stats.Replayed != 3 {
		t.Errorf("%+v", stats)
	}
}

// Hooks make a server drop, double and mislabel replies. A reply that AMQP cannot carry is dropped, and the server
// goes on.
func TestHooksChangeReplies(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, MaxMessage: 1000}, Queue: queue,
		Observer: amqprpc.LogObserver(slog.New(slog.NewTextHandler(io.Discard, nil))),
		Hooks: amqprpc.ServerHooks{Replies: func(req *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
			odd := reply
			switch req.Type {
			case "drop":
				return nil
			case "double":
				return []amqprpc.Message{reply, reply}
			case "other":
				odd.CorrelationID = "other"
			case "long":
				odd.MessageID = strings.Repeat("x", 256)
			case "large":
				odd.Body = make([]byte, 1001)
			case "headers":
				odd.Headers = amqp.Table{"a": strings.Repeat("x", 200_000)}
			}
			return []amqprpc.Message{odd}
		}},
	})
	a := newAsker(t, url, queue)
	for _, kind := range []string{"drop", "double", "other", "long", "large", "headers", "plain"} {
		a.ask(t, amqp.Publishing{CorrelationId: kind, Type: kind})
	}
	for _, want := range []string{"double", "double", "other", "plain"} {
		if d := next(t, a.replies); d.CorrelationId != want {
			t.Errorf("reply to %q, want %q", d.CorrelationId, want)
		}
	}
	if stats := s.Stats(); stats.Requests != 7 || stats.Redelivered != 0 || stats.Reconnects != 0 {
		t.Errorf("%+v", stats)
	}
}
