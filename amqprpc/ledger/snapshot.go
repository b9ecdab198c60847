package ledger

import (
	"slices"
	"time"

	"rpcscope/amqprpc"
)

// A Query says how much a [Snapshot] contains. The zero Query asks for the numbers alone, as of the
// last event.
type Query struct {
	// Now is the time that ages and rates refer to: the time of the last event if Now is zero or
	// earlier.
	Now time.Time

	// The number of rows of each lane.
	InFlight, Completed, Failed, Duplicates, Orphans int
	// Text is how much of a body a row contains, in bytes; 64 by default.
	Text int
	// Calls and Strays pick the rows of the lanes; nil picks all. Their argument is the row as
	// it would be returned, with no more of a body than Text. They see at most 8,192 rows of each
	// lane, in the order of the lane. They are called with the ledger's lock held: they must be
	// quick, must not use the ledger, and must not keep or change their argument. The numbers
	// count all calls and replies.
	Calls  func(*Call) bool
	Strays func(*Stray) bool

	// Seconds is the number of seconds of rates.
	Seconds int
	// Window is the time that current rates are averaged over: whole seconds, 5 s by default,
	// 15 s at most.
	Window time.Duration

	// Bars is the number of bars of each histogram. LogBars makes them of equal ratio instead of
	// equal width.
	Bars    int
	LogBars bool

	// Connection is the number of events of the connection.
	Connection int
}

// A Snapshot is the state of a ledger at one moment. It shares no memory with the ledger.
type Snapshot struct {
	Now   time.Time
	Start time.Time // of the measurement: the first call, or the reset
	// Elapsed is the time from Start to Now while calls are in flight, otherwise to the end of
	// the last call.
	Elapsed time.Duration

	Calls    Calls
	Failures Failures
	Replies  Replies
	Traffic  Traffic

	// Throughput is completed calls per second over Elapsed, Rate the same over the last
	// [Query].Window. Both are 0 if that time is.
	Throughput, Rate float64

	// Response counts from the time a call was meant to start, Service from its first publish.
	// Both count the calls that were answered: completed, or failed as remote.
	Response, Service         Latency
	ResponseBars, ServiceBars []Bar

	// Seconds are the last seconds, oldest first. The last one has not ended.
	Seconds []Second

	Servers    []Server
	Connection Connection

	InFlight            []Call // oldest first
	Completed, Failed   []Call // newest first
	Duplicates, Orphans []Stray
	// Picked counts the rows that [Query].Calls and Strays have picked, including those beyond
	// the number asked for. Without them it is zero.
	Picked struct{ InFlight, Completed, Failed, Duplicates, Orphans Picked }

	// Wrongs are the first few wrong answers, oldest first.
	Wrongs []WrongAnswer
}

// Snapshot returns the state of the ledger, as much of it as q asks for.
func (l *Ledger) Snapshot(q Query) Snapshot {
	if q.Text <= 0 {
		q.Text = 64
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.last
	if !q.Now.IsZero() && !l.clock.base.IsZero() {
		now = max(now, l.clock.offset(q.Now))
	}
	n := &l.counts
	s := Snapshot{
		Now: l.clock.time(now), Start: l.clock.time(l.start),
		Calls:    Calls{Sent: n.sent, Completed: n.outcomes[amqprpc.Completed], InFlight: uint64(l.inFlight.len), Wrong: n.wrong},
		Replies:  repliesByClass(&n.classes),
		Traffic:  n.traffic,
		Response: l.response.summary(), Service: l.service.summary(),
		ResponseBars: l.response.bars(q.Bars, q.LogBars), ServiceBars: l.service.bars(q.Bars, q.LogBars),
		Connection: l.conn.snapshot(q.Connection),
		Wrongs:     slices.Clone(l.wrongs),
	}
	for o := amqprpc.Timeout; o <= amqprpc.Closed; o++ {
		*s.Failures.of(o) = n.outcomes[o]
		s.Calls.Failed += n.outcomes[o]
	}
	if l.start != noTime {
		end := now
		if l.inFlight.len == 0 {
			end = l.lastEnd
		}
		s.Elapsed = time.Duration(max(end-l.start, 0))
	}
	if s.Elapsed > 0 {
		s.Throughput = float64(s.Calls.Completed) / s.Elapsed.Seconds()
	}
	l.rateSnapshot(&s, &q, now)

	p := &s.Picked
	s.InFlight, p.InFlight = l.calls(&l.inFlight, true, q.InFlight, now, &q)
	s.Completed, p.Completed = l.calls(&l.completed, false, q.Completed, now, &q)
	s.Failed, p.Failed = l.calls(&l.failed, false, q.Failed, now, &q)
	s.Duplicates, p.Duplicates = l.discarded(&l.duplicates, q.Duplicates, &q)
	s.Orphans, p.Orphans = l.discarded(&l.orphans, q.Orphans, &q)
	return s
}

// rateSnapshot sets the rates of s: its own, those of the servers, and the seconds.
func (l *Ledger) rateSnapshot(s *Snapshot, q *Query, now int64) {
	window := int64(min(max(q.Window/time.Second, 0), tallySeconds-1))
	if window == 0 {
		window = 5
	}
	end := secondOf(now)
	from, span := end-window, float64(window) // the part of the window within the measurement, in s
	if l.start == noTime {
		span = 0
	} else if first := secondOf(l.start); from <= first {
		from, span = first, max(float64(end*int64(time.Second)-l.start)/1e9, 0)
	}
	if span > 0 {
		done := 0
		for i := from; i < end; i++ {
			done += l.rates.get(i).Completed
		}
		s.Rate = float64(done) / span
	} else if l.inFlight.len > 0 {
		s.Rate = s.Throughput // the measurement is less than a second old
	}
	s.Servers = l.servers.snapshot(&l.clock, from, end, span)

	if n := min(max(q.Seconds, 0), l.cfg.Seconds); n > 0 && !l.clock.base.IsZero() {
		s.Seconds = make([]Second, n)
		for i := range s.Seconds {
			number := end - int64(n-1-i)
			s.Seconds[i] = l.rates.get(number)
			s.Seconds[i].Time = l.clock.time(number * int64(time.Second))
		}
	}
}
