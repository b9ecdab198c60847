package ledger

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

func kindsOf(s Story) (kinds []string) {
	for _, e := range s.Events {
		k := e.Kind.String()
		if e.Class != amqprpc.NoClass {
			k += " " + e.Class.String()
		}
		kinds = append(kinds, k)
	}
	return kinds
}

func TestStoryOfACall(t *testing.T) {
	l := New(Config{})
	first := sent("id", 10*msec)
	first.Intended = at(4 * msec)
	observe(l, first,
		published("id", 11*msec, "30"),
		amqprpc.Event{Kind: amqprpc.EventReturned, Time: at(12 * msec), ID: "id", Attempt: 1, Code: 312, Text: "NO_ROUTE"},
		confirmed("id", 13*msec),
		amqprpc.Event{Kind: amqprpc.EventRetry, Time: at(14 * msec), ID: "id", Attempt: 1, Outcome: amqprpc.Unroutable, Delay: 50 * msec},
		amqprpc.Event{Kind: amqprpc.EventPublished, Time: at(64 * msec), ID: "id", Attempt: 2, Epoch: 1, Message: request("id", "30")},
		answer("id", 100*msec, "fib-1", "832040"),
		amqprpc.Event{Kind: amqprpc.EventConfirmed, Time: at(101 * msec), ID: "id", Attempt: 2},
		discarded(amqprpc.Duplicate, "id", 1300*msec, "fib-2"))

	s, ok := l.Inspect("id")
	if !ok {
		t.Fatal("not found")
	}
	want := []string{"sent", "published", "returned", "confirmed", "retry", "published", "reply answer", "confirmed", "reply duplicate"}
	if got := kindsOf(s); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if s.Response != 96*msec || s.Service != 89*msec {
		t.Errorf("response %v, service %v; want 96ms from the intended start, 89ms from the first publish", s.Response, s.Service)
	}
	if !s.Ours || s.Outcome != amqprpc.Completed || s.Attempt != 2 || s.Replies != 2 || s.Server != "fib-1" || s.Dropped != 0 ||
		!s.Ended.Equal(at(100*msec)) || !s.Published.Equal(at(11*msec)) {
		t.Errorf("story %+v", s)
	}
	if e := s.Events[2]; e.Code != 312 || e.Text != "NO_ROUTE" || !e.Time.Equal(at(12*msec)) {
		t.Errorf("returned: %+v", e)
	}
	m := s.Events[1].Message()
	if m == nil || m.ReplyTo != "amq.gen-JzTY20BRgKO-HjmUJj0wLg" || m.Expiration != "5000" || string(m.Body) != "30" || m.BodyLen != 2 {
		t.Fatalf("request %+v", m)
	}
	if h, ok := m.Header(amqprpc.HeaderRPC); !ok || h != (Header{Key: "x-rpc", Type: "string", Value: "deadline=1767366250678901;attempt=1"}) {
		t.Errorf("header %+v", h)
	}
	if s.Events[0].Message() != nil {
		t.Error("a message where there was none")
	}
	if d := l.Snapshot(Query{Duplicates: 1}).Duplicates[0]; d.Nth != 2 || d.Server != "fib-2" || d.AnsweredBy != "fib-1" ||
		d.Since != 1200*msec || d.Body != "832040" || !d.Known {
		t.Errorf("duplicate %+v", d)
	}
}

// All properties of a message come out as they went in.
func TestMessagesAreKeptWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyMessage(t, "id")
		out := decodeMessage(appendMessage(nil, in, MaxBodyBytes, MaxHeaderBytes, new(headerWriter)))
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

// To trim twice is to trim once, by the narrower bounds.
func TestTrimmingComposes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyMessage(t, "id")
		var w headerWriter
		wide := rapid.IntRange(0, 2000).Draw(t, "wide")
		narrow := rapid.IntRange(0, wide).Draw(t, "narrow")
		direct := appendMessage(nil, in, narrow/20, narrow, &w)
		twice := trimMessage(nil, appendMessage(nil, in, wide/20, wide, &w), narrow/20, narrow)
		if string(direct) != string(twice) {
			t.Fatalf("%+v\n%+v", decodeMessage(direct), decodeMessage(twice))
		}
		if n := len(parseRaw(direct).headers); n > narrow {
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
		b := new(headerWriter).write(amqp.Table{"k": c.in}, MaxHeaderBytes)
		if got := decodeHeaders(b); len(got) != 1 || got[0] != c.want {
			t.Errorf("%#v: got %+v, want %+v", c.in, got, c.want)
		}
	}
	big := amqp.Table{}
	for i := range 1000 {
		big[fmt.Sprintf("%04d", i)] = "v"
	}
	got := decodeHeaders(new(headerWriter).write(big, MaxHeaderBytes))
	if len(got) != maxHeaders || got[0].Key != "0000" || got[63].Key != "0063" {
		t.Errorf("%d of 1000 headers: %v", len(got), got)
	}
}

// A call in flight is never forgotten; a call with a duplicate is remembered with it.
func TestNormalTrafficPushesNothingOut(t *testing.T) {
	l := New(Config{Completed: 10, Failed: 5, Duplicates: 3, Orphans: 3})
	observe(l, sent("old", 0), published("old", 0, "45"))
	observe(l, sent("failed", 0), failed("failed", msec, amqprpc.Unroutable))
	call(l, "doubled", 0)
	observe(l, sent("slow", 0), failed("slow", msec, amqprpc.Timeout))
	observe(l, discarded(amqprpc.Duplicate, "doubled", msec, "fib-2"), discarded(amqprpc.Late, "slow", msec, "fib-2"),
		discarded(amqprpc.Unknown, "foreign", msec, "fib-2"))
	for i := range 1000 {
		call(l, callID(i), time.Duration(i)*msec)
	}
	for i := range 10 {
		observe(l, sent(callID(i), time.Second), failed(callID(i), time.Second, amqprpc.Timeout))
	}
	for id, want := range map[string]int{"old": 2, "doubled": 5, "slow": 3, "foreign": 1} {
		if s, ok := l.Inspect(id); !ok || len(s.Events) != want {
			t.Errorf("%s: %d events, want %d", id, len(s.Events), want)
		}
	}
	for _, id := range []string{"failed", callID(500)} {
		if _, ok := l.Inspect(id); ok {
			t.Errorf("%s is still there", id)
		}
	}
	s := l.Snapshot(everything())
	if s.InFlight[0].ID != "old" || s.InFlight[0].Request != "45" || len(s.Completed) != 10 || len(s.Failed) != 5 {
		t.Errorf("%+v", s)
	}
	if s.Completed[0].ID != callID(999) || s.Completed[0].Answer != "832040" || s.Completed[0].Age != 9*msec {
		t.Errorf("newest completed call: %+v", s.Completed[0])
	}
	// Three other duplicates push the first one out, and its call with it.
	for i := range 3 {
		observe(l, discarded(amqprpc.Duplicate, callID(990+i), time.Second, "fib-2"))
	}
	if _, ok := l.Inspect("doubled"); ok {
		t.Error("a call outlives its last duplicate")
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	l := New(Config{})
	for _, id := range []string{"b2", "a1", "b1", "b3"} {
		call(l, id, 0)
	}
	observe(l, discarded(amqprpc.Unknown, "b0", 0, ""), discarded(amqprpc.Unknown, "b0", 0, ""))
	if got := l.Find("b", 3); !slices.Equal(got, []string{"b0", "b1", "b2"}) {
		t.Error(got)
	}
	if got := l.Find("", 100); len(got) != 5 {
		t.Error(got)
	}
	if got := l.Find("c", 3); got != nil {
		t.Error(got)
	}
	s, _ := l.Inspect("b0")
	if s.Ours || s.Replies != 2 || len(s.Events) != 2 {
		t.Errorf("%+v", s)
	}
	row := l.Snapshot(Query{Orphans: 1}).Orphans[0]
	if s, ok := l.InspectStray(row.Seq); !ok || s.ID != "b0" || len(s.Events) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestReset(t *testing.T) {
	l := New(Config{})
	observe(l, amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Epoch: 1, Connection: &amqprpc.ConnectionInfo{Product: "RabbitMQ"}})
	call(l, "before", 0)
	observe(l, discarded(amqprpc.Duplicate, "before", 20*msec, "fib-2"), sent("across", 30*msec), published("across", 31*msec, "1"),
		answer("nobody", 32*msec, "", ""),
		amqprpc.Event{Kind: EventReset, Time: at(40 * msec)})
	s := l.Snapshot(everything())
	if s.Calls != (Calls{Sent: 1, InFlight: 1}) || s.Replies != (Replies{}) || s.Traffic != (Traffic{}) || s.Response != (Latency{}) ||
		len(s.Servers)+len(s.Completed)+len(s.Duplicates) != 0 || !s.Start.Equal(at(40*msec)) || s.Throughput != 0 {
		t.Errorf("%+v", s)
	}
	if !s.Connection.Connected || s.Connection.Info.Product != "RabbitMQ" {
		t.Errorf("connection %+v", s.Connection)
	}
	observe(l, answer("across", 540*msec, "fib-1", "1"))
	s = l.Snapshot(Query{Now: at(time.Hour)})
	if s.Calls != (Calls{Sent: 1, Completed: 1}) || s.Elapsed != 500*msec || s.Throughput != 2 {
		t.Errorf("%+v", s)
	}
	if _, ok := l.Inspect("before"); ok {
		t.Error("a call from before is still there")
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
}

func TestTimes(t *testing.T) {
	l := New(Config{})
	if s := l.Snapshot(everything()); s.Elapsed != 0 || s.Throughput != 0 || s.Rate != 0 || !s.Now.IsZero() && s.Now.Unix() != 0 {
		t.Errorf("empty: %+v", s)
	}
	for i := range 100 { // ten a second, from 0 to 10 s
		call(l, callID(i), time.Duration(i)*100*msec)
	}
	s := l.Snapshot(Query{Now: at(10 * time.Second), Seconds: 12})
	if s.Elapsed != 9910*msec || math.Abs(s.Throughput-100/9.91) > 1e-9 {
		t.Errorf("elapsed %v, throughput %v", s.Elapsed, s.Throughput)
	}
	if s.Rate != 10 || s.Servers[0].Rate != 10 || s.Servers[0].Share != 1 {
		t.Errorf("rate %v, servers %+v", s.Rate, s.Servers)
	}
	if len(s.Seconds) != 12 || !s.Seconds[11].Time.Equal(at(10*time.Second)) || s.Seconds[10].Completed != 10 || s.Seconds[0].Sent != 0 {
		t.Errorf("seconds %+v", s.Seconds)
	}
	if p := s.Response; p.P50 != 10 || p.Max != 10 || p.Min != 10 || p.Mean != 10 || s.Service.P999 != 9 {
		t.Errorf("response %+v, service %+v", p, s.Service)
	}
	if s := l.Snapshot(Query{Now: at(time.Minute)}); s.Rate != 0 || s.Elapsed != 9910*msec {
		t.Errorf("after the run: rate %v, elapsed %v", s.Rate, s.Elapsed)
	}
	observe(l, sent("open", 20*time.Second))
	if s := l.Snapshot(Query{Now: at(30 * time.Second), InFlight: 1}); s.Elapsed != 30*time.Second || s.InFlight[0].Age != 10*time.Second {
		t.Errorf("with a call in flight: elapsed %v, age %v", s.Elapsed, s.InFlight[0].Age)
	}
	if s := l.Snapshot(Query{Now: epoch.Add(-time.Hour)}); !s.Now.Equal(at(20 * time.Second)) {
		t.Errorf("now went back to %v", s.Now)
	}
}

// A second tells how its calls failed, and which orphans are of calls that timed out.
func TestSecondsTellHowCallsFailed(t *testing.T) {
	l := New(Config{})
	for i, o := range []amqprpc.Outcome{amqprpc.Timeout, amqprpc.Expired, amqprpc.Remote, amqprpc.ConnectionLost, amqprpc.Canceled} {
		observe(l, sent(callID(i), 0), published(callID(i), 0, "30"))
		if o == amqprpc.Remote {
			e := answer(callID(i), msec, "fib-1", "no")
			e.Outcome = o
			observe(l, e)
			continue
		}
		observe(l, failed(callID(i), msec, o))
		late := discarded(amqprpc.Late, callID(i), 2*msec, "fib-1")
		late.Outcome = o
		observe(l, late)
	}
	got := l.Snapshot(Query{Seconds: 1}).Seconds[0]
	got.Time = time.Time{}
	if want := (Second{Sent: 5, Failed: 5, TimedOut: 2, Remote: 1, Orphans: 4, Late: 1}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}

// Bars cover the times from the least to p99.9 and count each once.
func TestBars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLatency()
		times := rapid.SliceOfN(rapid.Int64Range(0, 1e11), 1, 200).Draw(t, "times")
		for _, ns := range times {
			l.record(ns)
		}
		for _, log := range []bool{false, true} {
			n := rapid.IntRange(1, 40).Draw(t, "bars")
			bars := l.bars(n, log)
			var sum uint64
			for i, b := range bars {
				if !(b.From <= b.To) || i > 0 && b.From != bars[i-1].To {
					t.Fatalf("bars %+v", bars)
				}
				sum += b.Count
			}
			if len(bars) != n || sum > l.n || !log && sum+1 < l.n*99/100 {
				t.Fatalf("%d bars with %d of %d times: %+v", len(bars), sum, l.n, bars)
			}
		}
		s := l.summary()
		if !(s.Min <= s.P50 && s.P50 <= s.P90 && s.P90 <= s.P99 && s.P99 <= s.P999 && s.P999 <= s.Max && s.Min <= s.Mean+1e-9 && s.Mean <= s.Max+1e-9) {
			t.Fatalf("%+v", s)
		}
	})
}

func TestServersAreBounded(t *testing.T) {
	l := New(Config{Servers: 3})
	for i := range 50 {
		call(l, callID(i), 0)
	}
	for i := range 1000 {
		observe(l, discarded(amqprpc.Unknown, "x", msec, fmt.Sprintf("evil-%d", i)))
	}
	s := l.Snapshot(Query{})
	if len(s.Servers) != 4 || s.Servers[2].Name != "fib-1" || s.Servers[2].Answers != 50 || !s.Servers[3].Others {
		t.Errorf("%+v", s.Servers)
	}
	var names []string
	l = New(Config{})
	for _, n := range []string{"fib-10", "fib-9", "", "fib-2", "fib"} {
		observe(l, discarded(amqprpc.Unknown, "x", 0, n))
	}
	for _, v := range l.Snapshot(Query{}).Servers {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"", "fib", "fib-2", "fib-9", "fib-10"}) {
		t.Errorf("%q", names)
	}
}

func TestConnection(t *testing.T) {
	l := New(Config{Connection: 3})
	info := amqprpc.ConnectionInfo{Address: "localhost:5672", Product: "RabbitMQ", Version: "4.2.1", Queue: "amq.gen-1"}
	step := func(e amqprpc.Event) Connection {
		l.Observe(e)
		return l.Snapshot(Query{Connection: 10}).Connection
	}
	c := step(amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Epoch: 1, Connection: &info})
	if !c.Connected || c.Info != info || c.Epochs != 1 || !c.Since.Equal(epoch) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventBlocked, Time: at(msec), Text: "low on memory"})
	if !c.Blocked || c.BlockedReason != "low on memory" || !c.BlockedSince.Equal(at(msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventDisconnected, Time: at(2 * msec), Epoch: 1, Text: "320"})
	if c.Connected || c.Blocked || c.Reason != "320" || !c.Since.Equal(at(2*msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventReconnecting, Time: at(3 * msec), Delay: time.Second, Text: "refused"})
	if c.Tries != 1 || c.Reason != "refused" || !c.NextTry.Equal(at(1003*msec)) || !c.Since.Equal(at(2*msec)) {
		t.Errorf("%+v", c)
	}
	c = step(amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(time.Second), Epoch: 2, Connection: &info})
	if !c.Connected || c.Epochs != 2 || c.Epoch != 2 || c.Reason != "" || !c.NextTry.IsZero() {
		t.Errorf("%+v", c)
	}
	if c.Lost != "320" || c.Denied {
		t.Errorf("%+v", c)
	}
	if len(c.Events) != 3 || c.Events[0].Kind != amqprpc.EventDisconnected || c.Events[2].Connection.Queue != "amq.gen-1" {
		t.Errorf("%+v", c.Events)
	}
}

// A connection lost for want of a permission is told until the broker takes a request, or there
// is another reason.
func TestDenied(t *testing.T) {
	const why = "user lacks the write permission"
	lost := amqprpc.Event{Kind: amqprpc.EventDisconnected, Code: 403, Text: why}
	sent := amqprpc.Event{Kind: amqprpc.EventSent, ID: "a"}
	for _, c := range []struct {
		name   string
		then   []amqprpc.Event
		lost   string
		denied bool
	}{
		{"at once", nil, why, true},
		{"connected", []amqprpc.Event{{Kind: amqprpc.EventConnected}, sent, {Kind: amqprpc.EventPublished, ID: "a", Attempt: 1}}, why, true},
		{"a stranger's reply", []amqprpc.Event{{Kind: amqprpc.EventReply, ID: "b", Class: amqprpc.Unknown}}, why, true},
		{"a reset", []amqprpc.Event{{Kind: EventReset}}, why, true},
		{"a try in vain", []amqprpc.Event{{Kind: amqprpc.EventReconnecting, Text: "refused"}}, why, true},
		{"taken", []amqprpc.Event{{Kind: amqprpc.EventConfirmed, ID: "forgotten", Attempt: 1}}, why, false},
		{"answered", []amqprpc.Event{sent, {Kind: amqprpc.EventReply, ID: "a", Class: amqprpc.Answer, Outcome: amqprpc.Completed}}, why, false},
		{"lost again", []amqprpc.Event{{Kind: amqprpc.EventDisconnected, Code: 320, Text: "shutdown"}}, "shutdown", false},
	} {
		l := New(Config{})
		for _, e := range append([]amqprpc.Event{lost}, c.then...) {
			l.Observe(e)
		}
		if got := l.Snapshot(Query{}).Connection; got.Lost != c.lost || got.Denied != c.denied {
			t.Errorf("%s: %q, denied %t; want %q, %t", c.name, got.Lost, got.Denied, c.lost, c.denied)
		}
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// The hard bound holds against the largest messages that AMQP can carry.
func TestMemoryIsBounded(t *testing.T) {
	cfg := Config{Completed: 40, Failed: 20, Duplicates: 20, Orphans: 20}
	const inFlight = 20
	bound := cfg.MaxBytes(inFlight)
	before := heap()
	l := New(cfg)
	long := strings.Repeat("L", 300)
	table := amqp.Table{}
	for i := range 200 {
		table[fmt.Sprint(i, long)[:200]] = amqp.Table{long: strings.Repeat("v", 600)}
	}
	huge := func(id string) *amqprpc.Message {
		return &amqprpc.Message{
			Exchange: long, RoutingKey: long, ContentType: long, ContentEncoding: long, CorrelationID: id, ReplyTo: long,
			Expiration: long, MessageID: long, Type: long, UserID: long, AppID: id + long, Headers: table, Body: make([]byte, 1<<16),
		}
	}
	ids := make([]string, 400)
	for i := range ids {
		id := callID(i)
		ids[i] = id
		text := strings.Repeat("t", 5000)
		events := []amqprpc.Event{sent(id, 0)}
		for a := range 10 {
			p := published(id, 0, "")
			p.Attempt, p.Message = a, huge(id)
			events = append(events, p, amqprpc.Event{Kind: amqprpc.EventRetry, Time: at(0), ID: id, Text: text})
		}
		if i >= inFlight {
			e := answer(id, msec, "", "")
			if e.Message = huge(id); i%3 == 0 {
				e.Outcome = amqprpc.Remote
			}
			d := discarded(amqprpc.Duplicate, id, msec, "")
			d.Message, d.AnsweredBy, d.Text = huge(id), long, text
			u := discarded(amqprpc.Unknown, long+id, msec, "")
			u.Message, u.Text = huge(id), text
			events = append(events, e, d, u, amqprpc.Event{Kind: amqprpc.EventDisconnected, Text: text})
		}
		observe(l, events...)
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
	used := heap() - before
	t.Logf("used %d KB of %d KB", used>>10, bound>>10)
	if used > bound {
		t.Errorf("%d bytes used, %d allowed", used, bound)
	}
	// The end of a call is in its story whatever came before.
	for _, c := range l.Snapshot(everything()).Completed {
		s, _ := l.Inspect(c.ID)
		if k := kindsOf(s); !slices.Contains(k, "reply answer") || s.Dropped == 0 {
			t.Fatalf("%q, %d dropped", k, s.Dropped)
		}
	}
	runtime.KeepAlive(ids)
}

func TestMemoryDoesNotGrowWithTheRun(t *testing.T) {
	l := New(Config{Completed: 512})
	events := typical(1000)
	span := events[len(events)-1].Time.Sub(epoch)
	run := func(calls int) int {
		for range calls / 1000 {
			observe(l, events...)
			shift(events, span)
		}
		return heap()
	}
	first := run(20_000)
	if last := run(200_000); last > first+(256<<10) {
		t.Errorf("%d bytes after 20,000 calls, %d after 220,000", first, last)
	}
	runtime.KeepAlive(events)
}

// Snapshots and inspections from anywhere, while events come in; a snapshot stays what
// it is.
func TestConcurrentReaders(t *testing.T) {
	l := New(small)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := l.Snapshot(everything())
				if err := s.Broken(); err != nil {
					t.Error(err)
					return
				}
				for _, c := range s.Completed {
					if st, ok := l.Inspect(c.ID); ok && st.ID != c.ID {
						t.Errorf("%q for %q", st.ID, c.ID)
					}
				}
				l.Find("a", 3)
			}
		})
	}
	for i := range 2000 {
		call(l, callID(i), time.Duration(i)*msec)
		observe(l, discarded(amqprpc.Duplicate, callID(i), time.Duration(i)*msec, "fib-2"))
	}
	close(done)
	wg.Wait()
}

func TestSnapshotSharesNothing(t *testing.T) {
	play := func(l *Ledger, from int) {
		for i := range 20 {
			id := callID(from + i)
			call(l, id, time.Duration(from+i)*time.Second)
			observe(l, discarded(amqprpc.Duplicate, id, time.Duration(from+i)*time.Second, "fib-2"),
				amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(time.Duration(from+i) * time.Second), Connection: &amqprpc.ConnectionInfo{Queue: id}})
		}
	}
	a, b := New(small), New(small)
	play(a, 0)
	play(b, 0)
	s, want := a.Snapshot(everything()), b.Snapshot(everything())
	story, _ := a.Inspect(callID(19))
	wantStory, _ := b.Inspect(callID(19))
	play(a, 100)
	if !reflect.DeepEqual(s, want) || !reflect.DeepEqual(story, wantStory) {
		t.Error("later events changed an earlier snapshot")
	}
}

// A wrong answer is told of in the numbers, in its row, in its story, and with what is wrong;
// and is forgotten no sooner than its call.
func TestWrongAnswers(t *testing.T) {
	l := New(small)
	call(l, "right", 0)
	for i := range 2 + small.Completed {
		call(l, callID(i), 20*msec)
	}
	observe(l, wrong(callID(4), 40*msec), wrong("right", 41*msec)) // the second is forgotten by now
	clone := l.Clone()
	for range firstWrongs {
		call(l, "other", 50*msec)
		observe(l, wrong("other", 60*msec))
	}
	for _, c := range []struct {
		name  string
		books *Ledger
		wrong uint64
		told  int
	}{{"early", clone, 2, 2}, {"late", l, 2 + firstWrongs, firstWrongs}} {
		s := c.books.Snapshot(everything())
		if s.Calls.Wrong != c.wrong || s.Traffic.Ignored != 0 || s.Broken() != nil {
			t.Errorf("%s: %+v, ignored %d, %v", c.name, s.Calls, s.Traffic.Ignored, s.Broken())
		}
		if len(s.Wrongs) != c.told || s.Wrongs[0] != (WrongAnswer{callID(4), "not as expected"}) || s.Wrongs[1].ID != "right" {
			t.Errorf("%s: told of %q", c.name, s.Wrongs)
		}
	}
	for _, row := range clone.Snapshot(everything()).Completed {
		if row.Wrong != (row.ID == callID(4)) || row.Outcome != amqprpc.Completed {
			t.Errorf("row %+v", row)
		}
	}
	story, _ := clone.Inspect(callID(4))
	if last := story.Events[len(story.Events)-1]; !story.Wrong || last.Kind != EventWrong || last.Text != "not as expected" {
		t.Errorf("story %+v", story)
	}
	observe(l, amqprpc.Event{Kind: EventReset, Time: at(70 * msec)})
	if s := l.Snapshot(everything()); s.Calls.Wrong != 0 || len(s.Wrongs) != 0 {
		t.Errorf("after a reset %+v, %q", s.Calls, s.Wrongs)
	}
}
