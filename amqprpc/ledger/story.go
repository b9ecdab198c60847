package ledger

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
)

// A Story is everything that a ledger remembers of one correlation ID.
type Story struct {
	Call // its row, without the bodies
	// Ours reports whether the client began a call with this ID. If not, the story is about
	// replies to an unknown call, and only ID, Replies and Events are set.
	Ours bool

	Intended  time.Time
	Published time.Time // first, zero if it was not

	Response time.Duration // from Intended to the answer, 0 without one
	Service  time.Duration // from Published to the answer, 0 without one

	// Events are the events in the order of their arrival, messages included.
	Events []Entry
	// Dropped is the number of events that did not fit in [Config].StoryEvents and StoryBytes.
	Dropped int
}

// Inspect returns the story of the call with the given ID or, if there is none, of the discarded
// replies with that ID.
func (l *Ledger) Inspect(id string) (Story, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.byID[id]; r != nil {
		return l.story(r), true
	}
	var found []*stray
	for s := range l.strays {
		if s.row.ID == id {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *stray) int { return cmp.Compare(a.row.Seq, b.row.Seq) })
	return l.storyOfStrays(found...), len(found) > 0
}

// InspectStray returns the story of the call that a discarded reply belongs to, or of the reply itself
// if the call is not known.
func (l *Ledger) InspectStray(seq uint64) (Story, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.strays {
		if s.row.Seq != seq {
			continue
		}
		if s.call != nil {
			return l.story(s.call), true
		}
		return l.storyOfStrays(s), true
	}
	return Story{}, false
}

// strays calls yield for each discarded reply.
func (l *Ledger) strays(yield func(*stray) bool) {
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			if !yield(&in.slots[i]) {
				return
			}
		}
	}
}

func (l *Ledger) storyOfStrays(strays ...*stray) (s Story) {
	for _, v := range strays {
		s.ID = v.row.ID
		s.Replies++
		stored := decoder(v.event)
		s.Events = append(s.Events, stored.entry(v.row.ID, &l.clock))
	}
	return s
}

func (l *Ledger) story(r *record) Story {
	c := &l.clock
	s := Story{
		Ours: true, Intended: c.time(r.intended), Published: c.time(r.first), Dropped: r.dropped,
		Events: make([]Entry, 0, r.events),
	}
	l.call(&s.Call, r, c.last, 0)
	if r.outcome == amqprpc.Completed || r.outcome == amqprpc.Remote {
		s.Response = time.Duration(max(r.ended-r.intended, 0))
		s.Service = time.Duration(max(r.ended-r.started(), 0))
	}
	for stored := decoder(r.story); len(stored) > 0; {
		s.Events = append(s.Events, stored.entry(r.id, c))
	}
	return s
}

// Find returns the first n IDs with the given prefix that can be inspected, in order. It searches all
// that the ledger remembers.
func (l *Ledger) Find(prefix string, n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return FirstIDs(prefix, n, func(yield func(string) bool) {
		for id := range l.byID {
			yield(id)
		}
		for s := range l.strays {
			yield(s.row.ID)
		}
	})
}

// FirstIDs returns the first n different IDs with the given prefix, in order.
func FirstIDs(prefix string, n int, ids iter.Seq[string]) (found []string) {
	for id := range ids {
		if strings.HasPrefix(id, prefix) {
			if i, ok := slices.BinarySearch(found, id); !ok && i < n {
				found = slices.Insert(found[:min(len(found), n-1)], i, id)
			}
		}
	}
	return found
}
