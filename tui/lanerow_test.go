package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

const someID = "7f3a91c2-1f2e-4d3c-8b5a-1234567890ab"

func call(change func(*ledger.Call)) *ledger.Call {
	c := &ledger.Call{
		ID: someID, Sent: at(0), Deadline: at(5 * time.Second), Attempt: 1, Age: 41 * time.Millisecond,
		Request: "30", RequestLen: 2,
	}
	change(c)
	return c
}

func answered(c *ledger.Call) {
	c.Outcome, c.Server, c.Answer, c.AnswerLen, c.Replies = amqprpc.Completed, "fib-1", "832040", 6, 1
	c.Age = 38100 * time.Microsecond
}

// squeeze replaces runs of spaces with one.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestCallRows(t *testing.T) {
	st := styled(false)
	for _, c := range []struct {
		name   string
		change func(*ledger.Call)
		now    time.Duration
		rows   map[int]string
		says   string
	}{
		{"in flight", func(*ledger.Call) {}, 41 * time.Millisecond, map[int]string{
			16:  "7f3a91c2▁ 41 ms",
			28:  "7f3a91c2 fib(30) ▁ 41 ms",
			118: someID + " fib(30) ▁ 41 ms",
		}, someID + " fib(30): in flight for 41 ms, 4.96 s left."},
		{"retried, past half", func(c *ledger.Call) { c.Attempt, c.Age = 3, 2600*time.Millisecond }, 2600 * time.Millisecond, map[int]string{
			16: "7f3a9 ×3▅2.60 s",
			28: "7f3a91c2 try 3 ▅ 2.60 s",
			40: "7f3a91c2 fib(30) try 3 ▅ 2.60 s",
		}, someID + " fib(30): in flight for 2.60 s, try 3, 2.40 s left."},
		{"past its deadline", func(c *ledger.Call) { c.Age = 6 * time.Second }, 6 * time.Second, map[int]string{
			16: "7f3a91c2!6.00 s",
		}, someID + " fib(30): in flight for 6.00 s, past its deadline by 1.00 s."},
		{"no deadline", func(c *ledger.Call) { c.Deadline, c.Age = time.Time{}, time.Hour }, time.Hour, map[int]string{
			16: "7f3a91c2▁ 1h00m",
		}, someID + " fib(30): in flight for 1h00m."},
		{"not published", func(c *ledger.Call) { c.Attempt, c.Request, c.RequestLen = 0, "", 0 }, 41 * time.Millisecond, map[int]string{
			28: "7f3a91c2 unsent ▁ 41 ms",
		}, someID + ": waits to be published, since 41 ms, 4.96 s left."},
		{"text", func(c *ledger.Call) { c.Request, c.RequestLen = "paint\x1b[2J", 9 }, 0, map[int]string{
			40: `7f3a91c2 paint\x1b[2J ▁ 41 ms`,
		}, someID + ` paint\x1b[2J: in flight for 41 ms, 5.00 s left.`},
		{"cut text", func(c *ledger.Call) { c.Request, c.RequestLen = "123", 4000 }, 0, map[int]string{
			40: "7f3a91c2 123… ▁ 41 ms",
		}, someID + ` 123…: in flight for 41 ms, 5.00 s left.`},
		{"empty", func(c *ledger.Call) { c.Request, c.RequestLen, c.ID = "", 0, "" }, 0, map[int]string{
			28: "(no ID) (empty) ▁ 41 ms",
		}, "(no ID) (empty): in flight for 41 ms, 5.00 s left."},
		{"another ID", func(c *ledger.Call) { c.ID = "order-4711\x1b" }, 0, map[int]string{
			28: "order-4… fib(30) ▁ 41 ms",
		}, `order-4711\x1b fib(30): in flight for 41 ms, 5.00 s left.`},

		{"completed", answered, 0, map[int]string{
			16:  "7f3a91c2 38 ms",
			28:  "7f3a91c2 832040 38 ms",
			40:  "7f3a91c2 fib(30) = 832040 38.1 ms",
			60:  "7f3a91c2 fib(30) = 832040 38.1 ms fib-1",
			118: someID + " fib(30) = 832040 38.1 ms fib-1",
		}, someID + " fib(30) = 832040: completed in 38.1 ms, answered by fib-1."},
		{"many replies", func(c *ledger.Call) { answered(c); c.Replies, c.Attempt = 3, 2 }, 0, nil,
			someID + " fib(30) = 832040: completed in 38.1 ms, answered by fib-1, try 2; 3 replies, the others were discarded."},
		{"a name that is no name", func(c *ledger.Call) { answered(c); c.Server = "" }, 0, nil,
			someID + " fib(30) = 832040: completed in 38.1 ms, answered by (no name)."},
		{"wrong", func(c *ledger.Call) { answered(c); c.Wrong, c.Answer, c.AnswerLen = true, "55", 2 }, 0, map[int]string{
			16:  "7f3a91c2 wrong",
			28:  "7f3a91c2 wrong: 55 38 ms",
			40:  "7f3a91c2 fib(30) wrong: 55 38.1 ms",
			118: someID + " fib(30) wrong: 55 38.1 ms fib-1",
		}, someID + " fib(30) = 55: completed in 38.1 ms, answered by fib-1, a wrong answer."},
		{"unroutable", func(c *ledger.Call) { c.Outcome = amqprpc.Unroutable }, 0, map[int]string{
			16: "7f3a unroutable",
			28: "7f3a91c2 unroutable 41 ms",
			40: "7f3a91c2 fib(30) unroutable 41.0 ms",
		}, someID + " fib(30): failed (unroutable) after 41.0 ms: returned by the broker: no queue took it."},
		{"connection lost", func(c *ledger.Call) { c.Outcome = amqprpc.ConnectionLost }, 0, map[int]string{
			16: "7f3a conn. lost",
			60: "7f3a91c2 fib(30) connection lost 41.0 ms",
		}, someID + " fib(30): failed (connection lost) after 41.0 ms: the connection went before a reply came."},
		{"remote", func(c *ledger.Call) {
			answered(c)
			c.Outcome, c.Answer, c.AnswerLen = amqprpc.Remote, "n is above 45", 13
		}, 0, map[int]string{
			28:  "7f3a91c2 remote 38 ms",
			118: someID + " fib(30) remote: n is above 45 38.1 ms fib-1",
		}, someID + " fib(30): failed (remote) after 38.1 ms: fib-1 answered with an error: n is above 45."},
	} {
		v := call(c.change)
		for n, want := range c.rows {
			r := endedRow(st, v, false, n)
			if v.Outcome == amqprpc.InFlight {
				r = flightRow(st, v, false, at(c.now), n)
			}
			l := r.line(n, " ")
			if got := squeeze(l.Render()); got != want || l.Width() != n {
				t.Errorf("%s, %d cells:\ngot  %s\nwant %s", c.name, n, got, want)
			}
		}
		if got := explain.Call(v, false, at(c.now)); got != c.says {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.says)
		}
	}
}

func TestStrayRows(t *testing.T) {
	st := styled(false)
	stray := func(class amqprpc.Class, change func(*ledger.Stray)) *ledger.Stray {
		s := &ledger.Stray{ID: someID, Time: at(0), Class: class, Server: "fib-2", Body: "832040", BodyLen: 6}
		switch class {
		case amqprpc.Duplicate:
			s.Nth, s.Outcome, s.Since, s.AnsweredBy = 2, amqprpc.Completed, 1200*time.Millisecond, "fib-1"
		case amqprpc.Late:
			s.Nth, s.Outcome, s.Since = 1, amqprpc.Timeout, 312*time.Millisecond
		}
		change(s)
		return s
	}
	as := func(*ledger.Stray) {}
	for _, c := range []struct {
		name string
		s    *ledger.Stray
		rows map[int]string
		says string
	}{
		{"duplicate", stray(amqprpc.Duplicate, as), map[int]string{
			16: "7f3a91c2 2nd|fib-2, +1.20 s",
			28: "7f3a91c2 2nd reply, fib-2|1.20 s after fib-1's answer",
			78: someID + " 2nd reply, fib-2 12s ago|1.20 s after fib-1's answer: 832040",
		}, someID + ": 2nd reply, from fib-2, 1.20 s after fib-1's answer: a duplicate, since the call has its answer. Discarded."},
		{"redelivered", stray(amqprpc.Duplicate, func(s *ledger.Stray) { s.Redelivered = true }), map[int]string{
			16: "7f3a91c2 2nd|redelivered",
			28: "7f3a91c2 2nd reply, fib-2|redelivered, 1.20 s later",
			78: someID + " 2nd reply, fib-2 12s ago|redelivered, 1.20 s after fib-1's answer: 832040",
		}, someID + ": 2nd reply, from fib-2, 1.20 s after fib-1's answer: a duplicate, since the call has its answer; its request had been redelivered. Discarded."},
		{"by hand", stray(amqprpc.Duplicate, func(s *ledger.Stray) { s.Server, s.Nth = lab.InjectorName, 3 }), map[int]string{
			28: "7f3a91c2 3rd reply, by hand|1.20 s after fib-1's answer",
		}, someID + ": 3rd reply, by hand, 1.20 s after fib-1's answer: a duplicate, since the call has its answer. Discarded."},
		{"of a call that is forgotten", stray(amqprpc.Duplicate, func(s *ledger.Stray) { s.Nth, s.AnsweredBy = 0, "" }), map[int]string{
			28: "7f3a91c2 another reply|fib-2, 1.20 s later",
		}, someID + ": another reply, from fib-2, 1.20 s after the answer: a duplicate, since the call has its answer. Discarded."},
		{"late", stray(amqprpc.Late, as), map[int]string{
			16: "7f3a91c2 late|by 312 ms",
			28: "7f3a91c2 late 312 ms, fib-2|the call had timed out",
			34: "7f3a91c2 late by 312 ms, fib-2|the call had timed out",
		}, someID + ": a reply from fib-2, late by 312 ms: the call had timed out. Discarded."},
		{"late by hand", stray(amqprpc.Late, func(s *ledger.Stray) { s.Server, s.Outcome = lab.InjectorName, amqprpc.Closed }), map[int]string{
			34: "7f3a91c2 late by 312 ms, by hand|call had ended with its client",
		}, someID + ": a reply by hand, late by 312 ms: the call had ended with its client. Discarded."},
		{"unknown", stray(amqprpc.Unknown, as), map[int]string{
			16: "7f3a91c unknown|no such call",
			28: "7f3a91c2 unknown ID, fib-2|no such call",
		}, someID + ": a reply from fib-2 that no call here waits for: its ID is unknown. Discarded."},
		{"no ID", stray(amqprpc.Unknown, func(s *ledger.Stray) { s.ID, s.Server = "", "" }), map[int]string{
			16: "(no ID) unknown|names no call",
			28: "(no ID) no ID, (no name)|it names no call",
		}, "A reply from (no name) without a correlation ID: nobody can tell which call it is for. Discarded."},
		{"an error", stray(amqprpc.Unknown, func(s *ledger.Stray) { s.Error = "overflow\n" }), map[int]string{
			16:  "7f3a91c unknown|an error: over…",
			28:  `7f3a91c2 unknown ID, fib-2|an error: overflow\n`,
			40:  `7f3a91c2 unknown ID, fib-2|an error: overflow\n, no such call`,
			118: someID + ` unknown ID, fib-2, an error: overflow\n, no such call 12s ago`,
		}, someID + `: an error reply (overflow\n) from fib-2 that no call here waits for: its ID is unknown. Discarded.`},
		{"a late error", stray(amqprpc.Late, func(s *ledger.Stray) { s.Error, s.Since = amqprpc.CodeDeadlineExceeded, 1270*time.Microsecond }), map[int]string{
			16: "7f3a91c2 late|an error: DEAD…",
			28: "7f3a91c2 late by 1.27 ms|an error: DEADLINE_EXCEEDED",
			78: someID + " late by 1.27 ms, fib-2 12s ago|an error: DEADLINE_EXCEEDED, the call had timed out",
		}, someID + ": an error reply (DEADLINE_EXCEEDED) from fib-2, late by 1.27 ms: the call had timed out. Discarded."},
		{"a second error", stray(amqprpc.Duplicate, func(s *ledger.Stray) { s.Error, s.Redelivered = amqprpc.CodeInternal, true }), map[int]string{
			28: "7f3a91c2 2nd reply, fib-2|an error: INTERNAL, +1.20 s",
			60: "7f3a91c2 2nd reply, fib-2|an error: INTERNAL, redelivered, 1.20 s after fib-1",
		}, someID + ": 2nd reply, an error: INTERNAL, from fib-2, 1.20 s after fib-1's answer: a duplicate, since the call has its answer; its request had been redelivered. Discarded."},
	} {
		for n, want := range c.rows {
			snap := &lab.Snapshot{Ledger: ledger.Snapshot{Now: at(12 * time.Second)}}
			var got string
			for i, l := range drawRow(st, laneRows{strays: []ledger.Stray{*c.s}}, 0, snap, n, false, "") {
				if i > 0 {
					got += "|"
				}
				got += squeeze(l.Render())
			}
			if got != want {
				t.Errorf("%s, %d cells:\ngot  %s\nwant %s", c.name, n, got, want)
			}
		}
		if got := explain.Stray(c.s); got != c.says {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.says)
		}
	}
}

func TestAgeing(t *testing.T) {
	st := styled(true)
	c := call(func(*ledger.Call) {})
	for _, v := range []struct {
		after time.Duration
		sign  string
		ink   text.Ink
	}{
		{-time.Hour, "▁", st.Plain}, {0, "▁", st.Plain}, {2500 * time.Millisecond, "▅", st.Plain}, {2501 * time.Millisecond, "▅", st.Warn},
		{4 * time.Second, "▇", st.Warn}, {4001 * time.Millisecond, "▇", st.Bad}, {4999 * time.Millisecond, "█", st.Bad},
		{5 * time.Second, "!", st.Bad}, {time.Hour, "!", st.Bad},
	} {
		if got := age(st, c, at(v.after), 7)[0]; got != (v.ink.Span(v.sign)) {
			t.Errorf("after %v: %q", v.after, got.Text)
		}
	}
}

// titlesOf returns the titles of the lanes in room cells.
func titlesOf(snap *lab.Snapshot, room int, filtered bool, s stance) string {
	var l lanes
	if filtered {
		l.filter = make(filter, 1)
	}
	var got []string
	for kind := range laneKind(laneCount) {
		l.list[kind].stance = s
		got = append(got, l.title(styled(false), snap, kind, room).Render())
	}
	return strings.Join(got, "|")
}

func TestLaneTitles(t *testing.T) {
	snap := &lab.Snapshot{Ledger: ledger.Snapshot{
		Calls: ledger.Calls{InFlight: 1000, Completed: 12_327, Failed: 17}, Replies: ledger.Replies{Duplicates: 1700, Late: 3, Unknown: 2},
	}}
	for room, want := range map[int]string{
		27: "In flight 1,000|Completed 12,327 failed 17|Duplicate 1,700|Orphaned 5",
		23: "In flight 1,000|Completed 12.3k ✗17|Duplicate 1,700|Orphaned 5",
		17: "In flight 1,000|Compl. 12.3k ✗17|Duplicate 1,700|Orphaned 5",
		12: "In flight 1k|Compl. 12.3k|Dupl. 1.7k|Orphaned 5",
		5:  "Flig…|Comp…|Dupl…|Orph…",
		0:  "|||",
	} {
		if got := titlesOf(snap, room, false, atTop); got != want {
			t.Errorf("%d cells:\ngot  %s\nwant %s", room, got, want)
		}
	}
}

// The titles of filtered lanes count the rows that pass.
func TestLaneTitlesOfAFilter(t *testing.T) {
	snap := &lab.Snapshot{}
	p := &snap.Ledger.Picked
	p.InFlight, p.Duplicates, p.Orphans = ledger.Picked{Rows: 0, Of: 64}, ledger.Picked{Rows: 3, Of: 512}, ledger.Picked{Rows: 5, Of: 5}
	p.Completed, p.Failed = ledger.Picked{Rows: 1200, Of: 4096}, ledger.Picked{Rows: 34, Of: 1024}
	for room, want := range map[int]string{
		27: "In flight 0 of 64 pass|Completed 1,234 of 5,120|Duplicate 3 of 512 pass|Orphaned 5 of 5 pass",
		19: "In flight 0 of 64|Compl. 1.2k of 5.1k|Duplicate 3 of 512|Orphaned 5 of 5",
		12: "Flight 0/|Compl. 1.2k/|Dupl. 3/|Orph. 5 of 5",
	} {
		if got := titlesOf(snap, room, true, atTop); got != want {
			t.Errorf("%d cells:\ngot  %s\nwant %s", room, got, want)
		}
	}
	for rows, want := range map[endedRows]string{completedOnly: "Completed 1,200 of 4,096 pass", failedOnly: "Failed 34 of 1,024 pass"} {
		l := lanes{ended: rows, filter: make(filter, 1)}
		if got := l.title(styled(false), snap, endedLane, 40).Render(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// The title of a lane that does not follow its newest row names the key for it, if there is room.
func TestLaneTitlesTellWhoDoesNotFollow(t *testing.T) {
	snap := &lab.Snapshot{Ledger: ledger.Snapshot{
		Calls: ledger.Calls{InFlight: 1000, Completed: 4_600, Failed: 9_000}, Replies: ledger.Replies{Duplicates: 1700, Late: 3, Unknown: 2},
	}}
	snap.Ledger.Picked.Completed = ledger.Picked{Rows: 9, Of: 4096}
	for _, c := range []struct {
		room   int
		filter bool
		want   string
	}{
		{40, false, "In flight 1,000 ↑ home|Completed 4,600 failed 9,000 ↑ home|Duplicate 1,700 ↑ home|Orphaned 5 ↑ home"},
		{40, true, "In flight 0 of 0 pass ↑ home|Completed 9 of 4,096 pass ↑ home|Duplicate 0 of 0 pass ↑ home|Orphaned 0 of 0 pass ↑ home"},
		{24, false, "In flight 1,000 ↑ home|Compl. 4.6k ✗9k ↑ home|Duplicate 1,700 ↑ home|Orphaned 5 ↑ home"},
		{16, false, "Flight 1k ↑ home|Compl. 4.6k ✗9k|Duplicate 1,700|Orph. 5 ↑ home"},
		{13, false, "In flight 1k|Compl. 4.6k|Dupl. 1.7k|Orphaned 5"},
		{8, false, "Flight …|Compl. …|Dupl. 1…|Orph. 5"},
	} {
		for _, s := range []stance{onRow, atLast} {
			if got := titlesOf(snap, c.room, c.filter, s); got != c.want {
				t.Errorf("%d cells:\ngot  %s\nwant %s", c.room, got, c.want)
			}
		}
	}
}

func TestEmptyLanesExplainThemselves(t *testing.T) {
	snap := &lab.Snapshot{}
	l := &lanes{empty: [laneCount]string{inFlightLane: "Paused: space goes on."}}
	text := strings.Join(strings.Fields(strings.NewReplacer("│", " ").Replace(drawnLanes(&lanes{focus: duplicateLane, zoomed: true}, styled(false), snap, true, 160, 3))), " ")
	if want := "None yet. A duplicate is a second reply to a call that has its answer. d sends one; x makes a server that does."; !strings.Contains(text, want) {
		t.Errorf("%q is missing from\n%s", want, text)
	}
	for kind, want := range []string{"Paused: space goes on.", "None yet. A call", "None yet. A", "None yet. An"} {
		body := l.frames(styled(false), snap, true, 120, 9)[kind].Body
		if len(body) == 0 || strings.TrimSpace(body[0].Render()) != want && !strings.HasPrefix(body[0].Render(), " "+want) {
			t.Errorf("lane %d says %v, want %q", kind, body, want)
		}
	}
	if _, ok := l.selected(snap); ok || l.sentence(snap, 80) != "" {
		t.Error("something is selected in an empty lane")
	}
	for ended, want := range []string{"None yet. A call ends", "None yet. A call is completed", "None. Every call"} {
		l := &lanes{focus: endedLane, zoomed: true, ended: endedRows(ended)}
		if got := fmt.Sprint(l.frames(styled(false), snap, true, 120, 9)[0].Body[0].Render()); !strings.HasPrefix(got, " "+want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
