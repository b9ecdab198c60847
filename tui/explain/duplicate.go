package explain

import (
	"fmt"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// why says in a clause why r came after before.
func (e *Evidence) why(before, r *Reply) string {
	same := r.msg.AppID == before.msg.AppID
	unclear := same && (r.received.IsZero() || before.received.IsZero()) // whether it was one delivery or two
	server, probably := r.server, "probably "
	if same {
		server += " again"
	}
	if r.hasMeta {
		probably = ""
	}
	switch {
	case r.byHand:
		return "it was sent by hand from this program"
	case r.replayed && r.redelivered:
		return "the broker redelivered the request to " + r.server + ", which sent the reply that it had stored"
	case r.replayed:
		return r.server + " got the request again and sent the reply that it had stored"
	case before.byHand:
		return "the first one had been sent by hand, this one is " + r.server + "'s own"
	case r.attempt > 0 && before.attempt > 0 && r.attempt != before.attempt:
		return fmt.Sprintf("the client had sent the request more than once, %s answered attempt %d and %s attempt %d",
			before.server, before.attempt, r.server, r.attempt)
	case r.sameDelivery(before):
		return r.server + " replied twice by itself (a fault, or a retry of its publish)"
	case r.redelivered:
		return e.lostBy(before, r) + " before its ack, the broker redelivered the request to " + server
	case unclear && !(before.redelivered && r.hasMeta):
		return r.server + " replied twice, or the request was delivered to it twice (the replies do not say)"
	case before.redelivered && same:
		return probably + r.server + " had the request twice, and its reply to the first delivery came later than that to the second"
	case before.redelivered:
		return probably + r.server + " had the request first, and its own reply came later than that of " + before.server +
			", to which it was redelivered"
	case r.hasMeta:
		return server + " got the request as if for the first time, so probably it was in the queue twice"
	}
	return "probably the broker redelivered the request to " + r.server + ", which does not say"
}

// otherReplies describes the replies besides the answer.
func (e *Evidence) otherReplies() string {
	switch all, first := e.Discarded(), e.answer(); {
	case len(all) == 0:
		return e.deadLettered()
	case first == nil:
		return e.late(all)
	default:
		return e.duplicates(first, all)
	}
}

// duplicates describes the replies after the answer, and explains the first of them.
func (e *Evidence) duplicates(answer *Reply, all []*Reply) string {
	r := all[0]
	which := "The second reply"
	if r.Class == amqprpc.Unknown {
		which = "Another reply, of a call that the client had forgotten by then,"
	}
	s := which + " came " + text.Duration(max(r.Time.Sub(answer.Time), 0)) + " after the first: " + e.why(answer, r)
	switch differ, known := contradict(answer, r); {
	case !known:
		s += "; whether the answers agree is not remembered."
	case differ: // the alarm says so
		s += "."
	default:
		s += ", and the answer was the same."
	}
	if len(all) == 1 {
		return s + " It was discarded."
	}
	return s + " " + moreReplies(r, all[1:])
}

// moreReplies counts the replies after r.
func moreReplies(r *Reply, all []*Reply) string {
	return text.Plural(len(all), "more reply", "more replies") + " came within " +
		text.Duration(max(all[len(all)-1].Time.Sub(r.Time), 0)) + ". All were discarded."
}
