package lab_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
)

func service(t *testing.T, body, expect string) *lab.Service {
	t.Helper()
	n, err := lab.ParseFib("3-4")
	if err != nil {
		t.Fatal(err)
	}
	template, err := lab.ParseTemplate(body, n)
	if err != nil {
		t.Fatal(err)
	}
	return &lab.Service{Body: template, ContentType: "application/json", Headers: map[string]any{"tenant": "blue"}, Expect: regexp.MustCompile(expect)}
}

func TestServiceCalls(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cfg := config(t, node)
	cfg.Service = service(t, "ask {k} {n}", `^ASK`)
	l := open(t, cfg)
	serve(t, node, cfg.Queue, func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		if req.ContentType != "application/json" || req.Headers["tenant"] != "blue" {
			return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "%q, %v", req.ContentType, req.Headers)
		}
		if strings.HasPrefix(string(req.Body), "bytes") {
			return amqprpc.Response{Body: []byte("\x00\xff")}, nil
		}
		return amqprpc.Response{Body: []byte(strings.ToUpper(string(req.Body)))}, nil
	})
	if snap := l.Snapshot(lab.Query{}).Load; snap.Body != "ask {k} {n}" || snap.Fib != "3-4" {
		t.Errorf("%+v", snap)
	}
	if c := l.RunConfig(); *c.Body != "ask {k} {n}" || c.Fib != "3-4" || c.Expect != "^ASK" {
		t.Errorf("%+v", c)
	}
	id := l.Call()
	untilNoted(t, l, "call "+id[:8]+" ask 0 ", ": ASK 0 ", " from test")

	must(t, l.SetBody("bytes {k}"))
	id = l.Call()
	untilNoted(t, l, "call "+id[:8]+" bytes 1: 0x00ff in ", "which is wrong")
	snap := l.Snapshot(everything())
	if snap.Ledger.Calls.Wrong != 1 || snap.Load.Body != "bytes {k}" || snap.Load.Fib != "" || !noted("the load sends bytes {k}")(snap) {
		t.Errorf("%+v; notes:\n%s", snap.Load, texts(snap.Notes))
	}
	if c := l.RunConfig(); *c.Body != "bytes {k}" || c.Fib != "" || c.Expect != "^ASK" {
		t.Errorf("%+v", c)
	}
	for name, err := range map[string]error{"unknown": l.SetBody("{foo}"), "fib": l.SetFib("5")} {
		if !errors.Is(err, amqprpc.ErrInvalidConfig) || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := l.Snapshot(lab.Query{}).Load.Body; got != "bytes {k}" {
		t.Errorf("the body is %q", got)
	}

	must(t, l.SetBody(""))
	id = l.Call()
	untilNoted(t, l, "call "+id[:8]+" (empty): ", "which is wrong")
	if snap := l.Snapshot(lab.Query{}).Load; snap.Body != "" || !snap.Custom || l.RunConfig().Body == nil {
		t.Errorf("with an empty body %+v, %+v", snap, l.RunConfig())
	}

	must(t, l.SetBody("{n}"))
	l.Resume()
	snap = until(t, l, "the load asks too", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 20 })
	if c := snap.Ledger.Completed[0]; c.Request != "3" && c.Request != "4" {
		t.Errorf("it asks for %q", c.Request)
	}
}

func TestSetBodyNeedsService(t *testing.T) {
	l := open(t, config(t, brokertest.Shared(t)))
	if err := l.SetBody("x"); !errors.Is(err, amqprpc.ErrInvalidConfig) || l.Snapshot(lab.Query{}).Load.Custom {
		t.Errorf("%v", err)
	}
	cfg := config(t, brokertest.Shared(t))
	cfg.Service = &lab.Service{}
	if _, err := lab.Open(t.Context(), cfg); !errors.Is(err, amqprpc.ErrInvalidConfig) {
		t.Errorf("a service without a body: %v", err)
	}
}
