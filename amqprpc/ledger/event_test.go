package ledger

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// A load generator reports wrong answers and the end of a warm-up to a Tee, which passes them to a ledger
// and a recording. Their lines are part of the format.
func TestWrongAndReset(t *testing.T) {
	var file bytes.Buffer
	rec := NewRecorder(&file, HeaderLine{By: "test"})
	l := New(Config{})
	tee := NewTee(l, rec)
	call(tee, "a", 0)
	tee.Reset(at(20 * msec))
	call(tee, "b", 30*msec)
	tee.Wrong(at(50*msec), "b", "not 832040")
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`{"t":20000000,"k":"reset"}`, `{"t":50000000,"k":"wrong","id":"b","x":"not 832040"}`} {
		if !strings.Contains(file.String(), "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s", line, file.String())
		}
	}
	replayed, direct := New(Config{}), New(Config{})
	if _, _, err := Replay(&file, replayed); err != nil {
		t.Fatal(err)
	}
	call(direct, "a", 0)
	NewTee(direct).Reset(at(20 * msec))
	call(direct, "b", 30*msec)
	NewTee(direct).Wrong(at(50*msec), "b", "not 832040")
	for name, l := range map[string]*Ledger{"through the tee": l, "replayed": replayed, "direct": direct} {
		s := l.Snapshot(everything())
		if s.Calls != (Calls{Sent: 1, Completed: 1, Wrong: 1}) || len(s.Wrongs) != 1 || s.Wrongs[0] != (WrongAnswer{"b", "not 832040"}) {
			t.Errorf("%s: %+v, %+v", name, s.Calls, s.Wrongs)
		}
	}
}

// Every kind in recordings has a name of its own, and later kinds of a client have none.
func TestKindNames(t *testing.T) {
	if want := int(amqprpc.EventUnblocked) + 2; len(kinds) != want {
		t.Errorf("%d names, want %d: %v", len(kinds), want, kinds)
	}
	for _, k := range []amqprpc.EventKind{amqprpc.NoEvent, amqprpc.EventUnblocked + 1, EventReset - 1} {
		if name := kindName(k); name != "" {
			t.Errorf("kind %d is %q", k, name)
		}
	}
	var file bytes.Buffer
	rec := NewRecorder(&file, HeaderLine{})
	rec.Observe(amqprpc.Event{Kind: amqprpc.EventUnblocked + 1, Time: time.Now()})
	if rec.Events() != 0 {
		t.Error("a kind without a name is recorded")
	}
}
