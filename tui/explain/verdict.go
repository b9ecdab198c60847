package explain

import (
	"fmt"
	"slices"
	"strings"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// A Verdict explains a story in sentences. All of its text is escaped.
type Verdict struct {
	Text  string   // one or more sentences
	Alarm string   // says that replies contradict each other, or ""
	Times []string // the phases of the call: "400 µs to publish"
}

// Verdict explains the story. It says "probably" if it does not know.
func (e *Evidence) Verdict() Verdict {
	sentences := []string{e.stray()}
	if e.Ours {
		sentences = []string{e.ending(), e.wrongAnswer(), e.otherReplies()}
	}
	sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	return Verdict{Text: strings.Join(sentences, " "), Alarm: e.contradiction(), Times: e.phases()}
}

// ending says how the call ended.
func (e *Evidence) ending() string {
	after := text.Duration(max(e.Ended.Sub(e.Sent), 0))
	switch e.Outcome {
	case amqprpc.InFlight:
		return e.inFlight()
	case amqprpc.Completed, amqprpc.Remote:
		return e.answered(after)
	case amqprpc.Timeout:
		if e.lateReply() && !e.Published.IsZero() {
			return "Timed out after " + after + "."
		}
		return "Timed out after " + after + ": " + e.reached()
	case amqprpc.Canceled:
		return strings.TrimSpace("Canceled after " + after + ": the caller gave up. " + capital(e.reached()))
	case amqprpc.Unroutable:
		return e.unroutable(after)
	case amqprpc.Rejected:
		if detail := e.failureDetail(); e.lastAttempt().nacked.IsZero() && detail != "" {
			return "Rejected after " + after + ": the request came back from a dead-letter queue (" + detail + ")."
		}
		return "Rejected after " + after + ": the broker refused responsibility for the request (basic.nack), " +
			"as a queue does that is full or has no leader. That nobody has executed it is likely, not certain."
	case amqprpc.Expired:
		return "Expired after " + after + ": the request grew too old in its queue, no server took it in time, " +
			"and it came back from a dead-letter queue."
	case amqprpc.ConnectionLost:
		s := "The connection was lost after " + after + inBrackets(e.failureDetail())
		if e.Published.IsZero() {
			return s + ", before the request was published: no server has it."
		}
		return s + ", and the callback queue with it. The request may have been executed: nobody can tell."
	case amqprpc.Closed:
		s := "The client was closed after " + after + ", before a reply came."
		if e.Published.IsZero() {
			return s + " The request had not been published."
		}
		return s + " The request may be executed all the same."
	}
	return "Ended after " + after + " as " + text.Escape(e.Outcome.String(), nameWidth) + "."
}

// answered says who answered, and with which body or error.
func (e *Evidence) answered(after string) string {
	r := e.answer()
	if r == nil {
		return "Answered after " + after + "; the answer itself is not remembered."
	}
	who := r.server
	if r.byHand {
		who = "a reply sent by hand"
	}
	attempt := ""
	switch {
	case e.Attempt > 1 && r.attempt > 0:
		attempt = fmt.Sprintf(", to attempt %d of %d", r.attempt, e.Attempt)
	case e.Attempt > 1:
		attempt = fmt.Sprintf(", after %d attempts", e.Attempt)
	}
	s := "Completed in " + after + ": " + who + " answered " + r.body() + attempt + "."
	if e.Outcome == amqprpc.Remote {
		s = "Failed after " + after + ": " + who + " answered with an error" + attempt + ": " + r.errorText() + "."
	}
	if r.redelivered {
		s += " The request had been delivered before: " + e.firstServer(r) + "."
	}
	return s
}

// wrongAnswer says why the answer is wrong.
func (e *Evidence) wrongAnswer() string {
	if !e.Wrong {
		return ""
	}
	for i := range e.Events {
		if ev := &e.Events[i]; ev.Kind == ledger.EventWrong && ev.Text != "" {
			return "The answer is wrong: " + strings.TrimSuffix(text.Escape(ev.Text, 200), ".") + "."
		}
	}
	return "The answer is wrong."
}

func (e *Evidence) unroutable(after string) string {
	a := e.lastAttempt()
	why := fmt.Sprintf("%d %s", a.returnCode, text.Escape(a.returnReason, 60))
	if a.returnCode == 312 || a.returnCode == 0 {
		why = "312 NO_ROUTE, " + e.noRoute(a)
	}
	s := "Returned by the broker after " + after + ": " + why + "."
	if slices.ContainsFunc(e.attempts, func(a attempt) bool { return a.returned.IsZero() }) {
		return s + " An earlier attempt may have been executed."
	}
	return s + " No server has executed it."
}

func (e *Evidence) noRoute(a *attempt) string {
	if a.published.IsZero() || e.messages[a.event] == nil {
		return "no queue took it"
	}
	m := e.messages[a.event]
	key := text.Escape(m.RoutingKey, nameWidth)
	if m.Exchange != "" {
		return "exchange '" + text.Escape(m.Exchange, nameWidth) + "' has no queue for '" + key + "'"
	}
	return "there is no queue '" + key + "'"
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
