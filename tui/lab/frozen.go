package lab

import (
	"time"

	"rpcscope/amqprpc/ledger"
)

// A Frozen is a copy of a lab's state that does not change. It answers queries as the lab does.
type Frozen struct {
	stories
	snapshot Snapshot
}

// Freeze copies the current state. The ledger is a few MB, more with more calls in flight, and
// calls wait for the copy: see [ledger.Ledger.Clone].
func (l *Lab) Freeze() *Frozen {
	f := &Frozen{snapshot: l.Snapshot(Query{Notes: MaxNotes})}
	f.ledger = l.ledger.Clone() // after the notes, as in Snapshot
	f.snapshot.Ledger = ledger.Snapshot{Now: time.Now()}
	f.snapshot.Frozen = true
	return f
}

// Snapshot returns the frozen state. Ledger.Now is the time of [Lab.Freeze], whatever q says.
func (f *Frozen) Snapshot(q Query) Snapshot {
	s := f.snapshot
	q.Ledger.Now = f.snapshot.Ledger.Now
	s.Ledger = f.ledger.Snapshot(q.Ledger)
	s.Notes = s.Notes[max(len(s.Notes)-max(q.Notes, 0), 0):]
	return s
}

// stories answers questions about single IDs, for a Lab and a Frozen.
type stories struct{ ledger *ledger.Ledger }

// Inspect returns the story of a correlation ID, as [ledger.Ledger.Inspect] does.
func (s stories) Inspect(id string) (ledger.Story, bool) { return s.ledger.Inspect(id) }

// InspectStray returns the story of a discarded reply, as [ledger.Ledger.InspectStray] does.
func (s stories) InspectStray(seq uint64) (ledger.Story, bool) { return s.ledger.InspectStray(seq) }

// Find returns at most max IDs that begin with prefix, as [ledger.Ledger.Find] does.
func (s stories) Find(prefix string, max int) []string { return s.ledger.Find(prefix, max) }
