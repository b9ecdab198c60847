package amqprpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// What a handler or a hook did wrong is logged under the request, with what the caller must
// not know. (The other events are provoked in the tests of fibserver.)
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
		if r["queue"] != queue || r["reply_to"] != a.replyTo || r["app_id"] != "caller" || r["bytes"] != 4.0 || r["redelivered"] != false || r["attempt"] != 0.0 {
			t.Errorf("%s without its facts: %v", c.id, r)
		}
	}
}
