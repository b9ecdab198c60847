package ledger

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// storeAndLoad returns m as it comes out of the stored form.
func storeAndLoad(m *Message) *Message {
	e := Entry{Event: amqprpc.Event{Kind: amqprpc.EventPublished, Time: epoch}, message: m}
	var c clock
	stored := decoder(appendEntry(nil, &e, c.event(epoch), &c))
	out := stored.entry("", &c)
	return out.Message()
}

// All properties of a message survive the stored form.
func TestStoredMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyMessage(t, "id")
		var kept Message
		kept.keep(in, MaxBodyBytes, MaxHeaderBytes)
		out := storeAndLoad(&kept)
		want := *in
		for _, s := range []*string{&want.Exchange, &want.RoutingKey, &want.CorrelationID, &want.ReplyTo, &want.AppID, &want.Type} {
			*s = (*s)[:min(len(*s), maxShort)]
		}
		want.Headers, want.Timestamp = nil, out.Timestamp
		got := out.Message
		if len(want.Body) == 0 {
			want.Body, got.Body = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if in.Timestamp.Unix() != out.Timestamp.Unix() || out.BodyLen != len(in.Body) || out.HeadersTotal != len(in.Headers) {
			t.Fatalf("timestamp %v, body %d, headers %d", out.Timestamp, out.BodyLen, out.HeadersTotal)
		}
		for _, h := range out.Headers {
			v, ok := in.Headers[h.Key]
			if s, isString := v.(string); len(h.Key) < maxShort && (!ok || isString && !h.Cut && h.Value != s) {
				t.Fatalf("header %+v of %+v", h, in.Headers)
			}
		}
	})
}

// To cut twice is to cut once, to the smaller bounds.
func TestCutTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyMessage(t, "id")
		wide := rapid.IntRange(0, 2000).Draw(t, "wide")
		narrow := rapid.IntRange(0, wide).Draw(t, "narrow")
		var once, twice Message
		once.keep(in, narrow/20, narrow)
		twice.keep(in, wide/20, wide)
		twice.cut(narrow/20, narrow)
		if !reflect.DeepEqual(once, twice) {
			t.Fatalf("%+v\n%+v", once, twice)
		}
		with := len(appendMessage(nil, &once))
		once.Headers = nil
		if n := with - len(appendMessage(nil, &once)); n > narrow {
			t.Fatalf("%d bytes of headers, %d allowed", n, narrow)
		}
	})
}

func TestHeadersAsText(t *testing.T) {
	var deep any = "bottom"
	for range 10 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		in   any
		want Header
	}{
		{nil, Header{Type: "void"}},
		{true, Header{Type: "bool", Value: "true"}},
		{int64(-5), Header{Type: "int64", Value: "-5"}},
		{"\x1b[2J", Header{Type: "string", Value: "\x1b[2J"}},
		{[]byte{0, 255}, Header{Type: "bytes", Value: "00ff"}},
		{amqp.Decimal{Scale: 2, Value: 314}, Header{Type: "decimal", Value: "314e-2"}},
		{time.Unix(1767366245, 0), Header{Type: "time", Value: "2026-01-02T15:04:05Z"}},
		{[]any{int32(1), "a, b"}, Header{Type: "array", Value: `[1, "a, b"]`}},
		{amqp.Table{"b": int32(2), "a": amqp.Table{"c": nil}}, Header{Type: "table", Value: `{a: {c: }, b: 2}`}},
		{deep, Header{Type: "array", Value: `[[[[[...]]]]]`}},
		{strings.Repeat("x", 2000), Header{Type: "string", Value: strings.Repeat("x", 1024), Cut: true}},
		{make([]any, 100), Header{Type: "array", Value: "[" + strings.Repeat(", ", 16) + "...]"}},
		{struct{}{}, Header{Type: "other", Value: "struct {}"}},
	} {
		c.want.Key = "k"
		if got := appendHeaders(nil, amqp.Table{"k": c.in}); len(got) != 1 || got[0] != c.want {
			t.Errorf("%#v: got %+v, want %+v", c.in, got, c.want)
		}
	}
	big := amqp.Table{}
	for i := range 1000 {
		big[fmt.Sprintf("%04d", i)] = "v"
	}
	got := appendHeaders(nil, big)
	if len(got) != maxHeaders || got[0].Key != "0000" || got[63].Key != "0063" {
		t.Errorf("%d of 1000 headers: %v", len(got), got)
	}
}
