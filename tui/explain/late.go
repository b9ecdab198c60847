package explain

import (
	"fmt"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// late describes the replies to a call that nobody had answered.
func (e *Evidence) late(all []*Reply) string {
	r := all[0]
	kind := r.kind()
	who := r.server + "'s " + kind
	if r.byHand || r.msg.AppID == "" {
		who = "A " + kind
		if r.errorCode() != "" {
			who = "An " + kind
		}
		if r.byHand {
			who += " sent by hand from this program"
		} else {
			who += " from " + r.server
		}
	}
	switch {
	case r.Class == amqprpc.Unknown && !e.Ended.IsZero():
		who += ", of a call that the client had forgotten by then,"
	case r.redelivered:
		who += ", to a redelivered request,"
	}
	came := who + " came " + text.Duration(e.lateBy(r)) + " too late"
	switch {
	case e.Ended.IsZero():
		came = who + " came and ended nothing"
	case e.Outcome != amqprpc.Timeout || r.byHand:
		came = who + " came " + text.Duration(e.lateBy(r)) + " after that"
	}
	if len(all) == 1 {
		return came + " and was discarded."
	}
	return came + ". " + moreReplies(r, all[1:])
}

// lateBy returns how long after the end of the call a reply came. After a timeout it counts from the deadline, as lanes do.
func (e *Evidence) lateBy(r *Reply) time.Duration {
	if e.Outcome == amqprpc.Timeout && r.Class == amqprpc.Late && r.Since > 0 {
		return r.Since
	}
	return max(r.Time.Sub(e.Ended), 0)
}

// deadLettered mentions a request that came back as a dead letter, unless the outcome says so.
func (e *Evidence) deadLettered() string {
	if e.Outcome == amqprpc.Expired || e.Outcome == amqprpc.Rejected {
		return ""
	}
	for i := range e.replies {
		if e.replies[i].deadLetter {
			return "The request itself came back from a dead-letter queue."
		}
	}
	return ""
}

// stray describes replies without a call.
func (e *Evidence) stray() string {
	if len(e.replies) == 0 {
		return "Nothing is remembered of this ID."
	}
	all := e.Discarded()
	if len(all) == 0 {
		return strayRequest(&e.replies[0])
	}
	r, n := all[0], len(all)
	since := text.Duration(max(r.Since, 0))
	var s string
	switch {
	case r.Class == amqprpc.Duplicate:
		answered := "the call had been answered "
		if r.AnsweredBy != "" {
			answered = text.Escape(r.AnsweredBy, nameWidth) + " had answered the call "
		}
		s = "A duplicate from " + r.server + ": " + answered + since + " before. The call itself is no longer remembered. Discarded."
	case r.Class == amqprpc.Late:
		s = "A late " + r.kind() + " from " + r.server + ": the call had " + Ended(r.Outcome) + " " + since +
			" before. The call itself is no longer remembered. Discarded."
	case r.byHand:
		s = "A reply with an unknown ID, sent by hand from this program: no call is waiting for it. Discarded."
	case e.ID == "":
		s = "A reply without a correlation ID, from " + r.server + ": it cannot belong to any call. Discarded."
	default:
		s = "No call of this ID is known here: never sent, sent by another client, or forgotten since. Discarded."
		if n == 1 {
			s += " It came from " + r.server + "."
		}
	}
	if n > 1 {
		s += fmt.Sprintf(" %s replies of it came, the last %s after the first.", text.Count(n), text.Duration(max(all[n-1].Time.Sub(r.Time), 0)))
	}
	return strings.TrimSpace(s + " " + e.deadLettered())
}

// strayRequest describes a request that came back as a dead letter, without a call.
func strayRequest(r *Reply) string {
	if !r.deadLetter { // an answer without a call: a forged recording
		return "Nothing is remembered of this ID but a reply."
	}
	s := "A request itself came back from a dead-letter queue"
	if h, _ := r.msg.Header("x-first-death-reason"); h.Value != "" {
		s += " (" + text.Escape(h.Value, nameWidth) + ")"
	}
	since := text.Duration(max(r.Since, 0))
	switch r.Class {
	case amqprpc.Duplicate:
		s += ": its call had been answered " + since + " before and is no longer remembered."
	case amqprpc.Late:
		s += ": its call had " + Ended(r.Outcome) + " " + since + " before and is no longer remembered."
	default:
		s += ", no reply: its call was sent by another client, or forgotten since."
	}
	return s + " Discarded."
}
