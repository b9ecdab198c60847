package ledger

import (
	"sync"

	"rpcscope/amqprpc"
)

// Unused records are kept for reuse: so many, and of a story's memory so much.
const (
	freeRecords = 1024
	freeBytes   = 2048
)

// A Ledger keeps the books. Make one with [New].
type Ledger struct {
	cfg Config

	mu    sync.Mutex
	clock clock

	counts  counts
	wrongs  []WrongAnswer // the first ones
	start   int64         // of the measurement, or noTime
	lastEnd int64         // of a call

	byID      map[string]*record
	inFlight  list
	completed list
	failed    list
	free      []*record

	duplicates, orphans ring
	seq                 uint64 // of the newest stray

	response, service latency
	rates             rates
	servers           servers
	conn              connection

	// Scratch space of Observe.
	entry   Entry
	msg     []byte
	trimmed []byte
	headers headerWriter
}

// counts are the numbers that the laws are about, and some more.
type counts struct {
	sent     uint64
	outcomes [nOutcomes]uint64
	classes  [nClasses]uint64
	wrong    uint64 // of those completed
	traffic  Traffic
}

const (
	nOutcomes = int(amqprpc.Closed) + 1
	nClasses  = int(amqprpc.Unknown) + 1
)

var _ amqprpc.Observer = (*Ledger)(nil)

// New returns an empty ledger.
func New(cfg Config) *Ledger {
	cfg = cfg.withDefaults()
	l := &Ledger{
		cfg:        cfg,
		start:      noTime,
		lastEnd:    noTime,
		byID:       make(map[string]*record),
		duplicates: ring{most: cfg.Duplicates},
		orphans:    ring{most: cfg.Orphans},
		response:   newLatency(),
		service:    newLatency(),
		rates:      newRates(cfg.Seconds),
		servers:    newServers(cfg.Servers),
	}
	l.conn.most = cfg.Connection
	return l
}

// Observe enters an event as a client reports it. It copies what it keeps.
func (l *Ledger) Observe(e amqprpc.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry.Event = e
	l.entry.Event.Message = nil
	l.entry.msg = nil
	if e.Message != nil {
		l.msg = appendMessage(l.msg[:0], e.Message, l.cfg.BodyBytes, l.cfg.HeaderBytes, &l.headers)
		l.entry.msg = l.msg
	}
	l.apply(&l.entry)
}

// Apply enters an event as a [Reader] returns it, or a [Story] holds it. It neither
// keeps nor changes e.
func (l *Ledger) Apply(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry = *e
	if e.msg != nil {
		m := parseRaw(e.msg)
		if len(m.body) > l.cfg.BodyBytes || len(m.headers) > l.cfg.HeaderBytes {
			l.trimmed = trimMessage(l.trimmed[:0], e.msg, l.cfg.BodyBytes, l.cfg.HeaderBytes)
			l.entry.msg = l.trimmed
		}
	}
	l.apply(&l.entry)
	l.entry.msg = nil
}

func (l *Ledger) apply(e *Entry) {
	e.ID = cloneShort(e.ID, maxShort)
	e.Text = cloneShort(e.Text, maxText)
	e.AnsweredBy = cloneShort(e.AnsweredBy, maxShort)
	at := l.clock.event(e.Time)

	ok := true
	switch e.Kind {
	case amqprpc.EventSent:
		ok = l.sent(e, at)
	case amqprpc.EventPublished, amqprpc.EventReturned, amqprpc.EventConfirmed, amqprpc.EventNacked, amqprpc.EventRetry:
		l.step(e, at)
	case amqprpc.EventReply:
		ok = l.reply(e, at)
	case amqprpc.EventFailed:
		ok = l.fail(e, at)
	case EventWrong:
		ok = l.wrong(e, at)
	case amqprpc.EventConnected, amqprpc.EventDisconnected, amqprpc.EventReconnecting,
		amqprpc.EventBlocked, amqprpc.EventUnblocked:
		l.conn.apply(e, l.clock.time(at))
	case EventReset:
		l.reset(at)
	default:
		ok = false
	}
	if !ok {
		l.counts.traffic.Ignored++
	}
}

// sent begins a call.
func (l *Ledger) sent(e *Entry, at int64) bool {
	r := l.byID[e.ID]
	if r != nil && r.inFlight() {
		return false
	}
	// An ended call of the same ID keeps its place in the lanes and loses its name.
	r = l.record(e.ID)
	r.sent, r.attempt = at, e.Attempt
	r.intended, r.deadline = l.clock.offset(e.Intended), l.clock.offset(e.Deadline)
	if r.intended == noTime {
		r.intended = at
	}
	l.byID[e.ID] = r
	l.inFlight.push(r)
	r.add(e, at, &l.clock, &l.cfg, false)

	l.counts.sent++
	if l.start == noTime {
		l.start = at
	}
	l.rates.at(at).Sent++
	return true
}

// step is an event between the start and the end of a call, or soon after the end.
// Of a call that is no longer remembered, only the count remains.
func (l *Ledger) step(e *Entry, at int64) {
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
	r := l.byID[e.ID]
	if r == nil {
		return
	}
	if e.Kind == amqprpc.EventPublished {
		if r.first == noTime {
			r.first = at
		}
		r.attempt = max(r.attempt, e.Attempt)
	}
	r.add(e, at, &l.clock, &l.cfg, false)
}

// reply counts a reply, and ends its call where it is the answer.
func (l *Ledger) reply(e *Entry, at int64) bool {
	if e.Class == amqprpc.NoClass || int(e.Class) >= nClasses {
		return false
	}
	r := l.byID[e.ID]
	if e.Class == amqprpc.Answer {
		if r == nil || !r.inFlight() || e.Outcome != amqprpc.Completed && e.Outcome != amqprpc.Remote {
			return false
		}
	}
	if l.counts.classes[e.Class]++; e.Class != amqprpc.Unknown { // without confirms nothing else tells
		l.conn.now.Denied = false
	}
	var app []byte
	if e.msg != nil {
		app = messageProp(e.msg, pAppID)
	}
	server := l.servers.reply(app, e.Class, at)
	second := l.rates.at(at)
	switch e.Class {
	case amqprpc.Answer:
		r.replies++
		r.server = server
		l.response.record(at - r.intended)
		from := r.first
		if from == noTime {
			from = r.sent
		}
		l.service.record(at - from)
		l.end(r, e, at)
	case amqprpc.Duplicate:
		second.Duplicates++
		l.stray(&l.duplicates, r, e, at, server)
	default:
		second.Orphans++
		if e.Class == amqprpc.Late && e.Outcome == amqprpc.Timeout {
			second.Late++
		}
		l.stray(&l.orphans, r, e, at, server)
	}
	return true
}

func (l *Ledger) fail(e *Entry, at int64) bool {
	r := l.byID[e.ID]
	if r == nil || !r.inFlight() || !e.Outcome.Failed() || int(e.Outcome) >= nOutcomes || e.Outcome == amqprpc.Remote {
		return false
	}
	l.end(r, e, at)
	return true
}

// wrong notes that a completed call was answered wrong. That is believed of a call that is
// no longer remembered, too, as long as there are completed calls that were not.
func (l *Ledger) wrong(e *Entry, at int64) bool {
	r := l.byID[e.ID]
	switch {
	case l.counts.wrong >= l.counts.outcomes[amqprpc.Completed]:
		return false
	case r != nil && (r.outcome != amqprpc.Completed || r.wrong):
		return false
	case r != nil:
		r.wrong = true
		r.add(e, at, &l.clock, &l.cfg, false)
	}
	l.counts.wrong++
	if len(l.wrongs) < firstWrongs {
		l.wrongs = append(l.wrongs, WrongAnswer{ID: e.ID, Text: e.Text})
	}
	return true
}

// end ends a call in flight: the one place where that happens.
func (l *Ledger) end(r *record, e *Entry, at int64) {
	l.inFlight.remove(r)
	r.add(e, at, &l.clock, &l.cfg, true)
	r.outcome, r.ended = e.Outcome, at
	r.attempt = max(r.attempt, e.Attempt)
	l.counts.outcomes[e.Outcome]++
	l.lastEnd = max(l.lastEnd, at)
	lane, most := &l.completed, l.cfg.Completed
	if e.Outcome.Failed() {
		lane, most = &l.failed, l.cfg.Failed
		second := l.rates.at(at)
		second.Failed++
		switch e.Outcome {
		case amqprpc.Timeout, amqprpc.Expired:
			second.TimedOut++
		case amqprpc.Remote:
			second.Remote++
		}
	} else {
		l.rates.at(at).Completed++
	}
	lane.push(r)
	if lane.len > most {
		l.evict(lane.first)
	}
}

// stray enters a discarded reply into its ring, and into the story of its call.
func (l *Ledger) stray(in *ring, r *record, e *Entry, at int64, server string) {
	nth := 0
	if r != nil {
		r.replies++
		nth = r.replies
		r.add(e, at, &l.clock, &l.cfg, false)
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
	*s = stray{
		seq: l.seq, id: e.ID, at: at, class: e.Class, outcome: e.Outcome, since: int64(e.Since), nth: nth,
		server: server, answeredBy: e.AnsweredBy, call: r, event: s.event[:0],
	}
	size := eventFixed + len(e.Text) + len(e.AnsweredBy) + len(e.msg)
	if cap(s.event) < size {
		s.event = make([]byte, 0, size)
	}
	s.event = appendEntry(s.event, e, at, &l.clock)
	if e.msg != nil {
		s.body = bodySpan(len(s.event), e.msg)
		s.redelivered = storedRedelivered(e.msg)
		code := storedHeader(e.msg, amqprpc.HeaderError)
		if s.err = string(code[:min(len(code), 64)]); s.err == "" && string(messageProp(e.msg, pType)) == amqprpc.TypeError {
			s.err = amqprpc.CodeUnknown
		}
	}
}

// record returns a new record, memory of an old one where there is any.
func (l *Ledger) record(id string) *record {
	r := new(record)
	if n := len(l.free); n > 0 {
		r, l.free = l.free[n-1], l.free[:n-1]
	}
	r.reset(id)
	return r
}

// evict takes an ended call out of its lane.
func (l *Ledger) evict(r *record) {
	r.list.remove(r)
	l.release(r)
}

// release forgets a call that nothing holds on to: no lane, no discarded reply.
func (l *Ledger) release(r *record) {
	if r.list != nil || r.holders > 0 {
		return
	}
	if l.byID[r.id] == r {
		delete(l.byID, r.id)
	}
	if len(l.free) < freeRecords {
		r.reset("")
		if cap(r.story) > freeBytes {
			r.story = nil
		}
		l.free = append(l.free, r)
	}
}

// reset forgets everything but the calls in flight, which start to count anew, and
// the state of the connection.
func (l *Ledger) reset(at int64) {
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			if r := in.slots[i].call; r != nil {
				r.holders--
				l.release(r)
			}
		}
		*in = ring{most: in.most}
	}
	for _, lane := range []*list{&l.completed, &l.failed} {
		for lane.first != nil {
			l.evict(lane.first)
		}
	}
	l.counts = counts{sent: uint64(l.inFlight.len)}
	l.wrongs = nil
	l.start, l.lastEnd = noTime, noTime
	if l.inFlight.len > 0 {
		l.start = at
	}
	l.response.reset()
	l.service.reset()
	l.rates.reset()
	l.servers.reset()
}
