package ledger

import (
	"slices"
	"testing"

	"rpcscope/amqprpc"
)

func TestStory(t *testing.T) {
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

// kindsOf returns the kinds and classes of the events of a story.
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
