package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// A cause is why a reply came that nobody waited for.
type cause uint8

const (
	causeUnknown    cause = iota
	causeHand             // somebody sent it by hand from this program
	causeAfterHand        // the one before was sent by hand
	causeAttempts         // the client had sent the request more than once
	causeReplayed         // a stored reply
	causeTwice            // one server replied twice to one delivery
	causeRepeated         // one server replied twice, to how many deliveries it does not say
	causeRedelivery       // the broker delivered the request again
	causeFirst            // the reply to the first delivery, overtaken by that to a later one
	causeQueued           // two first deliveries: the request was in the queue twice
	causes
)

// causeWords are the causes as a list counts them.
var causeWords = [causes]string{
	"unexplained", "sent by hand", "after one that was sent by hand", "to another attempt", "from a store of replies",
	"repeated by the same server", "repeated by a server or after a redelivery", "after a redelivery",
	"to the first delivery", "to a request that was in the queue twice",
}

// causeOf says why r came after before.
func causeOf(before, r *replySeen) cause {
	switch {
	case r.hand:
		return causeHand
	case r.replayed:
		return causeReplayed
	case before.hand:
		return causeAfterHand
	case r.attempt > 0 && before.attempt > 0 && r.attempt != before.attempt:
		return causeAttempts
	case r.sameDelivery(before):
		return causeTwice
	case r.redelivered:
		return causeRedelivery
	case before.redelivered && r.tells:
		return causeFirst
	case r.msg.AppID == before.msg.AppID && (r.received.IsZero() || before.received.IsZero()):
		return causeRepeated
	case before.redelivered:
		return causeFirst
	case r.tells:
		return causeQueued
	}
	return causeUnknown
}

// why says in a clause why r came after before.
func (e *evidence) why(before, r *replySeen) string {
	same := r.msg.AppID == before.msg.AppID
	switch causeOf(before, r) {
	case causeHand:
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
			return perhaps(!r.tells) + r.server + " had the request twice, and its reply to the first delivery came later than that to the second"
		}
		return perhaps(!r.tells) + r.server + " had the request first, and its own reply came later than that of " + before.server +
			", to which it was redelivered"
	case causeRedelivery:
		return e.lostBy(before, r) + " before its ack, the broker redelivered the request to " + again(r.server, same)
	case causeQueued:
		return again(r.server, same) + " got the request as if for the first time, so probably it was in the queue twice"
	}
	return "probably the broker redelivered the request to " + r.server + ", which does not say"
}

func perhaps(guessed bool) string {
	if guessed {
		return "probably "
	}
	return ""
}

func again(server string, same bool) string {
	if same {
		return server + " again"
	}
	return server
}

// lostBy says how a server lost a request that it had answered.
func (e *evidence) lostBy(before, r *replySeen) string {
	from := before.Time.Add(-poolLag) // it can have died before its reply was here
	if before.inStep {
		from = before.replied
	}
	to := r.Time
	if r.inStep {
		to = r.received
	}
	if r.msg.AppID != before.msg.AppID { // else it was alive again by then
		to = to.Add(poolLag)
	}
	switch e.fateOf(before.msg.AppID, from, to) {
	case fateKilled:
		return before.server + " died (killed)"
	case fateCrashed:
		return before.server + " died (crashed)"
	case fateStopped:
		return before.server + " was stopped"
	case fateRestarted:
		return before.server + " ended (it was started again since)"
	case fateAlive:
		return before.server + ", which was still running, lost its connection or gave the request back"
	}
	return before.server + " probably died, or lost its connection,"
}

// extra tells of the replies that were discarded.
func (e *evidence) extra() string {
	all := e.discarded()
	if len(all) == 0 {
		return e.returned()
	}
	if first := e.answer(); first != nil {
		return e.duplicates(first, all)
	}
	return e.late(all)
}

// returned tells of a request that came back as a dead letter.
func (e *evidence) returned() string {
	if e.Outcome == amqprpc.Expired || e.Outcome == amqprpc.Rejected {
		return "" // told already
	}
	for i := range e.replies {
		if e.replies[i].deadLetter {
			return "The request itself came back from a dead-letter queue."
		}
	}
	return ""
}

func (e *evidence) duplicates(first *replySeen, all []*replySeen) string {
	last := all[len(all)-1]
	since := text.Duration(max(last.Time.Sub(first.Time), 0))
	if len(all) == 1 {
		which := "The second reply"
		if last.Class == amqprpc.Unknown {
			which = "Another reply, of a call that the client had forgotten by then,"
		}
		s := which + " came " + since + " after the first: " + e.why(first, last)
		switch differ, known := contradict(first, last); {
		case !known:
			return s + ". It was discarded; whether the answers agree is not remembered."
		case differ:
			return s + ". It was discarded."
		case causeOf(first, last) == causeHand, causeOf(first, last) == causeTwice:
			return s + ", with the same answer. It was discarded."
		}
		return s + ", and the answer was the same. It was discarded."
	}
	s := fmt.Sprintf("%s more replies came, the last %s after the answer: %s. All were discarded", text.Count(len(all)), since, e.tally(first, all))
	for _, r := range all {
		switch differ, known := contradict(first, r); {
		case !known:
			return s + "."
		case differ:
			return s + "."
		}
	}
	return s + ", all were the same as the answer."
}

// tally counts the causes of the replies after first.
func (e *evidence) tally(first *replySeen, all []*replySeen) string {
	var n [causes]int
	before := first
	for i, r := range all {
		if first.sameDelivery(r) || slices.ContainsFunc(all[:i], r.sameDelivery) {
			before = r // whatever came in between
		}
		n[causeOf(before, r)]++
		if !r.hand {
			before = r
		}
	}
	var parts []string
	for c, n := range n {
		if n > 0 {
			parts = append(parts, text.Count(n)+" "+causeWords[c])
		}
	}
	return strings.Join(parts, ", ")
}

func (e *evidence) late(all []*replySeen) string {
	r := all[0]
	by := text.Duration(e.lateBy(r))
	kind := replyKind(r)
	who := r.server + "'s " + kind
	if r.hand || r.msg.AppID == "" {
		who = "A " + kind
		if errorCode(r) != "" {
			who = "An " + kind
		}
		if r.hand {
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
	came := who + " came " + by + " too late"
	switch {
	case e.Ended.IsZero():
		came = who + " came and ended nothing"
	case e.Outcome != amqprpc.Timeout || r.hand:
		came = who + " came " + by + " after that"
	}
	if len(all) == 1 {
		return came + " and was discarded."
	}
	last := all[len(all)-1]
	s := fmt.Sprintf("%s, and %s after it, the last %s later. All were discarded", came,
		text.Plural(len(all)-1, "more", "more"), text.Duration(max(last.Time.Sub(r.Time), 0)))
	if n := e.tally(r, all[1:]); n != "" {
		s += " (the later ones: " + n + ")"
	}
	return s + "."
}

// lateBy returns how long after the call's end a reply came: after a timeout as the client counts it, from
// the deadline, which lanes show too.
func (e *evidence) lateBy(r *replySeen) time.Duration {
	if e.Outcome == amqprpc.Timeout && r.Class == amqprpc.Late && r.Since > 0 {
		return r.Since
	}
	return max(r.Time.Sub(e.Ended), 0)
}
