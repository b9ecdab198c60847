package ledger

import (
	"time"

	"rpcscope/amqprpc"
)

// The kinds of events that no client reports, but load generators, by the methods of a [Tee].
const (
	// EventWrong: the answer of a completed call is not the one that its caller expects. The
	// outcome of the call stays the same. Sets ID, and Text to the reason.
	EventWrong amqprpc.EventKind = 255 - iota
	// EventReset: earlier events do not count, because a warm-up is over.
	EventReset
)

// kindName returns the name of a kind in recordings, or "" if they do not have it.
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

// kinds has the kinds in recordings by name.
var kinds = func() map[string]amqprpc.EventKind {
	m := make(map[string]amqprpc.EventKind)
	for i := range 256 {
		k := amqprpc.EventKind(i)
		if name := kindName(k); name != "" {
			m[name] = k
		}
	}
	return m
}()

// Wrong passes on an [EventWrong]. Call it soon after the event of the answer.
func (t *Tee) Wrong(at time.Time, id, text string) {
	t.Observe(amqprpc.Event{Kind: EventWrong, Time: at, ID: id, Text: text})
}

// Reset passes on an [EventReset]. Calls in flight stay.
func (t *Tee) Reset(at time.Time) { t.Observe(amqprpc.Event{Kind: EventReset, Time: at}) }
