package lab

import (
	"time"

	"rpcscope/amqprpc/ledger"
)

// A Frozen is a copy of a lab's state that does not change. It answers queries as the lab does.
type Frozen struct {
	ledger   *ledger.Ledger
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

// Inspect is [Lab.Inspect] on the frozen state.
func (f *Frozen) Inspect(id string) (ledger.Story, bool) { return f.ledger.Inspect(id) }

// InspectStray is [Lab.InspectStray] on the frozen state.
func (f *Frozen) InspectStray(seq uint64) (ledger.Story, bool) { return f.ledger.InspectStray(seq) }

// Find is [Lab.Find] on the frozen state.
func (f *Frozen) Find(prefix string, max int) []string { return f.ledger.Find(prefix, max) }
