package replay

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/lab"
)

// At any position, an ID in any part of the recording is found, and GoTo moves to its last event.
func TestGoTo(t *testing.T) {
	recorded := calls(20_000) // more than the ledger remembers
	at := recorded[len(recorded)-1].Time
	recorded = append(recorded,
		amqprpc.Event{Kind: amqprpc.EventReply, Time: at, ID: "stray", Class: amqprpc.Unknown, Message: &amqprpc.Message{CorrelationID: "stray"}},
		amqprpc.Event{Kind: amqprpc.EventSent, Time: at, ID: "unended", Intended: at},
		amqprpc.Event{Kind: amqprpc.EventConnected, Time: at.Add(time.Second)},
	)
	p, err := Open(write(t, record(t, recorded)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	until(t, p, func(r *lab.Replay) bool { return r.Indexed == 1 })
	for prefix, want := range map[string]string{"0000001": "00000010", "00000fa": "00000fa0", "str": "stray", "une": "unended"} {
		if got := p.Find(prefix, 1); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: found %q", prefix, got)
		}
	}
	for _, c := range []struct {
		id      string
		replies int
		outcome amqprpc.Outcome
	}{
		{"00000000", 2, amqprpc.Completed}, {"00004e16", 2, amqprpc.Completed}, {"00000032", 0, amqprpc.Timeout},
		{"0000000a", 2, amqprpc.Completed}, {"stray", 1, 0}, {"unended", 0, amqprpc.InFlight},
	} {
		p.GoTo(c.id)
		shown := until(t, p, func(r *lab.Replay) bool { return r.Seeking == "" })
		story, ok := p.Inspect(c.id)
		if f := shown.Replay.Found; f == nil || *f != (lab.Found{ID: c.id}) || !ok || story.Replies != c.replies || story.Outcome != c.outcome {
			t.Errorf("%s: found %+v, %t, %+v", c.id, f, ok, story)
		}
	}
	p.GoTo("none")
	if shown := until(t, p, func(r *lab.Replay) bool { return r.Seeking == "" }); shown.Replay.Found != nil || !strings.Contains(shown.Notes[len(shown.Notes)-1].Text, "no event of that ID") {
		t.Errorf("what is not there: %+v, %+v", shown.Replay.Found, shown.Notes)
	}
}

// A seek to an incident reports the incident. A seek to a time reports nothing.
func TestFound(t *testing.T) {
	p, err := Open(write(t, record(t, calls(200))))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	there := func() *lab.Found {
		t.Helper()
		return until(t, p, func(r *lab.Replay) bool { return r.Indexed == 1 && r.Seeking == "" }).Replay.Found
	}
	for _, id := range []string{"00000000", "0000000a"} {
		p.Next(lab.DuplicateReply)
		f := there()
		if f == nil || f.ID != id || f.Seq == 0 {
			t.Fatalf("the duplicate is %+v, not %s", f, id)
		}
		if story, ok := p.InspectStray(f.Seq); !ok || story.ID != id {
			t.Errorf("the story of the duplicate: %+v", story)
		}
	}
	p.Next(lab.FailedCall)
	if f := there(); f == nil || *f != (lab.Found{ID: "00000032"}) {
		t.Errorf("the failure is %+v", f)
	}
	p.Seek(time.Second)
	if f := there(); f != nil {
		t.Errorf("at a time there is %+v", f)
	}
	p.Next(lab.OrphanedReply)
	if f := there(); f != nil {
		t.Errorf("no orphan, and that is %+v", f)
	}
}
