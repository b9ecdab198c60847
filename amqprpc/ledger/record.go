package ledger

import "rpcscope/amqprpc"

// A record is one call as it is remembered. Records are reused, their story's memory
// included.
type record struct {
	prev, next *record
	list       *list // the list it is in: in flight, completed, failed or none

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
	wrong    bool   // says EventWrong

	request, answer span // their bodies within story

	// holders counts the discarded replies in the rings that belong to this call.
	// It is remembered while there are any.
	holders int

	story   []byte // events in stored form
	events  int
	dropped int // events that did not fit
}

// A span is where a body lies within a story.
type span struct {
	start, end int
	full       int // the body's full length
}

func (s span) text(story []byte, most int) string {
	return string(story[s.start:min(s.end, s.start+most)])
}

func (r *record) inFlight() bool { return r.outcome == amqprpc.InFlight }

// reset makes r a new record. It keeps the story's memory.
func (r *record) reset(id string) {
	*r = record{id: id, story: r.story[:0], first: noTime, ended: noTime}
}

// add appends e, which happened at the offset at, to the story as far as the bounds
// allow. There is always room for the event that ends the call.
func (r *record) add(e *Entry, at int64, c *clock, cfg *Config, last bool) {
	most, events := cfg.StoryBytes, cfg.StoryEvents
	if r.inFlight() && !last {
		events--
	}
	if r.events >= events {
		r.dropped++
		return
	}
	msg := e.msg
	size := eventFixed + len(e.Text) + len(e.AnsweredBy) + len(msg)
	if len(r.story)+size > most {
		if msg != nil {
			e.msg = trimMessage(nil, msg, 0, 0)
			size += len(e.msg) - len(msg)
		}
		if last {
			most += storyReserve
		}
		if len(r.story)+size > most {
			e.msg = msg
			r.dropped++
			return
		}
	}
	if need := len(r.story) + size; need > cap(r.story) {
		grown := make([]byte, len(r.story), max(need, min(max(2*cap(r.story), 512), most)))
		copy(grown, r.story)
		r.story = grown
	}
	r.story = appendEntry(r.story, e, at, c)
	r.events++
	if e.msg != nil {
		switch {
		case e.Kind == amqprpc.EventPublished:
			r.request = bodySpan(len(r.story), e.msg)
		case e.Kind == amqprpc.EventReply && e.Class == amqprpc.Answer:
			r.answer = bodySpan(len(r.story), e.msg)
		}
	}
	e.msg = msg
}

// bodySpan is the span of the body of msg where the story ends with msg.
func bodySpan(end int, msg []byte) span {
	m := parseRaw(msg)
	return span{start: end - len(m.body), end: end, full: m.bodyLen}
}

// A list is a doubly linked list of records, oldest first. A record is in one at most.
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

// A stray is one discarded reply.
type stray struct {
	seq         uint64
	id          string
	at          int64
	class       amqprpc.Class
	outcome     amqprpc.Outcome
	since       int64
	nth         int // 2 for the second reply to its call, 0 where the call is not known
	server      string
	answeredBy  string
	err         string // the error code of an error reply
	redelivered bool
	call        *record // nil where the call is not known
	event       []byte  // in stored form
	body        span
}

// A ring holds the last strays of a kind. Slots are reused.
type ring struct {
	slots []stray
	next  int // the oldest, once the ring is full
	most  int
}

// slot returns the slot for the next stray, with what it held before.
func (r *ring) slot() *stray {
	if r.most == 0 {
		return nil
	}
	if len(r.slots) < r.most {
		r.slots = append(r.slots, stray{})
		return &r.slots[len(r.slots)-1]
	}
	s := &r.slots[r.next]
	r.next = (r.next + 1) % r.most
	return s
}

// newest returns the i-th newest stray, from 0.
func (r *ring) newest(i int) *stray {
	return &r.slots[(r.next+len(r.slots)-1-i)%len(r.slots)]
}
