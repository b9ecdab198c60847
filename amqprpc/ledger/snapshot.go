package ledger

import (
	"fmt"
	"slices"
	"time"

	"rpcscope/amqprpc"
)

// A Query says how much a [Snapshot] shows. The zero Query asks for the numbers
// alone, as of the last event.
type Query struct {
	// Now is what ages and rates are reckoned from. Zero, or a time before the last
	// event, means the time of the last event.
	Now time.Time

	// How many rows of each lane.
	InFlight, Completed, Failed, Duplicates, Orphans int
	// Text is how much of a body a row shows, in bytes; 64 by default.
	Text int
	// Calls and Strays pick the rows of the lanes; nil takes them all. They see a row as
	// it would be shown, so of a body what Text says. At most 8,192 rows of each lane
	// are looked at, those first that would be shown first. They are called with the
	// ledger's lock held: they must be quick, and neither use the ledger nor keep or
	// change what they are given. The numbers are those of all calls and replies
	// nevertheless.
	Calls  func(*Call) bool
	Strays func(*Stray) bool

	// Seconds is how many seconds of rates.
	Seconds int
	// Window is what present rates are averaged over: whole seconds, 5 s by default,
	// 15 s at most.
	Window time.Duration

	// Bars is how many bars of each histogram. LogBars makes them of equal ratio, not
	// of equal width.
	Bars    int
	LogBars bool

	// Connection is how many events of the connection.
	Connection int
}

// Calls counts calls. Sent = Completed + Failed + InFlight.
type Calls struct {
	Sent      uint64 `json:"sent"`
	Completed uint64 `json:"completed"`
	Failed    uint64 `json:"failed"`
	InFlight  uint64 `json:"in_flight"`
	// Wrong is how many of Completed have an answer that their caller did not expect, as
	// far as anybody checks answers ([EventWrong]). JSON leaves out 0.
	Wrong uint64 `json:"wrong,omitempty"`
}

// A WrongAnswer is the answer of a completed call that its caller did not expect.
type WrongAnswer struct {
	ID   string
	Text string // what is wrong
}

// firstWrongs is how many wrong answers a [Snapshot] tells of.
const firstWrongs = 8

// Failures counts failed calls by outcome.
type Failures struct {
	Timeout        uint64 `json:"timeout"`
	Canceled       uint64 `json:"canceled"`
	Unroutable     uint64 `json:"unroutable"`
	Rejected       uint64 `json:"rejected"`
	Expired        uint64 `json:"expired"`
	Remote         uint64 `json:"remote"`
	ConnectionLost uint64 `json:"connection_lost"`
	Closed         uint64 `json:"closed"`
}

// Of returns the number of calls that failed in that way.
func (f Failures) Of(o amqprpc.Outcome) uint64 {
	switch o {
	case amqprpc.Timeout:
		return f.Timeout
	case amqprpc.Canceled:
		return f.Canceled
	case amqprpc.Unroutable:
		return f.Unroutable
	case amqprpc.Rejected:
		return f.Rejected
	case amqprpc.Expired:
		return f.Expired
	case amqprpc.Remote:
		return f.Remote
	case amqprpc.ConnectionLost:
		return f.ConnectionLost
	case amqprpc.Closed:
		return f.Closed
	}
	return 0
}

// Replies counts replies by class. Received is their sum.
type Replies struct {
	Received   uint64 `json:"received"`
	Answers    uint64 `json:"answers"`
	Duplicates uint64 `json:"duplicates"`
	Late       uint64 `json:"late"`
	Unknown    uint64 `json:"unknown"`
}

// Orphaned is Late + Unknown.
func (r Replies) Orphaned() uint64 { return r.Late + r.Unknown }

// Traffic counts what the laws say nothing about.
type Traffic struct {
	Published, Confirmed, Returned, Nacked uint64 // requests, by attempt
	Retries                                uint64
	Ignored                                uint64 // events that cannot be true, see the package
}

// Picked is how many rows of a lane were picked, of how many that were looked at.
type Picked struct{ Rows, Of int }

// A Call is a row of the lanes in flight, completed and failed. [Ledger.Inspect] has
// the whole of it.
type Call struct {
	ID       string
	Outcome  amqprpc.Outcome
	Sent     time.Time
	Deadline time.Time
	Ended    time.Time
	Attempt  int // the last one; 0 where the request has not been published
	Replies  int // the answer and all later ones
	// Age is how long it took, or has taken so far, since the first publish (since
	// Sent where there was none).
	Age time.Duration
	// Server is who answered.
	Server string
	// Wrong says that the answer is not what the caller expected.
	Wrong bool

	Request    string // the beginning of the request's body
	RequestLen int    // the whole body's length
	Answer     string
	AnswerLen  int
}

// A Stray is a row of the lanes duplicate and orphaned: a discarded reply.
type Stray struct {
	Seq   uint64 // grows with every one; tells rows apart
	ID    string
	Time  time.Time
	Class amqprpc.Class
	// Known says that the ledger remembers the call, so that its whole story can be
	// inspected. A call that the client has forgotten can be known to the ledger.
	Known bool
	// Nth is the how-manieth reply to the call this was, 0 where that is not known.
	Nth int
	// Outcome is what the call had ended in, and Since how long before. Both are
	// zero for unknown replies.
	Outcome amqprpc.Outcome
	Since   time.Duration
	// Server is who sent this reply, AnsweredBy who had answered first.
	Server, AnsweredBy string
	// Error is the code of an error reply.
	Error string
	// Redelivered says that its server had seen the request marked as delivered
	// before: another one has probably died between its reply and its ack.
	Redelivered bool
	Body        string
	BodyLen     int
}

// A Snapshot is the state of the books at one moment. It shares no memory with them.
type Snapshot struct {
	Now   time.Time
	Start time.Time // of the measurement: the first call, or the reset
	// Elapsed is from Start to Now while calls are in flight, else to the end of the
	// last one.
	Elapsed time.Duration

	Calls    Calls
	Failures Failures
	Replies  Replies
	Traffic  Traffic

	// Throughput is completed calls per second over Elapsed; Rate is the same over
	// the last [Query].Window. Both are 0 where there is nothing to divide by.
	Throughput, Rate float64

	// Response counts from the moment a call was meant to start, Service from its
	// first publish. Both cover the calls that were answered: completed, and failed as
	// remote.
	Response, Service         Latency
	ResponseBars, ServiceBars []Bar

	// Seconds are the last seconds, oldest first. The last one is still going on.
	Seconds []Second

	Servers    []Server
	Connection Connection

	InFlight            []Call // oldest first
	Completed, Failed   []Call // newest first
	Duplicates, Orphans []Stray
	// Picked says how many rows [Query].Calls and Strays have picked, those included for
	// which there was no room. Without them it is zero.
	Picked struct{ InFlight, Completed, Failed, Duplicates, Orphans Picked }

	// Wrongs are the first few wrong answers, oldest first.
	Wrongs []WrongAnswer
}

// Snapshot returns the state of the books, as much of it as q asks for.
func (l *Ledger) Snapshot(q Query) Snapshot {
	if q.Text <= 0 {
		q.Text = 64
	}
	window := int64(min(max(q.Window/time.Second, 0), tallySeconds-1))
	if window == 0 {
		window = 5
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now(q.Now)
	n := &l.counts
	s := Snapshot{
		Now: l.clock.time(now), Start: l.clock.time(l.start),
		Calls: Calls{Sent: n.sent, Completed: n.outcomes[amqprpc.Completed], InFlight: uint64(l.inFlight.len), Wrong: n.wrong},
		Failures: Failures{
			Timeout: n.outcomes[amqprpc.Timeout], Canceled: n.outcomes[amqprpc.Canceled],
			Unroutable: n.outcomes[amqprpc.Unroutable], Rejected: n.outcomes[amqprpc.Rejected],
			Expired: n.outcomes[amqprpc.Expired], Remote: n.outcomes[amqprpc.Remote],
			ConnectionLost: n.outcomes[amqprpc.ConnectionLost], Closed: n.outcomes[amqprpc.Closed],
		},
		Replies: Replies{
			Answers: n.classes[amqprpc.Answer], Duplicates: n.classes[amqprpc.Duplicate],
			Late: n.classes[amqprpc.Late], Unknown: n.classes[amqprpc.Unknown],
		},
		Traffic:  n.traffic,
		Response: l.response.summary(), Service: l.service.summary(),
		ResponseBars: l.response.bars(q.Bars, q.LogBars), ServiceBars: l.service.bars(q.Bars, q.LogBars),
		Connection: l.conn.snapshot(q.Connection),
		Wrongs:     slices.Clone(l.wrongs),
	}
	for _, o := range n.outcomes[amqprpc.Timeout:] {
		s.Calls.Failed += o
	}
	for _, c := range n.classes {
		s.Replies.Received += c
	}

	if l.start != noTime {
		end := now
		if l.inFlight.len == 0 {
			end = l.lastEnd
		}
		s.Elapsed = time.Duration(max(end-l.start, 0))
	}
	s.Throughput = perSecond(s.Calls.Completed, s.Elapsed)
	end := secondOf(now)
	from, span := l.window(end, window)
	if span > 0 {
		var done int
		for i := from; i < end; i++ {
			done += l.rates.get(i).Completed
		}
		s.Rate = float64(done) / span
	} else if l.inFlight.len > 0 {
		s.Rate = s.Throughput // not a second old
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

	later := func(r *record) *record { return r.next }
	earlier := func(r *record) *record { return r.prev }
	p := &s.Picked
	s.InFlight, p.InFlight = l.lane(l.inFlight.first, later, min(q.InFlight, l.inFlight.len), now, &q)
	s.Completed, p.Completed = l.lane(l.completed.last, earlier, min(q.Completed, l.completed.len), now, &q)
	s.Failed, p.Failed = l.lane(l.failed.last, earlier, min(q.Failed, l.failed.len), now, &q)
	s.Duplicates, p.Duplicates = l.strays(&l.duplicates, q.Duplicates, &q)
	s.Orphans, p.Orphans = l.strays(&l.orphans, q.Orphans, &q)
	return s
}

// now is the offset of t, at least that of the last event.
func (l *Ledger) now(t time.Time) int64 {
	if t.IsZero() || l.clock.base.IsZero() {
		return l.clock.last
	}
	return max(l.clock.offset(t), l.clock.last)
}

// window returns the whole seconds [from, end) that present rates are taken over, and
// how much of them (in s) lies within the measurement.
func (l *Ledger) window(end, seconds int64) (from int64, span float64) {
	from = end - seconds
	if l.start == noTime {
		return from, 0
	}
	if first := secondOf(l.start); from <= first {
		from = first
		return from, max(float64(end*int64(time.Second)-l.start)/1e9, 0)
	}
	return from, float64(seconds)
}

func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// mostPicked is how many rows of a lane [Query].Calls and Strays are asked about.
const mostPicked = 8192

// lane returns n rows from r on, of those that q picks, and how many it picks.
func (l *Ledger) lane(r *record, next func(*record) *record, n int, now int64, q *Query) (rows []Call, picked Picked) {
	rows = make([]Call, 0, max(n, 0))
	var row Call // one for all questions: most rows are not taken
	for ; n > 0 && r != nil && q.more(len(rows) < n, q.Calls != nil, picked.Of); r = next(r) {
		l.call(&row, r, now, q.Text)
		if q.Calls != nil {
			picked.Of++
			if !q.Calls(&row) {
				continue
			}
			picked.Rows++
		}
		if len(rows) < n {
			rows = append(rows, row)
		}
	}
	return rows, picked
}

// more reports whether to look at another row: if there is room for it, or it is to be
// counted.
func (q *Query) more(room, picks bool, looked int) bool {
	if picks {
		return looked < mostPicked
	}
	return room
}

// call makes c the row of r.
func (l *Ledger) call(c *Call, r *record, now int64, text int) {
	from, to := r.first, r.ended
	if from == noTime {
		from = r.sent
	}
	if to == noTime {
		to = now
	}
	c.ID, c.Outcome, c.Server, c.Wrong = r.id, r.outcome, r.server, r.wrong
	c.Sent, c.Deadline, c.Ended = l.clock.time(r.sent), l.clock.time(r.deadline), l.clock.time(r.ended)
	c.Attempt, c.Replies, c.Age = r.attempt, r.replies, time.Duration(max(to-from, 0))
	c.Request, c.RequestLen = r.request.again(c.Request, r.story, text), r.request.full
	c.Answer, c.AnswerLen = r.answer.again(c.Answer, r.story, text), r.answer.full
}

// again is text, without new memory where it is what it was in the row before: many calls
// ask for the same.
func (s span) again(before string, story []byte, most int) string {
	if string(story[s.start:min(s.end, s.start+most)]) == before {
		return before
	}
	return s.text(story, most)
}

// strays returns n of the discarded replies that q picks, and how many it picks.
func (l *Ledger) strays(in *ring, n int, q *Query) (rows []Stray, picked Picked) {
	n = min(max(n, 0), len(in.slots))
	rows = make([]Stray, 0, n)
	var row Stray
	for i := 0; n > 0 && i < len(in.slots) && q.more(len(rows) < n, q.Strays != nil, i); i++ {
		s := in.newest(i)
		row = Stray{
			Seq: s.seq, ID: s.id, Time: l.clock.time(s.at), Class: s.class,
			Known: s.call != nil, Nth: s.nth, Outcome: s.outcome, Since: time.Duration(s.since),
			Server: s.server, AnsweredBy: s.answeredBy, Error: s.err, Redelivered: s.redelivered,
			Body: s.body.again(row.Body, s.event, q.Text), BodyLen: s.body.full,
		}
		if q.Strays != nil {
			picked.Of++
			if !q.Strays(&row) {
				continue
			}
			picked.Rows++
		}
		if len(rows) < n {
			rows = append(rows, row)
		}
	}
	return rows, picked
}

// Broken returns an error that names the first conservation law that the numbers
// break, nil where all hold, as they always must.
func (s *Snapshot) Broken() error {
	c, r := s.Calls, s.Replies
	switch {
	case c.Sent != c.Completed+c.Failed+c.InFlight:
		return fmt.Errorf("ledger: sent %d != completed %d + failed %d + in flight %d", c.Sent, c.Completed, c.Failed, c.InFlight)
	case c.Wrong > c.Completed:
		return fmt.Errorf("ledger: wrong %d > completed %d", c.Wrong, c.Completed)
	case r.Received != r.Answers+r.Duplicates+r.Late+r.Unknown:
		return fmt.Errorf("ledger: received %d != answers %d + duplicates %d + late %d + unknown %d",
			r.Received, r.Answers, r.Duplicates, r.Late, r.Unknown)
	case r.Answers != c.Completed+s.Failures.Remote:
		return fmt.Errorf("ledger: answers %d != completed %d + failed[remote] %d", r.Answers, c.Completed, s.Failures.Remote)
	}
	return nil
}
