package ledger

import (
	"time"

	"rpcscope/amqprpc"
)

// The kinds of events that no client sends. Load generators do, by way of the methods Wrong and
// Reset of a [Ledger] or a [Tee].
const (
	// EventWrong: the answer of a completed call is not the one that its caller expects. This does
	// not change the call's outcome. Sets ID, and Text, why it is wrong.
	EventWrong amqprpc.EventKind = 255 - iota
	// EventReset: events before this one do not count: a warm-up is over.
	EventReset
)

// kindName returns the name of a kind in recordings, "" if they do not have it.
func kindName(k amqprpc.EventKind) string {
	switch {
	case k == EventWrong:
		return "wrong"
	case k == EventReset:
		return "reset"
	case k == amqprpc.NoEvent || k > amqprpc.EventUnblocked:
		return ""
	}
	return k.String()
}

// kindNames returns the kinds that recordings have, by name.
func kindNames() map[string]amqprpc.EventKind {
	m := make(map[string]amqprpc.EventKind)
	for i := range 256 {
		k := amqprpc.EventKind(i)
		if name := kindName(k); name != "" {
			m[name] = k
		}
	}
	return m
}

func wrongAnswer(at time.Time, id, text string) amqprpc.Event {
	return amqprpc.Event{Kind: EventWrong, Time: at, ID: id, Text: text}
}

func reset(at time.Time) amqprpc.Event { return amqprpc.Event{Kind: EventReset, Time: at} }

// Wrong enters that the answer of a call is wrong, soon after the event of that answer.
func (l *Ledger) Wrong(at time.Time, id, text string) { l.Observe(wrongAnswer(at, id, text)) }

// Reset enters that all before does not count. Calls in flight stay.
func (l *Ledger) Reset(at time.Time) { l.Observe(reset(at)) }

// Wrong passes an [EventWrong] on.
func (t *Tee) Wrong(at time.Time, id, text string) { t.Observe(wrongAnswer(at, id, text)) }

// Reset passes an [EventReset] on.
func (t *Tee) Reset(at time.Time) { t.Observe(reset(at)) }
