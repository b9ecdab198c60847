package amqprpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// Errors of handlers and hooks are logged with the request and with the error that the caller must not get. (The tests of
// fibserver provoke the other events.)
func TestHandlerFailuresAreLogged(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	var logged logBuffer
	s := &amqprpc.Server{
		ConnConfig: at(url), Queue: queue, Observer: amqprpc.LogObserver(slog.New(slog.NewJSONHandler(&logged, nil))),
		Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			switch req.CorrelationID {
			case "fails":
				return amqprpc.Response{}, errors.New("the secret")
			case "goes":
				runtime.Goexit()
			case "refuses":
				return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeNotFound, "%s", strings.Repeat("x", 5000))
			case "odd":
				return amqprpc.Response{}, amqprpc.Errorf("no code", "why")
			}
			return amqprpc.Response{Body: req.Body}, nil
		},
		Hooks: amqprpc.ServerHooks{Replies: func(req *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
			if req.CorrelationID != "hooked" {
				return []amqprpc.Message{reply}
			}
			bad := reply
			bad.Type = strings.Repeat("x", 256)
			return []amqprpc.Message{bad, reply}
		}},
	}
	serve(t, s)
	a := newAsker(t, url, queue)
	tests := []struct{ id, code, event, level, attr, text string }{
		{"fails", "INTERNAL", "handler failed", "ERROR", "error", "the secret"},
		{"goes", "INTERNAL", "handler failed", "ERROR", "error", "it ended its goroutine"},
		{"odd", "UNKNOWN", "handler failed", "ERROR", "code", "no code"},
		{"refuses", "NOT_FOUND", "error reply", "INFO", "error", strings.Repeat("x", 1024)},
		{"hooked", "", "unsendable reply", "ERROR", "error", "256 bytes"},
	}
	for _, c := range tests {
		a.ask(t, amqp.Publishing{CorrelationId: c.id, Body: []byte("body"), AppId: "caller"})
		d := next(t, a.replies)
		code, _ := d.Headers[amqprpc.HeaderError].(string)
		if d.CorrelationId != c.id || code != c.code || strings.Contains(string(d.Body), "secret") {
			t.Errorf("%s was answered %q, code %q", d.CorrelationId, d.Body, code)
		}
	}
	byID := map[string]map[string]any{}
	for line := range strings.Lines(logged.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if id, ok := r["correlation_id"].(string); ok {
			if byID[id] != nil {
				t.Errorf("%s is logged twice: %v and %v", id, byID[id], r)
			}
			byID[id] = r
		}
	}
	for _, c := range tests {
		r := byID[c.id]
		text, _ := r[c.attr].(string)
		if r["msg"] != c.event || r["level"] != c.level || !strings.Contains(text, c.text) || len(text) > len(c.text)+100 {
			t.Errorf("%s is logged as %v", c.id, r)
		}
		if r["queue"] != queue || r["reply_to"] != a.replyTo || r["app_id"] != "caller" || r["bytes"] != 4.0 || r["redelivered"] != false || r["attempt"] != 1.0 {
			t.Errorf("%s without its facts: %v", c.id, r)
		}
	}
}

// Events of the connection are logged with the fields that they set.
func TestLogObserverLogsConnections(t *testing.T) {
	info := &amqprpc.ConnectionInfo{Address: "host:5672", Product: "RabbitMQ", Version: "4", Queue: "q"}
	for _, c := range []struct {
		e    amqprpc.Event
		want string // "" for no record
	}{
		{amqprpc.Event{Kind: amqprpc.EventConnected, Queue: "q", Epoch: 2, Attempt: 3, Connection: info},
			"level=INFO msg=consuming queue=q broker=host:5672 product=RabbitMQ version=4 connection=2 attempt=3"},
		{amqprpc.Event{Kind: amqprpc.EventDisconnected, Queue: "q", Epoch: 2, Text: "why", Code: 320, Delay: time.Second, Connection: info},
			"level=WARN msg=\"connection lost\" queue=q broker=host:5672 connection=2 error=why in=1s"},
		{amqprpc.Event{Kind: amqprpc.EventReconnecting, Queue: "q", Epoch: 2, Delay: time.Second}, ""},
		{amqprpc.Event{Kind: amqprpc.EventReconnecting, Queue: "q", Epoch: 2, Attempt: 1, Delay: time.Second, Text: "why"},
			"level=WARN msg=\"connect failed\" queue=q error=why attempt=1 in=1s"},
		{amqprpc.Event{Kind: amqprpc.EventBlocked, Queue: "q", Text: "low on memory"}, "level=WARN msg=blocked queue=q reason=\"low on memory\""},
		{amqprpc.Event{Kind: amqprpc.EventUnblocked, Queue: "q"}, "level=INFO msg=unblocked queue=q"},
		{amqprpc.Event{Kind: amqprpc.EventRequest, Queue: "q", Request: &amqprpc.Request{}}, ""},
		{amqprpc.Event{Kind: amqprpc.EventReplied, Queue: "q", Request: &amqprpc.Request{}, Message: &amqprpc.Message{}}, ""},
		{amqprpc.Event{Kind: amqprpc.EventDropped, Queue: "q", Request: &amqprpc.Request{}, Outcome: amqprpc.ConnectionLost}, ""},
		{amqprpc.Event{Kind: amqprpc.EventDropped, Queue: "q", ID: "1", Request: &amqprpc.Request{}, Outcome: amqprpc.ConnectionLost, Err: &amqprpc.PanicError{Value: 7, Stack: []byte("here")}},
			"level=ERROR msg=\"handler panicked\" queue=q correlation_id=1 reply_to=\"\" app_id=\"\" redelivered=false attempt=0 bytes=0 panic=7 stack=here"},
		{amqprpc.Event{Kind: amqprpc.EventFailed, ID: "1", Attempt: 1, Outcome: amqprpc.Timeout}, ""}, // a client's
	} {
		var logged strings.Builder
		handler := slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})
		amqprpc.LogObserver(slog.New(handler)).Observe(c.e)
		_, got, _ := strings.Cut(strings.TrimSpace(logged.String()), " ") // without the time
		if got != c.want {
			t.Errorf("%+v is logged as\n%s, want\n%s", c.e, got, c.want)
		}
	}
}

// Events whose level is off cost no allocation.
func TestDisabledLogAllocatesNothing(t *testing.T) {
	o := amqprpc.LogObserver(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1})))
	refusal := &amqprpc.Message{Type: amqprpc.TypeError, Headers: amqp.Table{amqprpc.HeaderError: "NOT_FOUND"}, Body: make([]byte, 100)}
	for k := amqprpc.EventSent; k <= amqprpc.EventDropped; k++ {
		e := amqprpc.Event{
			Kind: k, ID: "1", Text: "why", Message: refusal,
			Request: &amqprpc.Request{Redelivered: true}, Connection: &amqprpc.ConnectionInfo{},
		}
		of := func(change func(*amqprpc.Event)) amqprpc.Event { changed := e; change(&changed); return changed }
		for _, e := range []amqprpc.Event{
			e, // a client's
			of(func(e *amqprpc.Event) { e.Queue = "q" }),
			of(func(e *amqprpc.Event) { e.Queue, e.Err = "q", &amqprpc.PanicError{Stack: make([]byte, 100)} }),
			of(func(e *amqprpc.Event) { e.Queue, e.Err = "q", &amqprpc.RemoteError{Code: "odd"} }),
		} {
			if n := testing.AllocsPerRun(10, func() { o.Observe(e) }); n != 0 {
				t.Errorf("%v allocations for %+v", n, e)
			}
		}
	}
}
