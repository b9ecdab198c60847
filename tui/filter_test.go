package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

func TestFilterPicks(t *testing.T) {
	calls := []ledger.Call{
		{ID: "7f3a91c2-open", Request: "30", RequestLen: 2},
		{ID: "1b22e0aa-done", Outcome: amqprpc.Completed, Server: "fib-1", Request: "30", RequestLen: 2, Answer: "832040", AnswerLen: 6},
		{ID: "1b22ffff-done", Outcome: amqprpc.Completed, Server: "FIB-2", Request: "21", RequestLen: 2, Answer: "10946", AnswerLen: 5, Wrong: true},
		{ID: "2c33-late", Outcome: amqprpc.Timeout, Request: "40", RequestLen: 2},
		{ID: "3d44-lost", Outcome: amqprpc.ConnectionLost, Request: "a shed to paint", RequestLen: 15},
		{ID: "4e55-bad", Outcome: amqprpc.Remote, Server: "fib-1", Request: "99", RequestLen: 9999, Answer: "N is above 45"},
	}
	strays := []ledger.Stray{
		{ID: "1b22e0aa-done", Class: amqprpc.Duplicate, Server: "fib-2", AnsweredBy: "fib-1", Body: "832040"},
		{ID: "2c33-late", Class: amqprpc.Late, Server: "fib-1", Error: "out_of_range"},
		{ID: "", Class: amqprpc.Unknown, Server: lab.InjectorName},
	}
	for _, c := range []struct{ filter, calls, strays string }{
		{"", "012345", "012"},
		{"   ", "012345", "012"},
		{"state:in-flight", "0", ""},
		{"state:in_flight", "0", ""},
		{"state:completed", "12", ""},
		{"state:wrong", "2", ""},
		{"state:completed !state:wrong", "1", ""},
		{"STATE:Failed", "345", ""},
		{"state:timeout", "3", ""},
		{"state:connection-lost", "4", ""},
		{"state:remote", "5", ""},
		{"state:duplicate", "", "0"},
		{"state:late", "", "1"},
		{"state:unknown", "", "2"},
		{"state:orphaned", "", "12"},
		{"!state:failed", "012", "012"},
		{"!!state:failed", "345", ""},
		{"server:fib", "125", "01"},
		{"server:fib-2", "2", "0"},
		{"server:fib-1", "15", "01"},
		{`server:"by hand"`, "", "2"},
		{"n:30", "01", ""},
		{"n:21-30", "012", ""},
		{"n:99", "", ""}, // that is only the beginning of the request
		{"!n:30", "2345", "012"},
		{"fib(30)", "01", ""}, // as rows show it
		{"Fib(2", "2", ""},
		{"fib(99)", "", ""},
		{"id:1b22", "12", "0"},
		{"id:1B22E", "1", "0"},
		{"id:22", "", ""},
		{"832040", "1", "0"},
		{"shed", "4", ""},
		{`"a shed"`, "4", ""},
		{"to ABOVE", "", ""},
		{"above", "5", ""},
		{"lost", "4", ""},
		{"range", "", "1"},
		{"hand", "", "2"},
		{"fib-1 832040", "1", "0"},
		{"server:fib-1 !832040", "5", "1"},
		{"state:completed n:20-25 server:2", "2", ""},
		{`"state:failed"`, "", ""},
	} {
		f, err := parseFilter(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		q := ledger.Query{Calls: func(*ledger.Call) bool { return true }, Strays: func(*ledger.Stray) bool { return true }}
		f.apply(&q)
		var picked, pickedStrays strings.Builder
		for i := range calls {
			if q.Calls(&calls[i]) {
				picked.WriteByte(byte('0' + i))
			}
		}
		for i := range strays {
			if q.Strays(&strays[i]) {
				pickedStrays.WriteByte(byte('0' + i))
			}
		}
		if picked.String() != c.calls || pickedStrays.String() != c.strays {
			t.Errorf("%s picks calls %s and replies %s, want %s and %s", c.filter, &picked, &pickedStrays, c.calls, c.strays)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, c := range []struct{ filter, want string }{
		{"fib state:gone", "state:gone: the states are in-flight, completed, wrong, failed, timeout, canceled, unroutable, rejected, expired, " +
			"remote, connection-lost, closed, duplicate, late, unknown, orphaned"},
		{"!sever:fib-1 x", "!sever:fib-1: known are state:, server:, n:, id:; quote it to look for it as text"},
		{"n:many", "n:many: a number or a range is wanted, such as n:30 or n:20-35"},
		{"n:35-20", "n:35-20: the range is reversed: write n:20-35"},
		{"n:-3", "n:-3: a number or a range is wanted, such as n:30 or n:20-35"},
		{"n:", "n:: a number or a range is wanted, such as n:30 or n:20-35"},
		{"id:", "id:: there is nothing to look for"},
		{"!", "!: there is nothing to look for"},
		{`""`, `"": there is nothing to look for`},
		{`server:"by hand`, `server:"by hand: a quote is missing at the end`},
		{"state:\x1b[2J\u202e", `state:\x1b[2J\u202e: the states are`},
		{strings.Repeat("x", 257), "a filter has at most 256 bytes"},
	} {
		_, err := parseFilter(c.filter)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.filter, err, c.want)
		}
	}
	if _, err := parseFilter(strings.Repeat("x", 256)); err != nil {
		t.Error(err)
	}
}

func TestParseFilter(t *testing.T) {
	for in, want := range map[string]filter{
		"":                        nil,
		"  a   b ":                {{lower: "a"}, {lower: "b"}},
		"STATE:IN_FLIGHT":         {{key: "state", lower: "in_flight"}},
		"state:connection-lost":   {{key: "state", lower: "connection_lost"}},
		"n:030":                   {{key: "n", lower: "030", from: 30, to: 30}},
		"n:20-35":                 {{key: "n", lower: "20-35", from: 20, to: 35}},
		`!server:"By hand"`:       {{not: true, key: "server", lower: "by hand"}},
		`serv"er:x"`:              {{lower: "server:x"}},
		`"!a" !!b !!!c`:           {{lower: "!a"}, {lower: "b"}, {not: true, lower: "c"}},
		"12:30 :x id:a:b":         {{lower: "12:30"}, {lower: ":x"}, {key: "id", lower: "a:b"}},
		"Fib\u3000\"1\u30002\" É": {{lower: "fib"}, {lower: "1\u30002"}, {lower: "é"}},
	} {
		if f, err := parseFilter(in); err != nil || !slices.Equal(f, want) {
			t.Errorf("%q: %+v (%v), want %+v", in, f, err, want)
		}
	}
}

// The filter is part of the query, and the titles of the lanes say so.
func TestLanesFilter(t *testing.T) {
	f, err := parseFilter("server:fib-2")
	if err != nil {
		t.Fatal(err)
	}
	l := &lanes{focus: endedLane}
	l.filter = f
	snap := laneSnapshot(l, busy(), at(20*time.Second), 120, 9)
	if n := len(snap.Ledger.Completed); n != 18 {
		t.Errorf("%d completed calls, of those that were asked for", n)
	}
	for _, c := range snap.Ledger.Completed {
		if c.Server != "fib-2" {
			t.Errorf("%s was answered by %s", c.ID, c.Server)
		}
	}
	text := drawnLanes(l, styled(false), snap, true, 120, 9)
	for _, want := range []string{"In flight 0 of 24 pass", "No row here passes", "Duplicate 3 of 5 pass", "Completed 20 of 48 pass"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from\n%s", want, text)
		}
	}
	var q ledger.Query
	if (filter{}).apply(&q); q.Calls != nil || q.Strays != nil {
		t.Error("no filter asks about rows")
	}
}

// The ledger is locked while a filter picks rows.
func BenchmarkFilter(b *testing.B) {
	const inFlight = 8_000
	books := ledger.New(ledger.Config{})
	for i := range inFlight {
		id := fmt.Sprintf("7f3a91c2-9b1d-4c5e-8f70-%012d", i)
		e := amqprpc.Event{Kind: amqprpc.EventSent, ID: id, Time: at(0), Intended: at(0), Deadline: at(time.Minute)}
		books.Observe(e)
		e = amqprpc.Event{Kind: amqprpc.EventPublished, ID: id, Time: at(0), Attempt: 1, Message: &amqprpc.Message{CorrelationID: id, Body: []byte("30")}}
		books.Observe(e)
	}
	for _, s := range []string{"nowhere", "7F3b", "kept", "server:fib-9", "n:31", "é", "state:failed nowhere"} {
		b.Run(s, func(b *testing.B) {
			f, err := parseFilter(s)
			if err != nil {
				b.Fatal(err)
			}
			q := ledger.Query{InFlight: 20, Completed: 20, Failed: 20, Duplicates: 20, Orphans: 20}
			f.apply(&q)
			b.ReportAllocs()
			for b.Loop() {
				if s := books.Snapshot(q); s.Calls.InFlight != inFlight || len(s.InFlight) != 0 {
					b.Fatalf("%d in flight, %d picked", s.Calls.InFlight, len(s.InFlight))
				}
			}
		})
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{
		"", "state:failed !server:fib-1", "n:20-35 id:7f3a", `"by hand" "!x" !"a:b"`, "x:", `"`, "!!!", "n:99999999999999999999", "\x1b]0;", "é\u3000長:x",
	} {
		f.Add(s)
	}
	calls := []ledger.Call{{}, {ID: hostile, Request: "30", RequestLen: 2, Outcome: amqprpc.Remote, Answer: hostile}}
	strays := []ledger.Stray{{}, {ID: hostile, Class: amqprpc.Duplicate, Server: hostile}}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseFilter(s)
		if err != nil {
			harmless(t, err.Error(), 400)
			return
		}
		for i := range a { // a word and its negation pick different rows
			word, not := filter{a[i]}, filter{a[i]}
			not[0].not = !not[0].not
			for j := range calls {
				if word.call(&calls[j]) == not.call(&calls[j]) || word.stray(&strays[j]) == not.stray(&strays[j]) {
					t.Fatalf("%q: %+v and its negation pick the same", s, a[i])
				}
			}
		}
	})
}

func TestFilter(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 40)
	press(m, append([]string{"F"}, append(strings.Split("server:fib-2", ""), "enter")...)...)
	for _, c := range m.snapshot.Ledger.Completed {
		if c.Server != "fib-2" {
			t.Fatalf("the filter lets through %+v", c)
		}
	}
	if len(m.snapshot.Ledger.Completed) == 0 {
		t.Error("the filter lets nothing through")
	}
	if !strings.Contains(m.View(), "only server:fib-2") {
		t.Errorf("the filter is not told:\n%s", m.View())
	}
	press(m, "esc")
	if m.filter != "" {
		t.Error("esc does not take the filter away")
	}
	press(m, append([]string{"F"}, append(strings.Split("state:nonsense", ""), "enter")...)...)
	if m.mode != prompting || !strings.Contains(m.View(), "nonsense") {
		t.Errorf("nonsense is a filter:\n%s", m.View())
	}
}
