package ledger

import "rpcscope/amqprpc"

// A record is one call that the ledger remembers. Records are reused, with the memory of their
// stories.
type record struct {
	prev, next *record
	list       *list // in flight, completed, failed or nil

	id       string
	outcome  amqprpc.Outcome
	sent     int64 // offsets, see clock
	intended int64
	deadline int64
	first    int64 // of the first EventPublished, or noTime
	ended    int64
	attempt  int
	replies  int    // to this call, the answer included
	server   string // which answered
	wrong    bool   // set by EventWrong

	request, answer span // their bodies within story

	// holders is the number of discarded replies in the rings that belong to this call. The
	// ledger remembers the call while there are any.
	holders int

	story   []byte // events in stored form
	events  int
	dropped int // events that did not fit
}

// A span is the place of a body in stored bytes.
type span struct {
	start, end int
	full       int // length of the whole body
}

// bodySpan returns the span of the body of m, which ends at end.
func bodySpan(m *Message, end int) span {
	return span{start: end - len(m.Body), end: end, full: m.BodyLen}
}

// text returns the first n bytes of the body. It returns old if they are the same, to save memory:
// many calls have equal requests.
func (s span) text(stored []byte, n int, old string) string {
	if b := stored[s.start:min(s.end, s.start+n)]; string(b) != old {
		return string(b)
	}
	return old
}

func (r *record) inFlight() bool { return r.outcome == amqprpc.InFlight }

// started returns the time from which the service time counts: the first publish, or EventSent if
// there was none.
func (r *record) started() int64 {
	if r.first == noTime {
		return r.sent
	}
	return r.first
}

// reset makes r a new record. It keeps the memory of the story.
func (r *record) reset(id string) {
	*r = record{id: id, story: r.story[:0], first: noTime, ended: noTime}
}

// addToStory appends e to the story of r. If e does not fit, it leaves out the body and the headers; if
// it still does not fit, it drops e. There is always room for the event that ends the call.
func (l *Ledger) addToStory(r *record, e *Entry, at int64, last bool) {
	maxBytes, maxEvents := l.cfg.StoryBytes, l.cfg.StoryEvents
	if r.inFlight() && !last {
		maxEvents--
	}
	if r.events >= maxEvents {
		r.dropped++
		return
	}
	stored, m := l.stored, e.message
	if m != nil && len(r.story)+len(stored) > maxBytes {
		short, empty := *e, *m
		empty.Headers, empty.Body = nil, nil
		m, short.message = &empty, &empty
		stored = appendEntry(nil, &short, at, &l.clock)
	}
	if last {
		maxBytes += storyReserve
	}
	size := len(r.story) + len(stored)
	if size > maxBytes {
		r.dropped++
		return
	}
	if size > cap(r.story) {
		grown := make([]byte, 0, max(size, min(max(2*cap(r.story), 512), maxBytes)))
		r.story = append(grown, r.story...)
	}
	r.story = append(r.story, stored...)
	r.events++
	if m != nil {
		switch {
		case e.Kind == amqprpc.EventPublished:
			r.request = bodySpan(m, size)
		case e.Kind == amqprpc.EventReply && e.Class == amqprpc.Answer:
			r.answer = bodySpan(m, size)
		}
	}
}

// A list is a doubly linked list of records, oldest first. A record is in one list at most.
type list struct {
	first, last *record
	len         int
}

func (l *list) push(r *record) {
	r.list, r.prev, r.next = l, l.last, nil
	if l.last != nil {
		l.last.next = r
	} else {
		l.first = r
	}
	l.last = r
	l.len++
}

func (l *list) remove(r *record) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		l.last = r.prev
	}
	r.list, r.prev, r.next = nil, nil, nil
	l.len--
}

// A stray is a discarded reply.
type stray struct {
	row   Stray   // without Body
	call  *record // nil if the call is not known
	event []byte  // in stored form
	body  span
}

// A ring holds the last strays of a kind. Slots are reused.
type ring struct {
	slots []stray
	next  int // the oldest, once the ring is full
	max   int
}

// slot returns the slot for the next stray, with its old content, or nil if the ring keeps none.
func (r *ring) slot() *stray {
	if r.max == 0 {
		return nil
	}
	if len(r.slots) < r.max {
		r.slots = append(r.slots, stray{})
		return &r.slots[len(r.slots)-1]
	}
	s := &r.slots[r.next]
	r.next = (r.next + 1) % r.max
	return s
}

// newest returns the i-th newest stray, from 0.
func (r *ring) newest(i int) *stray {
	return &r.slots[(r.next+len(r.slots)-1-i)%len(r.slots)]
}
