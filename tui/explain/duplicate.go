package explain

import (
	"fmt"
	"slices"
	"strings"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// A cause is why another reply came after the first.
type cause uint8

const (
	causeUnknown    cause = iota
	causeByHand           // it was sent by hand from this program
	causeAfterHand        // the one before was sent by hand
	causeAttempts         // the client had sent the request more than once
	causeReplayed         // the server had stored it
	causeTwice            // one server replied twice to one delivery
	causeRepeated         // one server replied twice, to one or two deliveries
	causeRedelivery       // the broker redelivered the request
	causeFirst            // it answers the first delivery, and came after the reply to the second
	causeQueued           // two first deliveries: the request was in the queue twice
	causes
)

// causeNames name the causes in a list of counts.
var causeNames = [causes]string{
	"unexplained", "sent by hand", "after one that was sent by hand", "to another attempt", "from a store of replies",
	"repeated by the same server", "repeated by a server or after a redelivery", "after a redelivery",
	"to the first delivery", "to a request that was in the queue twice",
}

// causeOf returns why r came after before.
func causeOf(before, r *Reply) cause {
	switch {
	case r.byHand:
		return causeByHand
	case r.replayed:
		return causeReplayed
	case before.byHand:
		return causeAfterHand
	case r.attempt > 0 && before.attempt > 0 && r.attempt != before.attempt:
		return causeAttempts
	case r.sameDelivery(before):
		return causeTwice
	case r.redelivered:
		return causeRedelivery
	case before.redelivered && r.hasMeta:
		return causeFirst
	case r.msg.AppID == before.msg.AppID && (r.received.IsZero() || before.received.IsZero()):
		return causeRepeated
	case before.redelivered:
		return causeFirst
	case r.hasMeta:
		return causeQueued
	}
	return causeUnknown
}

// why says in a clause why r came after before.
func (e *Evidence) why(before, r *Reply) string {
	same := r.msg.AppID == before.msg.AppID
	server, probably := r.server, "probably "
	if same {
		server += " again"
	}
	if r.hasMeta {
		probably = ""
	}
	switch causeOf(before, r) {
	case causeByHand:
		return "it was sent by hand from this program"
	case causeAfterHand:
		return "the first one had been sent by hand, this one is " + r.server + "'s own"
	case causeReplayed:
		if r.redelivered {
			return "the broker redelivered the request to " + r.server + ", which sent the reply that it had stored"
		}
		return r.server + " got the request again and sent the reply that it had stored"
	case causeAttempts:
		if same {
			return fmt.Sprintf("the client had sent the request more than once, and %s answered attempts %d and %d", r.server, before.attempt, r.attempt)
		}
		return fmt.Sprintf("the client had sent the request more than once, %s answered attempt %d and %s attempt %d",
			before.server, before.attempt, r.server, r.attempt)
	case causeTwice:
		return r.server + " replied twice by itself (a fault, or a retry of its publish)"
	case causeRepeated:
		if r.msg.AppID == "" {
			return "the server replied twice, or the request was delivered twice (the replies do not say)"
		}
		return r.server + " replied twice, or the request was delivered to it twice (the replies do not say)"
	case causeFirst:
		if same {
			return probably + r.server + " had the request twice, and its reply to the first delivery came later than that to the second"
		}
		return probably + r.server + " had the request first, and its own reply came later than that of " + before.server +
			", to which it was redelivered"
	case causeRedelivery:
		return e.lostBy(before, r) + " before its ack, the broker redelivered the request to " + server
	case causeQueued:
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
	case len(all) == 1:
		return e.duplicate(first, all[0])
	default:
		return e.duplicates(first, all)
	}
}

func (e *Evidence) duplicate(first, r *Reply) string {
	which := "The second reply"
	if r.Class == amqprpc.Unknown {
		which = "Another reply, of a call that the client had forgotten by then,"
	}
	s := which + " came " + text.Duration(max(r.Time.Sub(first.Time), 0)) + " after the first: " + e.why(first, r)
	differ, known := contradict(first, r)
	switch c := causeOf(first, r); {
	case !known:
		return s + ". It was discarded; whether the answers agree is not remembered."
	case differ:
		return s + ". It was discarded."
	case c == causeByHand || c == causeTwice:
		return s + ", with the same answer. It was discarded."
	}
	return s + ", and the answer was the same. It was discarded."
}

func (e *Evidence) duplicates(first *Reply, all []*Reply) string {
	s := fmt.Sprintf("%s more replies came, the last %s after the answer: %s. All were discarded", text.Count(len(all)),
		text.Duration(max(all[len(all)-1].Time.Sub(first.Time), 0)), countCauses(first, all))
	for _, r := range all {
		if differ, known := contradict(first, r); differ || !known {
			return s + "."
		}
	}
	return s + ", all were the same as the answer."
}

// countCauses counts the causes of the replies after first.
func countCauses(first *Reply, all []*Reply) string {
	var n [causes]int
	before := first
	for i, r := range all {
		if first.sameDelivery(r) || slices.ContainsFunc(all[:i], r.sameDelivery) {
			before = r // whatever came in between
		}
		n[causeOf(before, r)]++
		if !r.byHand {
			before = r
		}
	}
	var parts []string
	for c, n := range n {
		if n > 0 {
			parts = append(parts, text.Count(n)+" "+causeNames[c])
		}
	}
	return strings.Join(parts, ", ")
}
