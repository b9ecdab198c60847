package lab

import (
	"slices"
	"time"

	"rpcscope/amqprpc/ledger"
)

// A Frozen is a picture of a lab at one moment. It does not change, however long the lab
// goes on, and it can be asked in the same way.
type Frozen struct {
	books *ledger.Ledger
	look  Snapshot
}

// Freeze takes a picture of now. It copies the books, a few MB and more the more calls are
// in flight, and no call goes on meanwhile: see [ledger.Ledger.Clone].
func (l *Lab) Freeze() *Frozen {
	f := &Frozen{look: l.Snapshot(Query{Notes: MaxNotes})}
	f.books = l.books.Clone() // after the notes, as in Look
	f.look.Ledger = ledger.Snapshot{Now: time.Now()}
	f.look.Frozen = true
	return f
}

// Look returns what there was to see: Books.Now is when the picture was taken, whatever
// the query says.
func (f *Frozen) Snapshot(q Query) Snapshot {
	look := f.look
	q.Ledger.Now = f.look.Ledger.Now
	look.Ledger = f.books.Snapshot(q.Ledger)
	look.Marks = slices.Clone(look.Marks)
	look.Notes = slices.Clone(look.Notes[max(len(look.Notes)-max(q.Notes, 0), 0):])
	look.Pool = slices.Clone(look.Pool)
	for i := range look.Pool {
		look.Pool[i].Args = slices.Clone(look.Pool[i].Args)
	}
	return look
}

// Inspect is [Lab.Inspect] of then.
func (f *Frozen) Inspect(id string) (ledger.Story, bool) { return f.books.Inspect(id) }

// InspectStray is [Lab.InspectStray] of then.
func (f *Frozen) InspectStray(seq uint64) (ledger.Story, bool) { return f.books.InspectStray(seq) }

// Find is [Lab.Find] of then.
func (f *Frozen) Find(prefix string, most int) []string { return f.books.Find(prefix, most) }
