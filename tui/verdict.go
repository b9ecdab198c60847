package tui

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// A verdict explains a story in plain words, all of them escaped.
type verdict struct {
	text string
	// alarm is what must not be overlooked: replies that contradict each other.
	alarm string
	// times says where the time went.
	times []string
}

// judge explains a story. It says "probably" where it does not know.
func judge(e *evidence) verdict {
	var said []string
	if e.Ours {
		said = append(said, e.ending(), e.wrong(), e.extra())
	} else {
		said = append(said, e.stray())
	}
	said = slices.DeleteFunc(said, func(s string) bool { return s == "" })
	return verdict{text: strings.Join(said, " "), alarm: e.contradiction(), times: e.phases()}
}

// ending says how the call ended, or how far it is.
func (e *evidence) ending() string {
	after := text.Duration(max(e.Ended.Sub(e.Sent), 0))
	switch e.Outcome {
	case amqprpc.InFlight:
		return e.soFar()
	case amqprpc.Completed, amqprpc.Remote:
		return e.answered(after)
	case amqprpc.Timeout:
		if e.heard() && !e.Published.IsZero() {
			return "Timed out after " + after + "."
		}
		return "Timed out after " + after + ": " + e.trace()
	case amqprpc.Canceled:
		return strings.TrimSpace("Canceled after " + after + ": the caller gave up. " + capital(e.trace()))
	case amqprpc.Unroutable:
		return e.unroutable(after)
	case amqprpc.Rejected:
		if e.last().nacked.IsZero() && e.detail() != "" {
			return "Rejected after " + after + ": the request came back from a dead-letter queue (" + e.detail() + ")."
		}
		return "Rejected after " + after + ": the broker refused responsibility for the request (basic.nack), " +
			"as a queue does that is full or has no leader. That nobody has executed it is likely, not certain."
	case amqprpc.Expired:
		return "Expired after " + after + ": the request grew too old in its queue, no server took it in time, " +
			"and it came back from a dead-letter queue."
	case amqprpc.ConnectionLost:
		why := ""
		if d := e.detail(); d != "" {
			why = " (" + d + ")"
		}
		s := "The connection was lost after " + after + why
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
	return "Ended after " + after + " as " + text.Escape(e.Outcome.String(), nameCells) + "."
}

// wrong says what is wrong with the answer, as far as whoever checks answers has said so.
func (e *evidence) wrong() string {
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

// heard reports whether a server has replied, however late: then there is no need to guess
// what became of the request.
func (e *evidence) heard() bool {
	return slices.ContainsFunc(e.discarded(), func(r *replySeen) bool { return !r.hand })
}

// soFar says how far a call in flight is.
func (e *evidence) soFar() string {
	age := text.Duration(max(e.around.now.Sub(e.Sent), 0))
	s := "In flight for " + age + ": " + e.waitsFor() + "."
	switch left := e.Deadline.Sub(e.around.now); {
	case e.Deadline.IsZero():
		return s
	case left < 0:
		return s + " Its deadline passed " + text.Duration(-left) + " ago."
	default:
		return s + " Its deadline is in " + text.Duration(left) + "."
	}
}

func (e *evidence) waitsFor() string {
	a, conn, now := e.last(), e.around.conn, e.around.now
	switch {
	case e.retrying():
		ev := &e.Events[e.lastRetry()]
		s := fmt.Sprintf("attempt %d came to nothing (%s), the next ", ev.Attempt, outcomeWords(ev.Outcome))
		if wait := ev.Time.Add(ev.Delay).Sub(now); wait > 0 {
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
	case a.confirmed.IsZero():
		return "published" + e.nth(a) + " " + text.Duration(max(now.Sub(a.published), 0)) + " ago and not yet confirmed by the broker"
	}
	return "published" + e.nth(a) + " and confirmed after " + text.Duration(max(a.confirmed.Sub(a.published), 0)) +
		", it is in the queue or a server works on it"
}

func (e *evidence) lastRetry() int {
	for i := len(e.Events) - 1; i >= 0; i-- {
		if e.Events[i].Kind == amqprpc.EventRetry {
			return i
		}
	}
	return -1
}

// retrying reports whether the last attempt came to nothing and the next one is still to
// be published.
func (e *evidence) retrying() bool {
	retry := e.lastRetry()
	return retry >= 0 && e.Events[retry].Attempt >= e.last().number
}

// untried tells of a call that ended before its next attempt was published.
func (e *evidence) untried() string {
	ev := &e.Events[e.lastRetry()]
	s := fmt.Sprintf("attempt %d came to nothing (%s)", ev.Attempt, outcomeWords(ev.Outcome))
	if ev.Outcome == amqprpc.ConnectionLost {
		s += ", and its callback queue went with the connection, so no reply to it could come"
	}
	return s + "; the next attempt was never published"
}

func (e *evidence) nth(a *attemptSeen) string {
	if a.number > 1 {
		return fmt.Sprintf(" (attempt %d)", a.number)
	}
	return ""
}

// answered tells of the answer.
func (e *evidence) answered(after string) string {
	r := e.answer()
	if r == nil {
		return "Answered after " + after + "; the answer itself is not remembered."
	}
	who := r.server
	if r.hand {
		who = "a reply sent by hand"
	}
	to := ""
	switch {
	case e.Attempt > 1 && r.attempt > 0:
		to = fmt.Sprintf(", to attempt %d of %d", r.attempt, e.Attempt)
	case e.Attempt > 1:
		to = fmt.Sprintf(", after %d attempts", e.Attempt)
	}
	var s string
	if e.Outcome == amqprpc.Remote {
		s = "Failed after " + after + ": " + who + " answered with an error" + to + ": " + errorWords(r) + "."
	} else {
		s = "Completed in " + after + ": " + who + " answered " + replyWords(r) + to + "."
	}
	if r.redelivered {
		s += " The request had been delivered before: " + e.whoHadIt(r) + "."
	}
	return s
}

// whoHadIt says which server had a redelivered request before the first reply.
func (e *evidence) whoHadIt(r *replySeen) string {
	to := r.Time
	if r.inStep {
		to = r.received
	}
	for _, d := range e.discarded() {
		if !d.hand && !d.replayed && d.tells && !d.redelivered && d.attempt == r.attempt {
			return d.server + " had it first"
		}
	}
	var dead []string
	how := " died meanwhile"
	for _, s := range e.around.pool {
		until := to.Add(poolLag)
		answerer := s.Answers(r.msg.AppID)
		if answerer { // it may have died of its answer, but had it first only in an earlier life
			until = to
		}
		switch f := e.fateOf(cmp.Or(s.AppID, s.Name), r.published, until); {
		case f == fateRestarted:
			how = " ended meanwhile"
		case answerer || f != fateKilled && f != fateCrashed:
			continue
		}
		dead = append(dead, text.Escape(s.Name, nameCells))
	}
	switch len(dead) {
	case 0:
		return "probably a server died, lost its connection or gave it back before its ack"
	case 1:
		return dead[0] + how + ", so probably it had the request first"
	}
	return strings.Join(dead[:min(len(dead), 4)], ", ") + how + ", so probably one of them had the request first"
}

// trace says how far a request came that nobody answered.
func (e *evidence) trace() string {
	a := e.last()
	detail := e.detail()
	if detail != "" {
		detail = " (" + detail + ")"
	}
	switch {
	case e.Published.IsZero() && detail != "":
		return "it was never published" + detail + ", so no server has it."
	case e.Published.IsZero():
		return "it was never published, so no server has it."
	case e.heard():
		return ""
	case e.retrying():
		return e.untried() + detail + "."
	case !a.returned.IsZero():
		return fmt.Sprintf("the broker had returned it (%d %s).", a.code, text.Escape(a.reason, 60))
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
		", and no reply came" + detail + ". " + e.silence(a)
}

// silence says what may have become of a confirmed request that nobody answered. No event
// tells which it was.
func (e *evidence) silence(a *attemptSeen) string {
	s := "It may still wait in the queue"
	now := e.around.now
	if e.Ended.After(now) {
		now = e.Ended
	}
	m := e.messages[a.event]
	if m != nil && m.Expiration != "" && !e.Deadline.IsZero() && !now.Before(e.Deadline) {
		s = "It may have waited in the queue until it expired there and the broker dropped it"
	}
	conn := e.around.conn
	if !conn.Since.IsZero() && (!conn.Connected || conn.Since.After(a.published)) { // the callback queue has gone
		return s + "; or a server dropped it."
	}
	return s + "; or a server dropped it, or one took it and has not replied."
}

func (e *evidence) unroutable(after string) string {
	a := e.last()
	s := "Returned by the broker after " + after
	switch {
	case a.code == 312 || a.code == 0:
		s += ": 312 NO_ROUTE, " + e.noQueue(a) + "."
	default:
		s += fmt.Sprintf(": %d %s.", a.code, text.Escape(a.reason, 60))
	}
	for i := range e.attempts {
		if e.attempts[i].returned.IsZero() {
			return s + " An earlier attempt may have been executed."
		}
	}
	return s + " No server has executed it."
}

func (e *evidence) noQueue(a *attemptSeen) string {
	if a.published.IsZero() || e.messages[a.event] == nil {
		return "no queue took it"
	}
	m := e.messages[a.event]
	if m.Exchange != "" {
		return "exchange '" + text.Escape(m.Exchange, nameCells) + "' has no queue for '" + text.Escape(m.RoutingKey, nameCells) + "'"
	}
	return "there is no queue '" + text.Escape(m.RoutingKey, nameCells) + "'"
}

// stray tells of replies that no call is remembered for.
func (e *evidence) stray() string {
	if len(e.replies) == 0 {
		return "Nothing is remembered of this ID."
	}
	all := e.discarded()
	if len(all) == 0 {
		return e.strayRequest(&e.replies[0])
	}
	r, n := all[0], len(all)
	var s string
	switch {
	case r.Class == amqprpc.Duplicate:
		s = "A duplicate from " + r.server + ": "
		if r.AnsweredBy != "" {
			s += text.Escape(r.AnsweredBy, nameCells) + " had answered the call "
		} else {
			s += "the call had been answered "
		}
		s += text.Duration(max(r.Since, 0)) + " before. The call itself is no longer remembered. Discarded."
	case r.Class == amqprpc.Late:
		s = "A late " + replyKind(r) + " from " + r.server + ": the call had " + endedWords(r.Outcome) + " " + text.Duration(max(r.Since, 0)) +
			" before. The call itself is no longer remembered. Discarded."
	case r.hand:
		s = "A reply of an unknown ID, sent by hand from this program: no call is waiting for it. Discarded."
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
	if again := e.returned(); again != "" {
		s += " " + again
	}
	return s
}

// strayRequest tells of a request that came back as a dead letter, where no call is
// remembered for it.
func (e *evidence) strayRequest(r *replySeen) string {
	if !r.deadLetter { // an answer to nothing: a forged recording
		return "Nothing is remembered of this ID but a reply."
	}
	s := "A request itself came back from a dead-letter queue"
	if h, _ := r.msg.Header("x-first-death-reason"); h.Value != "" {
		s += " (" + text.Escape(h.Value, nameCells) + ")"
	}
	since := text.Duration(max(r.Since, 0))
	switch r.Class {
	case amqprpc.Duplicate:
		s += ": its call had been answered " + since + " before and is no longer remembered."
	case amqprpc.Late:
		s += ": its call had " + endedWords(r.Outcome) + " " + since + " before and is no longer remembered."
	default:
		s += ", no reply: its call was sent by another client, or forgotten since."
	}
	return s + " Discarded."
}

// replyKind says whether a reply is an error, and which.
func replyKind(r *replySeen) string {
	if code := errorCode(r); code != "" {
		return "error reply (" + code + ")"
	}
	return "reply"
}

// contradiction tells of replies whose bodies differ.
func (e *evidence) contradiction() string {
	for i := range e.replies {
		for j := range i {
			a, b := &e.replies[j], &e.replies[i]
			if a.deadLetter || b.deadLetter || e.ID == "" { // replies without an ID belong to different calls
				continue
			}
			if differ, known := contradict(a, b); known && differ {
				return difference(a, b)
			}
		}
	}
	return ""
}

// difference says how two replies differ that do.
func difference(a, b *replySeen) string {
	x, y := replyNoun(a), replyNoun(b)
	if x != y {
		return "The answers differ: " + x + " and " + y + "."
	}
	n := 0 // bytes that are the same
	for n < min(len(a.msg.Body), len(b.msg.Body)) && a.msg.Body[n] == b.msg.Body[n] {
		n++
	}
	if n < min(len(a.msg.Body), len(b.msg.Body)) {
		return "The answers differ from byte " + text.Count(n+1) + " on; both begin with " + x + "."
	}
	return "The answers differ: both begin with " + x + ", but one has " + text.Plural(a.msg.BodyLen, "byte", "bytes") +
		" and the other " + text.Count(b.msg.BodyLen) + "."
}

// contradict reports whether two replies say different things, as far as that is known.
func contradict(a, b *replySeen) (differ, known bool) {
	x, y := a.msg, b.msg
	n := min(len(x.Body), len(y.Body))
	switch {
	case x.BodyLen != y.BodyLen, !bytes.Equal(x.Body[:n], y.Body[:n]), errorCode(a) != errorCode(b):
		return true, true
	case n < x.BodyLen:
		return false, false
	}
	return false, true
}

// errorCode is the code of an error reply; "" where r is none.
func errorCode(r *replySeen) string {
	h, ok := r.msg.Header(amqprpc.HeaderError)
	switch {
	case !ok && r.msg.Type != amqprpc.TypeError:
		return ""
	case h.Value == "" || len(h.Value) > 64 || strings.Trim(h.Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "":
		return amqprpc.CodeUnknown
	}
	return h.Value
}

// replyWords is a reply's body within a sentence.
func replyWords(r *replySeen) string {
	switch m := r.msg; {
	case errorCode(r) != "":
		return errorWords(r)
	case m.BodyLen == 0:
		return "with an empty body"
	case len(m.Body) == 0:
		return text.Plural(m.BodyLen, "byte", "bytes")
	default:
		return text.Body(string(m.Body), m.BodyLen, bodyCells)
	}
}

// replyNoun is a reply's body as something that can be compared.
func replyNoun(r *replySeen) string {
	if r.msg.BodyLen == 0 && errorCode(r) == "" {
		return "an empty body"
	}
	return replyWords(r)
}

// errorWords is an error reply's code and text.
func errorWords(r *replySeen) string {
	code := errorCode(r)
	if code == "" {
		code = amqprpc.CodeUnknown
	}
	if text := strings.TrimSuffix(text.Escape(string(r.msg.Body), 100), "."); text != "" {
		return code + ": " + text
	}
	return code
}

// outcomeWords is an outcome as people write it.
func outcomeWords(o amqprpc.Outcome) string {
	return text.Escape(strings.ReplaceAll(o.String(), "_", " "), nameCells)
}

// endedWords is what a call had done that ended in o.
func endedWords(o amqprpc.Outcome) string {
	switch o {
	case amqprpc.Timeout:
		return "timed out"
	case amqprpc.Canceled:
		return "been canceled"
	case amqprpc.Expired:
		return "expired"
	case amqprpc.Unroutable:
		return "been returned as unroutable"
	case amqprpc.Rejected:
		return "been rejected"
	case amqprpc.ConnectionLost:
		return "lost its connection"
	case amqprpc.Closed:
		return "ended with its client"
	}
	return "ended"
}

// capital gives s a capital letter.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
