package ledger

import (
	"strings"

	"rpcscope/amqprpc"
)

// applyToCall applies an event of a call: only its callees change the state of a correlation ID. It
// returns false, and has changed nothing, if the event cannot be true.
//
//	in flight  <- sent
//	completed  <- reply (answer, completed)
//	failed     <- failed, or reply (answer, remote)
func (l *Ledger) applyToCall(e *Entry, at int64) bool {
	r := l.byID[e.ID] // nil if the ledger does not know the call
	switch e.Kind {
	case amqprpc.EventSent:
		return l.sent(r, e, at)
	case amqprpc.EventPublished, amqprpc.EventReturned, amqprpc.EventConfirmed, amqprpc.EventNacked, amqprpc.EventRetry:
		l.progress(r, e, at)
		return true
	case amqprpc.EventReply:
		return l.reply(r, e, at)
	case amqprpc.EventFailed:
		return l.fail(r, e, at)
	case EventWrong:
		return l.wrong(r, e, at)
	}
	return false
}

// sent begins a call.
func (l *Ledger) sent(r *record, e *Entry, at int64) bool {
	if r != nil && r.inFlight() {
		return false
	}
	// An ended call with the same ID stays in its lane, but its ID now finds the new call.
	r = l.record(e.ID)
	r.sent, r.attempt = at, e.Attempt
	r.intended, r.deadline = l.clock.offset(e.Intended), l.clock.offset(e.Deadline)
	if r.intended == noTime {
		r.intended = at
	}
	l.byID[e.ID] = r
	l.inFlight.push(r)
	l.addToStory(r, e, at, false)

	l.counts.sent++
	if l.start == noTime {
		l.start = at
	}
	l.rates.at(at).Sent++
	return true
}

// progress counts an event that does not change the state of its call.
func (l *Ledger) progress(r *record, e *Entry, at int64) {
	t := &l.counts.traffic
	switch e.Kind {
	case amqprpc.EventPublished:
		t.Published++
	case amqprpc.EventReturned:
		t.Returned++
	case amqprpc.EventConfirmed:
		t.Confirmed++
		l.conn.now.Denied = false
	case amqprpc.EventNacked:
		t.Nacked++
	case amqprpc.EventRetry:
		t.Retries++
	}
	if r == nil {
		return
	}
	if e.Kind == amqprpc.EventPublished {
		if r.first == noTime {
			r.first = at
		}
		r.attempt = max(r.attempt, e.Attempt)
	}
	l.addToStory(r, e, at, false)
}

// reply counts a reply. An answer ends its call.
func (l *Ledger) reply(r *record, e *Entry, at int64) bool {
	if e.Class == amqprpc.NoClass || int(e.Class) >= nClasses {
		return false
	}
	if e.Class == amqprpc.Answer &&
		(r == nil || !r.inFlight() || e.Outcome != amqprpc.Completed && e.Outcome != amqprpc.Remote) {
		return false
	}
	l.counts.classes[e.Class]++
	if e.Class != amqprpc.Unknown { // without confirms, only replies show that the broker took a request
		l.conn.now.Denied = false
	}
	var name string
	if e.message != nil {
		name = e.message.AppID
	}
	server := l.servers.reply(name, e.Class, at)
	second := l.rates.at(at)
	switch e.Class {
	case amqprpc.Answer:
		r.replies++
		r.server = server
		l.response.record(at - r.intended)
		l.service.record(at - r.started())
		l.end(r, e, at)
	case amqprpc.Duplicate:
		second.Duplicates++
		l.discard(&l.duplicates, r, e, at, server)
	default:
		second.Orphans++
		if e.Class == amqprpc.Late && e.Outcome == amqprpc.Timeout {
			second.Late++
		}
		l.discard(&l.orphans, r, e, at, server)
	}
	return true
}

// fail ends a call without an answer.
func (l *Ledger) fail(r *record, e *Entry, at int64) bool {
	if r == nil || !r.inFlight() || !e.Outcome.Failed() || int(e.Outcome) >= nOutcomes || e.Outcome == amqprpc.Remote {
		return false
	}
	l.end(r, e, at)
	return true
}

// end ends a call in flight.
func (l *Ledger) end(r *record, e *Entry, at int64) {
	l.inFlight.remove(r)
	l.addToStory(r, e, at, true)
	r.outcome, r.ended = e.Outcome, at
	r.attempt = max(r.attempt, e.Attempt)
	l.counts.outcomes[e.Outcome]++
	l.lastEnd = max(l.lastEnd, at)
	second := l.rates.at(at)
	lane, maxLen := &l.completed, l.cfg.Completed
	if e.Outcome.Failed() {
		lane, maxLen = &l.failed, l.cfg.Failed
		second.Failed++
	} else {
		second.Completed++
	}
	switch e.Outcome {
	case amqprpc.Timeout, amqprpc.Expired:
		second.TimedOut++
	case amqprpc.Remote:
		second.Remote++
	}
	lane.push(r)
	if lane.len > maxLen {
		l.evict(lane.first)
	}
}

// wrong counts a completed call as answered wrong. Of a call that the ledger has forgotten it believes
// that as long as there are completed calls that do not count as wrong.
func (l *Ledger) wrong(r *record, e *Entry, at int64) bool {
	if l.counts.wrong >= l.counts.outcomes[amqprpc.Completed] {
		return false
	}
	if r != nil {
		if r.outcome != amqprpc.Completed || r.wrong {
			return false
		}
		r.wrong = true
		l.addToStory(r, e, at, false)
	}
	l.counts.wrong++
	if len(l.wrongs) < maxWrongs {
		l.wrongs = append(l.wrongs, WrongAnswer{ID: e.ID, Text: e.Text})
	}
	return true
}

// discard adds a discarded reply to its ring and to the story of its call.
func (l *Ledger) discard(in *ring, r *record, e *Entry, at int64, server string) {
	nth := 0
	if r != nil {
		r.replies++
		nth = r.replies
		l.addToStory(r, e, at, false)
	}
	s := in.slot()
	if s == nil {
		return
	}
	if s.call != nil {
		s.call.holders--
		if s.call != r {
			l.release(s.call)
		}
	}
	if r != nil {
		r.holders++
	}
	l.seq++
	event := s.event[:0]
	if cap(event) < len(l.stored) {
		event = make([]byte, 0, len(l.stored))
	}
	*s = stray{
		row: Stray{
			Seq: l.seq, ID: e.ID, Time: l.clock.time(at), Class: e.Class, Known: r != nil, Nth: nth, Outcome: e.Outcome,
			Since: e.Since, Server: server, AnsweredBy: e.AnsweredBy,
		},
		call: r, event: append(event, l.stored...),
	}
	if m := e.message; m != nil {
		s.body, s.row.BodyLen = bodySpan(m, len(s.event)), m.BodyLen
		meta, _ := m.Meta()
		s.row.Redelivered = meta.Redelivered
		if code, _ := m.Header(amqprpc.HeaderError); code.Value != "" {
			s.row.Error = strings.Clone(prefix(code.Value, 64))
		} else if m.Type == amqprpc.TypeError {
			s.row.Error = amqprpc.CodeUnknown
		}
	}
}
