package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
)

// A Story is all that is remembered of one correlation ID.
type Story struct {
	ID string
	// Ours says that a call of this ID began here. If not, the story is about replies
	// that no call was known for, and only ID, Replies and Events are set.
	Ours    bool
	Outcome amqprpc.Outcome

	Intended, Sent, Deadline time.Time
	Published                time.Time // first, zero where it was not
	Ended                    time.Time // zero while in flight

	Attempt  int           // the last one
	Replies  int           // the answer and all later ones
	Server   string        // who answered
	Wrong    bool          // the answer is not what the caller expected
	Response time.Duration // from Intended to the answer, 0 without one
	Service  time.Duration // from Published to the answer, 0 without one

	// Events are the events in the order they came in, messages included.
	Events []Entry
	// Dropped is how many more there were than [Config].StoryEvents and StoryBytes
	// have room for.
	Dropped int
}

// Inspect returns the story of the call of that ID or, where there is none, of the
// discarded replies that bore it.
func (l *Ledger) Inspect(id string) (Story, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.byID[id]; r != nil {
		return l.story(r), true
	}
	var found []*stray
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			if in.slots[i].id == id {
				found = append(found, &in.slots[i])
			}
		}
	}
	if len(found) == 0 {
		return Story{}, false
	}
	slices.SortFunc(found, func(a, b *stray) int { return cmp.Compare(a.seq, b.seq) })
	s := Story{ID: id, Replies: len(found)}
	for _, v := range found {
		e, _ := takeEntry(v.event, id, &l.clock)
		s.Events = append(s.Events, e)
	}
	return s, true
}

// InspectStray returns the story that the discarded reply of that Seq belongs to: its
// call's where that is known, else its own.
func (l *Ledger) InspectStray(seq uint64) (Story, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			v := &in.slots[i]
			if v.seq != seq {
				continue
			}
			if v.call != nil {
				return l.story(v.call), true
			}
			e, _ := takeEntry(v.event, v.id, &l.clock)
			return Story{ID: v.id, Replies: 1, Events: []Entry{e}}, true
		}
	}
	return Story{}, false
}

func (l *Ledger) story(r *record) Story {
	c := &l.clock
	s := Story{
		ID: r.id, Ours: true, Outcome: r.outcome,
		Intended: c.time(r.intended), Sent: c.time(r.sent), Deadline: c.time(r.deadline),
		Published: c.time(r.first), Ended: c.time(r.ended),
		Attempt: r.attempt, Replies: r.replies, Server: r.server, Wrong: r.wrong, Dropped: r.dropped,
		Events: make([]Entry, 0, r.events),
	}
	if r.outcome == amqprpc.Completed || r.outcome == amqprpc.Remote {
		from := r.first
		if from == noTime {
			from = r.sent
		}
		s.Response = time.Duration(max(r.ended-r.intended, 0))
		s.Service = time.Duration(max(r.ended-from, 0))
	}
	for b := r.story; len(b) > 0; {
		var e Entry
		e, b = takeEntry(b, r.id, c)
		s.Events = append(s.Events, e)
	}
	return s
}

// Find returns the IDs that begin with prefix and can be inspected, in order, at most
// so many. It goes through all that is remembered.
func (l *Ledger) Find(prefix string, most int) []string {
	if most <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	add := func(id string) {
		if !strings.HasPrefix(id, prefix) {
			return
		}
		i, ok := slices.BinarySearch(found, id)
		if ok || i == most {
			return
		}
		if len(found) == most {
			found = found[:most-1]
		}
		found = slices.Insert(found, i, id)
	}
	for id := range l.byID {
		add(id)
	}
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			add(in.slots[i].id)
		}
	}
	return found
}
