package tui

import (
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// The most cells of a name and of a body within a sentence.
const (
	nameCells = 30
	bodyCells = 32
)

// surroundings are what a verdict may use besides the story.
type surroundings struct {
	now  time.Time
	pool []pool.Status     // which servers died, and when
	conn ledger.Connection // why a call waits to be published
}

// evidence is a story with its messages read.
type evidence struct {
	ledger.Story
	around   surroundings
	messages []*ledger.Message // of Events; nil where an event has none
	attempts []attemptSeen     // in the order of their publishes
	replies  []replySeen       // in the order they came
}

// An attemptSeen is one publish of the request. Times are zero for what has not happened.
type attemptSeen struct {
	number              int
	event               int // of its publish
	published           time.Time
	confirmed, returned time.Time
	nacked              time.Time
	code                int // why it was returned
	reason              string
}

// A replySeen is one reply, and what it says of itself.
type replySeen struct {
	*ledger.Entry
	event       int
	msg         *ledger.Message
	server      string // in words, escaped
	hand        bool   // sent by hand from this program
	deadLetter  bool   // no reply, but the request itself that came back
	replayed    bool   // stored when the request was answered before
	redelivered bool   // its request had been delivered before
	tells       bool   // redelivered is what the reply says, not a guess
	attempt     int    // that it answers, 0 where it does not say

	// The server's clock; zero where the reply does not say.
	received, replied time.Time
	// published is when the attempt that it answers was, as far as that is known.
	published time.Time
	// inStep says that the server's times fit between the publish and the reply.
	inStep bool
}

func gather(s ledger.Story, around surroundings) *evidence {
	e := &evidence{Story: s, around: around, messages: make([]*ledger.Message, len(s.Events))}
	for i := range e.Events {
		entry := &e.Events[i]
		e.messages[i] = entry.Message()
		a := e.attempt(entry.Attempt)
		switch entry.Kind {
		case amqprpc.EventPublished:
			e.attempts = append(e.attempts, attemptSeen{number: entry.Attempt, event: i, published: entry.Time})
		case amqprpc.EventConfirmed:
			a.confirmed = entry.Time
		case amqprpc.EventReturned:
			a.returned, a.code, a.reason = entry.Time, entry.Code, entry.Text
		case amqprpc.EventNacked:
			a.nacked = entry.Time
		case amqprpc.EventReply:
			e.replies = append(e.replies, e.read(i))
		}
	}
	return e
}

// attempt returns the last publish of that number; one that is in no list where none is
// remembered.
func (e *evidence) attempt(number int) *attemptSeen {
	for i := len(e.attempts) - 1; i >= 0; i-- {
		if e.attempts[i].number == number {
			return &e.attempts[i]
		}
	}
	return new(attemptSeen)
}

// last returns the last publish.
func (e *evidence) last() *attemptSeen {
	if n := len(e.attempts); n > 0 {
		return &e.attempts[n-1]
	}
	return new(attemptSeen)
}

// read reads the reply of an event.
func (e *evidence) read(event int) replySeen {
	r := replySeen{Entry: &e.Events[event], event: event, msg: e.messages[event]}
	if r.msg == nil { // a forged recording
		r.msg = new(ledger.Message)
	}
	r.server = serverWords(r.msg.AppID)
	r.hand = r.msg.AppID == lab.InjectorName
	_, dead := r.msg.Header("x-first-death-reason")
	r.deadLetter = dead && r.msg.ReplyTo != ""
	meta, tells := r.msg.Meta()
	r.redelivered, r.tells, r.replayed, r.attempt = meta.Redelivered, tells, meta.Replayed, meta.Attempt
	if r.published = e.attempt(r.attempt).published; r.published.IsZero() {
		r.published = e.last().published
	}
	if r.deadLetter { // the headers are the request's
		return r
	}
	r.received, r.replied = meta.Received, meta.Replied
	const rounding = 2 * time.Microsecond // the headers have whole microseconds
	r.inStep = !r.published.IsZero() && !r.received.IsZero() && !r.replied.Before(r.received) &&
		!r.received.Before(r.published.Add(-rounding)) && !r.replied.After(r.Time.Add(rounding))
	return r
}

// working is how long the server says it took.
func (r *replySeen) working() (time.Duration, bool) {
	if r.received.IsZero() || r.replied.Before(r.received) {
		return 0, false
	}
	return r.replied.Sub(r.received), true
}

// sameDelivery reports whether two replies are of one server to one delivery.
func (r *replySeen) sameDelivery(to *replySeen) bool {
	return r.msg.AppID == to.msg.AppID && !r.received.IsZero() && r.received.Equal(to.received)
}

// answer returns the reply that ended the call; nil where there is none.
func (e *evidence) answer() *replySeen {
	for i := range e.replies {
		if e.replies[i].Class == amqprpc.Answer {
			return &e.replies[i]
		}
	}
	return nil
}

// discarded returns the replies that were, dead letters apart.
func (e *evidence) discarded() (all []*replySeen) {
	for i := range e.replies {
		if r := &e.replies[i]; r.Class != amqprpc.Answer && !r.deadLetter {
			all = append(all, r)
		}
	}
	return all
}

// failed returns the event that ended the call without an answer.
func (e *evidence) failed() *ledger.Entry {
	for i := range e.Events {
		if e.Events[i].Kind == amqprpc.EventFailed {
			return &e.Events[i]
		}
	}
	return new(ledger.Entry)
}

// detail is what a failure's text says beyond its outcome.
func (e *evidence) detail() string {
	_, detail, _ := strings.Cut(e.failed().Text, ": ")
	return text.Escape(detail, 120)
}

func serverWords(name string) string {
	if name == "" {
		return "a server without a name"
	}
	return text.Escape(pool.ShortNames(name), nameCells)
}

// A fate is what the pool knows of a server in the time in which a request was taken
// from it.
type fate uint8

const (
	fateUnknown fate = iota
	fateAlive        // it has been running all the time
	fateKilled
	fateCrashed
	fateStopped
	fateRestarted // it ended somehow, and was started again
)

// poolLag is how much later the pool may notice a death than the broker does: it reads the
// last of the output first. By then another server may have answered, but never the one
// that died.
const poolLag = 250 * time.Millisecond

// fateOf says what became of a server between two moments.
func (e *evidence) fateOf(appID string, from, to time.Time) fate {
	within := func(t time.Time) bool { return !t.Before(from) && !t.After(to) }
	for _, s := range e.around.pool {
		switch {
		case !s.Answers(appID):
		case s.Restarts > 0 && s.Started.After(from):
			if s.Started.After(to) {
				return fateUnknown // of the process before, nothing is known
			}
			return fateRestarted
		case s.State.Alive():
			return fateAlive
		case !within(s.Ended):
			if s.Ended.After(to) {
				return fateAlive // at that time
			}
		case s.State == pool.Killed:
			return fateKilled
		case s.State == pool.Crashed:
			return fateCrashed
		default:
			return fateStopped
		}
	}
	return fateUnknown
}
