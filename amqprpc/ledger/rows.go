package ledger

import (
	"time"

	"rpcscope/amqprpc"
)

// A Call is a row of the lanes in flight, completed and failed. [Ledger.Inspect] returns the whole
// story.
type Call struct {
	ID       string
	Outcome  amqprpc.Outcome
	Sent     time.Time
	Deadline time.Time
	Ended    time.Time
	Attempt  int // the last one; 0 if the request has not been published
	Replies  int // the answer and all later ones
	// Age is the time from the first publish (from Sent if there was none) to the end, or until
	// now.
	Age    time.Duration
	Server string // that answered
	Wrong  bool   // see [EventWrong]

	Request    string // the beginning of the request's body
	RequestLen int    // length of the whole body
	Answer     string
	AnswerLen  int
}

// A Stray is a row of the lanes duplicate and orphaned: a discarded reply.
type Stray struct {
	Seq   uint64 // increases with every discarded reply, and identifies it
	ID    string
	Time  time.Time
	Class amqprpc.Class
	// Known reports whether the ledger remembers the call, so that its story can be inspected.
	// The client may have forgotten it.
	Known bool
	// Nth is this reply's ordinal among the replies to its call, 0 if it is not known.
	Nth int
	// Outcome is the outcome of the call, and Since the time since its end. Both are zero for
	// unknown replies.
	Outcome amqprpc.Outcome
	Since   time.Duration
	// Server sent this reply, AnsweredBy the answer.
	Server, AnsweredBy string
	// Error is the code of an error reply.
	Error string
	// Redelivered reports whether the request was already redelivered to the server: another
	// server has probably died between its reply and its ack.
	Redelivered bool
	Body        string
	BodyLen     int
}

// Picked is the number of rows of a lane that were picked, and the number that were checked.
type Picked struct{ Rows, Of int }

// maxPicked is the number of rows of a lane that [Query].Calls and Strays see.
const maxPicked = 8192

// rows returns the first n rows of a lane that pick accepts, and the number that it accepts. next sets
// its argument to the next row; it returns false if there is none. A nil pick accepts all.
func rows[T any](n int, next func(*T) bool, pick func(*T) bool) (found []T, picked Picked) {
	n = max(n, 0)
	found = make([]T, 0, n)
	if n == 0 {
		return found, picked
	}
	var row T // one for all calls of pick
	for (len(found) < n || pick != nil) && picked.Of < maxPicked && next(&row) {
		if pick != nil {
			picked.Of++
			if !pick(&row) {
				continue
			}
			picked.Rows++
		}
		if len(found) < n {
			found = append(found, row)
		}
	}
	return found, picked
}

// calls returns the rows of a lane, oldest or newest first.
func (l *Ledger) calls(in *list, oldestFirst bool, n int, now int64, q *Query) ([]Call, Picked) {
	r := in.last
	if oldestFirst {
		r = in.first
	}
	return rows(min(n, in.len), func(c *Call) bool {
		if r == nil {
			return false
		}
		l.call(c, r, now, q.Text)
		if oldestFirst {
			r = r.next
		} else {
			r = r.prev
		}
		return true
	}, q.Calls)
}

// call makes c the row of r. c may hold another row: equal texts share memory.
func (l *Ledger) call(c *Call, r *record, now int64, text int) {
	end := r.ended
	if end == noTime {
		end = now
	}
	c.ID, c.Outcome, c.Server, c.Wrong = r.id, r.outcome, r.server, r.wrong
	c.Sent, c.Deadline, c.Ended = l.clock.time(r.sent), l.clock.time(r.deadline), l.clock.time(r.ended)
	c.Attempt, c.Replies, c.Age = r.attempt, r.replies, time.Duration(max(end-r.started(), 0))
	c.Request, c.RequestLen = r.request.text(r.story, text, c.Request), r.request.full
	c.Answer, c.AnswerLen = r.answer.text(r.story, text, c.Answer), r.answer.full
}

// discarded returns the rows of a ring, newest first.
func (l *Ledger) discarded(in *ring, n int, q *Query) ([]Stray, Picked) {
	i := 0
	return rows(min(n, len(in.slots)), func(row *Stray) bool {
		if i == len(in.slots) {
			return false
		}
		s := in.newest(i)
		i++
		body := s.body.text(s.event, q.Text, row.Body)
		*row = s.row
		row.Body = body
		return true
	}, q.Strays)
}
