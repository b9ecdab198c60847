package explain

import (
	"fmt"
	"slices"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// inFlight says how far a call in flight is.
func (e *Evidence) inFlight() string {
	s := "In flight for " + text.Duration(max(e.Now.Sub(e.Sent), 0)) + ": " + e.waitingFor() + "."
	switch left := e.Deadline.Sub(e.Now); {
	case e.Deadline.IsZero():
		return s
	case left < 0:
		return s + " Its deadline passed " + text.Duration(-left) + " ago."
	default:
		return s + " Its deadline is in " + text.Duration(left) + "."
	}
}

func (e *Evidence) waitingFor() string {
	a, conn := e.lastAttempt(), e.Connection
	switch {
	case e.retrying():
		ev := &e.Events[e.lastRetry()]
		s := fmt.Sprintf("attempt %d came to nothing (%s), the next ", ev.Attempt, Outcome(ev.Outcome))
		if wait := ev.Time.Add(ev.Delay).Sub(e.Now); wait > 0 {
			return s + "is due in " + text.Duration(wait)
		}
		return s + "waits to be published"
	case a.published.IsZero() && e.Dropped > 0:
		return "how far it is, is no longer known"
	case a.published.IsZero() && !conn.Since.IsZero() && !conn.Connected:
		return "not yet published, it waits for a connection"
	case a.published.IsZero() && conn.Blocked:
		return "not yet published, the broker takes no requests (" + text.Escape(conn.BlockedReason, 60) + ")"
	case a.published.IsZero():
		return "not yet published"
	case !a.returned.IsZero():
		return "the broker has returned the request"
	case !a.nacked.IsZero():
		return "the broker has refused the request"
	}
	attempt := ""
	if a.number > 1 {
		attempt = fmt.Sprintf(" (attempt %d)", a.number)
	}
	if a.confirmed.IsZero() {
		return "published" + attempt + " " + text.Duration(max(e.Now.Sub(a.published), 0)) + " ago and not yet confirmed by the broker"
	}
	return "published" + attempt + " and confirmed after " + text.Duration(max(a.confirmed.Sub(a.published), 0)) +
		", it is in the queue or a server works on it"
}

// lastRetry returns the index of the last retry, or -1.
func (e *Evidence) lastRetry() int {
	for i := len(e.Events) - 1; i >= 0; i-- {
		if e.Events[i].Kind == amqprpc.EventRetry {
			return i
		}
	}
	return -1
}

// retrying reports whether the last attempt failed and the next has not been published.
func (e *Evidence) retrying() bool {
	retry := e.lastRetry()
	return retry >= 0 && e.Events[retry].Attempt >= e.lastAttempt().number
}

// lateReply reports whether a server has replied, however late: then the fate of the request is known.
func (e *Evidence) lateReply() bool {
	return slices.ContainsFunc(e.Discarded(), func(r *Reply) bool { return !r.byHand })
}

// reached says how far a request came that nobody answered.
func (e *Evidence) reached() string {
	a := e.lastAttempt()
	detail := inBrackets(e.failureDetail())
	switch {
	case e.Published.IsZero():
		return "it was never published" + detail + ", so no server has it."
	case e.lateReply():
		return ""
	case e.retrying():
		return e.notRetried() + detail + "."
	case !a.returned.IsZero():
		return fmt.Sprintf("the broker had returned it (%d %s).", a.returnCode, text.Escape(a.returnReason, 60))
	case !a.nacked.IsZero():
		return "the broker had refused it (basic.nack)."
	case a.confirmed.IsZero() && e.Dropped > 0:
		return "no reply came" + detail + "."
	case a.confirmed.IsZero():
		return "it was published and the broker never confirmed it" + detail + ": whether a queue or a server has it, nobody can tell."
	case !a.confirmed.Before(e.Ended):
		return "it was published, the broker confirmed it only afterwards, and no reply came."
	}
	return "the broker confirmed the request after " + text.Duration(max(a.confirmed.Sub(a.published), 0)) +
		", and no reply came" + detail + ". " + e.unanswered(a)
}

// notRetried describes a call that ended before its next attempt was published.
func (e *Evidence) notRetried() string {
	ev := &e.Events[e.lastRetry()]
	s := fmt.Sprintf("attempt %d came to nothing (%s)", ev.Attempt, Outcome(ev.Outcome))
	if ev.Outcome == amqprpc.ConnectionLost {
		s += ", and its callback queue went with the connection, so no reply to it could come"
	}
	return s + "; the next attempt was never published"
}

// unanswered lists the possible fates of a confirmed request without a reply. No event tells them apart.
func (e *Evidence) unanswered(a *attempt) string {
	s := "It may still wait in the queue"
	now := e.Now
	if e.Ended.After(now) {
		now = e.Ended
	}
	if m := e.messages[a.event]; m != nil && m.Expiration != "" && !e.Deadline.IsZero() && !now.Before(e.Deadline) {
		s = "It may have waited in the queue until it expired there and the broker dropped it"
	}
	conn := e.Connection
	if !conn.Since.IsZero() && (!conn.Connected || conn.Since.After(a.published)) { // its callback queue is gone
		return s + "; or a server dropped it."
	}
	return s + "; or a server dropped it, or one took it and has not replied."
}
