package explain

import (
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// Widths of a name and of a body within a sentence, in cells.
const (
	nameWidth = 30
	bodyWidth = 32
)

// Circumstances are the facts besides a story that a verdict may use.
type Circumstances struct {
	Now        time.Time
	Pool       []pool.Status     // which servers died, and when
	Connection ledger.Connection // why a call waits to be published
}

// Evidence is a story whose messages have been read.
type Evidence struct {
	ledger.Story
	Circumstances
	messages []*ledger.Message // of Events; nil if an event has none
	attempts []attempt         // in the order of their publishes
	replies  []Reply           // in the order they came
}

// An attempt is one publish of the request. Times are zero if the event is missing.
type attempt struct {
	number               int
	event                int // index of its publish
	published, confirmed time.Time
	returned, nacked     time.Time
	returnCode           int
	returnReason         string
}

// A Reply is a reply, or a request that came back as a dead letter.
type Reply struct {
	*ledger.Entry
	event       int // index of the event
	msg         *ledger.Message
	server      string // in words
	byHand      bool   // sent by hand from this program
	deadLetter  bool   // the request itself
	replayed    bool   // the server stored it when it answered the request before
	redelivered bool   // its request had been delivered before
	hasMeta     bool   // false if redelivered and the attempt are guesses
	attempt     int    // 0 if not known

	published         time.Time // of the attempt it replies to, or of the last one
	received, replied time.Time // by the server's clock; zero if the reply has none
	clocksAgree       bool      // received and replied are between published and the reply
}

// Read reads the messages of a story.
func Read(s ledger.Story, c Circumstances) *Evidence {
	e := &Evidence{Story: s, Circumstances: c, messages: make([]*ledger.Message, len(s.Events))}
	for i := range e.Events {
		entry := &e.Events[i]
		e.messages[i] = entry.Message()
		a := e.attemptOf(entry.Attempt)
		switch entry.Kind {
		case amqprpc.EventPublished:
			e.attempts = append(e.attempts, attempt{number: entry.Attempt, event: i, published: entry.Time})
		case amqprpc.EventConfirmed:
			a.confirmed = entry.Time
		case amqprpc.EventReturned:
			a.returned, a.returnCode, a.returnReason = entry.Time, entry.Code, entry.Text
		case amqprpc.EventNacked:
			a.nacked = entry.Time
		case amqprpc.EventReply:
			e.replies = append(e.replies, e.readReply(i))
		}
	}
	return e
}

// attemptOf returns the last publish with that number. If there is none it returns an empty attempt.
func (e *Evidence) attemptOf(number int) *attempt {
	for i := len(e.attempts) - 1; i >= 0; i-- {
		if e.attempts[i].number == number {
			return &e.attempts[i]
		}
	}
	return new(attempt)
}

// lastAttempt returns the last publish. If there is none it returns an empty attempt.
func (e *Evidence) lastAttempt() *attempt {
	if n := len(e.attempts); n > 0 {
		return &e.attempts[n-1]
	}
	return new(attempt)
}

func (e *Evidence) readReply(event int) Reply {
	r := Reply{Entry: &e.Events[event], event: event, msg: e.messages[event]}
	if r.msg == nil { // a forged recording
		r.msg = new(ledger.Message)
	}
	r.server = serverName(r.msg.AppID)
	r.byHand = r.msg.AppID == lab.InjectorName
	_, dead := r.msg.Header("x-first-death-reason")
	r.deadLetter = dead && r.msg.ReplyTo != ""
	meta, ok := r.msg.Meta()
	r.redelivered, r.hasMeta, r.replayed, r.attempt = meta.Redelivered, ok, meta.Replayed, meta.Attempt
	if r.published = e.attemptOf(r.attempt).published; r.published.IsZero() {
		r.published = e.lastAttempt().published
	}
	if r.deadLetter { // the headers are those of the request
		return r
	}
	r.received, r.replied = meta.Received, meta.Replied
	const rounding = 2 * time.Microsecond // the headers have whole microseconds
	r.clocksAgree = !r.published.IsZero() && !r.received.IsZero() && !r.replied.Before(r.received) &&
		!r.received.Before(r.published.Add(-rounding)) && !r.replied.After(r.Time.Add(rounding))
	return r
}

// serviceTime returns how long the server says it took.
func (r *Reply) serviceTime() (time.Duration, bool) {
	if r.received.IsZero() || r.replied.Before(r.received) {
		return 0, false
	}
	return r.replied.Sub(r.received), true
}

// sameDelivery reports whether one server sent both replies to one delivery.
func (r *Reply) sameDelivery(other *Reply) bool {
	return r.msg.AppID == other.msg.AppID && !r.received.IsZero() && r.received.Equal(other.received)
}

// answer returns the reply that ended the call, or nil.
func (e *Evidence) answer() *Reply {
	for i := range e.replies {
		if e.replies[i].Class == amqprpc.Answer {
			return &e.replies[i]
		}
	}
	return nil
}

// Discarded returns the replies that were discarded, without dead letters.
func (e *Evidence) Discarded() (all []*Reply) {
	for i := range e.replies {
		if r := &e.replies[i]; r.Class != amqprpc.Answer && !r.deadLetter {
			all = append(all, r)
		}
	}
	return all
}

// failureDetail returns the text of the failure after the name of its outcome.
func (e *Evidence) failureDetail() string {
	for i := range e.Events {
		if e.Events[i].Kind == amqprpc.EventFailed {
			_, detail, _ := strings.Cut(e.Events[i].Text, ": ")
			return text.Escape(detail, 120)
		}
	}
	return ""
}

func serverName(appID string) string {
	if appID == "" {
		return "a server without a name"
	}
	return text.Escape(pool.ShortNames(appID), nameWidth)
}
