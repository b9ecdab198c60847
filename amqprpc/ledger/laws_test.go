package ledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// A model is a ledger in a few simple lines: maps, without bounds.
type model struct {
	open    map[string]bool
	ends    map[amqprpc.Outcome]uint64
	classes map[amqprpc.Class]uint64
	sent    uint64
	right   map[string]bool // of each call, whether it is completed and not known to be wrong
	wrong   uint64
	ignored uint64
}

// observe applies an event. remembered reports whether the ledger remembers its call.
func (m *model) observe(e amqprpc.Event, remembered bool) {
	if m.open == nil || e.Kind == EventReset {
		if m.open == nil {
			m.open = make(map[string]bool)
		}
		m.ends, m.classes = make(map[amqprpc.Outcome]uint64), make(map[amqprpc.Class]uint64)
		m.right, m.wrong = make(map[string]bool), 0
		m.sent, m.ignored = uint64(len(m.open)), 0
	}
	end := func(ok bool) bool {
		ok = ok && m.open[e.ID]
		if ok {
			delete(m.open, e.ID)
			m.ends[e.Outcome]++
			m.right[e.ID] = e.Outcome == amqprpc.Completed
		}
		return ok
	}
	ok := true
	switch e.Kind {
	case amqprpc.EventSent:
		if ok = !m.open[e.ID]; ok {
			m.open[e.ID], m.right[e.ID] = true, false
			m.sent++
		}
	case amqprpc.EventFailed:
		ok = end(e.Outcome > amqprpc.Completed && e.Outcome != amqprpc.Remote)
	case EventWrong:
		ok = m.wrong < m.ends[amqprpc.Completed] && (m.right[e.ID] || !remembered)
		if ok {
			m.right[e.ID] = false
			m.wrong++
		}
	case amqprpc.EventReply:
		switch e.Class {
		case amqprpc.NoClass:
			ok = false
		case amqprpc.Answer:
			ok = end(e.Outcome == amqprpc.Completed || e.Outcome == amqprpc.Remote)
		}
		if ok {
			m.classes[e.Class]++
		}
	}
	if !ok {
		m.ignored++
	}
}

// The laws and the bounds hold for any events in any order.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New(small)
		var m model
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			e := anyEvent(t)
			remembered := l.byID[e.ID] != nil
			l.Observe(e)
			m.observe(e, remembered)

			s := l.Snapshot(everything())
			if err := s.Broken(); err != nil {
				t.Fatal(err)
			}
			if got, want := s.Calls, (Calls{
				Sent: m.sent, Completed: m.ends[amqprpc.Completed], InFlight: uint64(len(m.open)),
				Failed: m.sent - m.ends[amqprpc.Completed] - uint64(len(m.open)), Wrong: m.wrong,
			}); got != want {
				t.Fatalf("calls %+v, want %+v", got, want)
			}
			for _, o := range amqprpc.Failures() {
				if s.Failures.Of(o) != m.ends[o] {
					t.Fatalf("%v: %d, want %d", o, s.Failures.Of(o), m.ends[o])
				}
			}
			if got, want := s.Replies, (Replies{
				Received: m.classes[amqprpc.Answer] + m.classes[amqprpc.Duplicate] + m.classes[amqprpc.Late] + m.classes[amqprpc.Unknown],
				Answers:  m.classes[amqprpc.Answer], Duplicates: m.classes[amqprpc.Duplicate],
				Late: m.classes[amqprpc.Late], Unknown: m.classes[amqprpc.Unknown],
			}); got != want {
				t.Fatalf("replies %+v, want %+v", got, want)
			}
			if s.Traffic.Ignored != m.ignored {
				t.Fatalf("ignored %d, want %d", s.Traffic.Ignored, m.ignored)
			}
			if s.Response.Count != s.Replies.Answers || s.Service.Count != s.Replies.Answers {
				t.Fatalf("latencies of %d and %d answers, not of %d", s.Response.Count, s.Service.Count, s.Replies.Answers)
			}
			if len(s.InFlight) != len(m.open) {
				t.Fatalf("%d rows in flight, want %d", len(s.InFlight), len(m.open))
			}
			var replies uint64
			for _, v := range s.Servers {
				replies += v.Replies
			}
			if replies != s.Replies.Received {
				t.Fatalf("servers have %d replies, of %d", replies, s.Replies.Received)
			}
			if err := l.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// check verifies the invariants, mainly the bounds.
func (l *Ledger) check() error {
	c := l.cfg
	held := make(map[*record]int)
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		if len(in.slots) > in.max {
			return fmt.Errorf("%d replies kept, %d allowed", len(in.slots), in.max)
		}
		for i := range in.slots {
			s := &in.slots[i]
			if cap(s.event) > c.maxEvent()*9/8+64 {
				return fmt.Errorf("a discarded reply keeps %d bytes", cap(s.event))
			}
			if s.call != nil {
				held[s.call]++
			}
		}
	}
	all := make(map[*record]bool)
	for r := range held {
		all[r] = true
	}
	for _, lane := range []*list{&l.inFlight, &l.completed, &l.failed} {
		n := 0
		for r := lane.first; r != nil; r = r.next {
			if r.list != lane || r.inFlight() != (lane == &l.inFlight) {
				return fmt.Errorf("%q is in the wrong lane", r.id)
			}
			all[r] = true
			n++
		}
		if n != lane.len {
			return fmt.Errorf("%d records, counted as %d", n, lane.len)
		}
	}
	if l.completed.len > c.Completed || l.failed.len > c.Failed {
		return fmt.Errorf("%d completed and %d failed calls kept", l.completed.len, l.failed.len)
	}
	for r := range all {
		if r.holders != held[r] {
			return fmt.Errorf("%q is held %d times, counted as %d", r.id, held[r], r.holders)
		}
		if r.events > c.StoryEvents || len(r.story) > c.StoryBytes+storyReserve || cap(r.story) > (c.StoryBytes+storyReserve)*9/8 {
			return fmt.Errorf("the story of %q has %d events, %d bytes in %d", r.id, r.events, len(r.story), cap(r.story))
		}
		if r.inFlight() && l.byID[r.id] != r {
			return fmt.Errorf("%q is in flight and cannot be found", r.id)
		}
	}
	for id, r := range l.byID {
		if !all[r] || r.id != id {
			return fmt.Errorf("%q is kept by nothing", id)
		}
	}
	if len(l.free) > freeRecords {
		return fmt.Errorf("%d free records", len(l.free))
	}
	for _, r := range l.free {
		if all[r] || cap(r.story) > freeBytes {
			return fmt.Errorf("%q is free and in use", r.id)
		}
	}
	if len(l.servers.byName) > c.Servers || len(l.conn.events) > c.Connection {
		return fmt.Errorf("%d servers, %d events of the connection", len(l.servers.byName), len(l.conn.events))
	}
	return nil
}

// Events that cannot be true are ignored and counted. A forged recording may have them, or a server sends
// them.
func TestIgnoredEvents(t *testing.T) {
	l := New(Config{})
	call(l, "ours", 0)
	observe(l, sent("open", msec), sent("failed", msec), failed("failed", 2*msec, amqprpc.Timeout), wrong("ours", msec))
	for name, e := range map[string]amqprpc.Event{
		"no kind":                      {},
		"a kind of the future":         {Kind: 200, ID: "open"},
		"a server's request":           {Kind: amqprpc.EventRequest, ID: "open"},
		"a server's reply":             {Kind: amqprpc.EventReplied, ID: "open"},
		"a server's drop":              {Kind: amqprpc.EventDropped, ID: "open"},
		"a second start":               sent("open", msec),
		"an answer to an unknown call": answer("nobody", msec, "fib-1", "1"),
		"a second answer":              answer("ours", msec, "fib-1", "1"),
		"an end of nothing":            failed("nobody", msec, amqprpc.Timeout),
		"a second end":                 failed("ours", msec, amqprpc.Timeout),
		"failed as completed":          failed("open", msec, amqprpc.Completed),
		"failed as in flight":          failed("open", msec, amqprpc.InFlight),
		"remote without answer":        failed("open", msec, amqprpc.Remote),
		"a future outcome":             failed("open", msec, 77),
		"a reply of no class":          {Kind: amqprpc.EventReply, ID: "open"},
		"a future class":               {Kind: amqprpc.EventReply, ID: "open", Class: 77},
		"a wrong answer twice":         wrong("ours", msec),
		"wrong before it ended":        wrong("open", msec),
		"failed and wrong":             wrong("failed", msec),
		"more wrong than right":        wrong("nobody", msec),
		"answered by a timeout":        {Kind: amqprpc.EventReply, ID: "open", Class: amqprpc.Answer, Outcome: amqprpc.Timeout},
	} {
		before := l.Snapshot(everything())
		l.Observe(e)
		after := l.Snapshot(everything())
		if after.Traffic.Ignored != before.Traffic.Ignored+1 {
			t.Errorf("%s: not ignored", name)
		}
		if after.Calls != before.Calls || after.Replies != before.Replies || len(after.InFlight) != 1 {
			t.Errorf("%s: had an effect", name)
		}
	}
}
