package ledger

import (
	"strings"
	"sync"

	"rpcscope/amqprpc"
)

// Unused records are kept for reuse: at most freeRecords, each with at most freeBytes for its story.
const (
	freeRecords = 1024
	freeBytes   = 2048
)

// A Ledger tracks the state of every call of a client. Use [New] to make one.
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

	// The current event.
	entry   Entry
	message Message
	stored  []byte // entry in stored form, if it is about a call
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
	return &Ledger{
		cfg:        cfg,
		start:      noTime,
		lastEnd:    noTime,
		byID:       make(map[string]*record),
		duplicates: ring{max: cfg.Duplicates},
		orphans:    ring{max: cfg.Orphans},
		response:   newLatency(),
		service:    newLatency(),
		rates:      make(rates, cfg.Seconds),
		servers:    newServers(cfg.Servers),
		conn:       connection{max: cfg.Connection},
	}
}

// Observe applies an event of a client. It keeps nothing of e but copies.
func (l *Ledger) Observe(e amqprpc.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry = Entry{Event: e}
	if e.Message != nil {
		l.entry.Event.Message = nil
		l.message.keep(e.Message, l.cfg.BodyBytes, l.cfg.HeaderBytes)
		l.entry.message = &l.message
	}
	l.apply(&l.entry)
}

// Apply applies an event from a [Reader] or a [Story]. It neither keeps nor changes e.
func (l *Ledger) Apply(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry = *e
	if e.message != nil {
		headers := append(l.message.Headers[:0], e.message.Headers...)
		l.message = *e.message
		l.message.Headers = headers
		l.message.cut(l.cfg.BodyBytes, l.cfg.HeaderBytes)
		l.entry.message = &l.message
	}
	l.apply(&l.entry)
}

func (l *Ledger) apply(e *Entry) {
	e.ID = cloneShort(e.ID, maxShort)
	e.Text = cloneShort(e.Text, maxText)
	e.AnsweredBy = cloneShort(e.AnsweredBy, maxShort)
	at := l.clock.event(e.Time)

	ok := true
	switch e.Kind {
	case amqprpc.EventConnected, amqprpc.EventDisconnected, amqprpc.EventReconnecting,
		amqprpc.EventBlocked, amqprpc.EventUnblocked:
		l.conn.apply(e, l.clock.time(at))
	case EventReset:
		l.reset(at)
	default:
		l.stored = appendEntry(l.stored[:0], e, at, &l.clock)
		ok = l.applyToCall(e, at)
	}
	if !ok {
		l.counts.traffic.Ignored++
	}
}

// cloneShort returns the first n bytes of s. They do not keep the rest of s alive.
func cloneShort(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(s[:n])
}

// record returns a new record.
func (l *Ledger) record(id string) *record {
	r := new(record)
	if n := len(l.free); n > 0 {
		r, l.free = l.free[n-1], l.free[:n-1]
	}
	r.reset(id)
	return r
}

// evict removes an ended call from its lane.
func (l *Ledger) evict(r *record) {
	r.list.remove(r)
	l.release(r)
}

// release forgets a call if neither a lane nor a discarded reply needs it.
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

// reset forgets everything but the state of the connection and the calls in flight, which count as
// sent now.
func (l *Ledger) reset(at int64) {
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			if r := in.slots[i].call; r != nil {
				r.holders--
				l.release(r)
			}
		}
		*in = ring{max: in.max}
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
	clear(l.rates)
	l.servers.reset()
}
