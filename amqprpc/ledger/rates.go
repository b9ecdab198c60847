package ledger

import "time"

// A Second is what happened within one second.
type Second struct {
	Time                                         time.Time // its beginning
	Sent, Completed, Failed, Duplicates, Orphans int

	// TimedOut is how many of Failed had no answer at their deadline ([amqprpc.Timeout],
	// [amqprpc.Expired]), Remote how many were answered with an error.
	TimedOut, Remote int
	// Late is how many of Orphans were replies to calls that had timed out.
	Late int
}

// rates is a ring of the last seconds, addressed by the time of an event.
type rates struct {
	ring []second
	last int64 // the latest second that has been written to
}

type second struct {
	number int64
	Second
}

func newRates(seconds int) rates {
	r := rates{ring: make([]second, seconds)}
	r.reset()
	return r
}

func (r *rates) reset() {
	for i := range r.ring {
		r.ring[i] = second{number: noTime}
	}
	r.last = noTime
}

// secondOf is the second that an offset lies in.
func secondOf(at int64) int64 {
	n := at / int64(time.Second)
	if at%int64(time.Second) < 0 {
		n--
	}
	return n
}

// at returns the second to count an event in. A clock that has gone back by more than
// the ring is long counts into the oldest second there is.
func (r *rates) at(at int64) *Second {
	n := secondOf(at)
	if r.last == noTime || n > r.last {
		r.last = n
	}
	n = max(n, r.last-int64(len(r.ring))+1)
	s := r.slot(n)
	if s.number != n {
		*s = second{number: n}
	}
	return &s.Second
}

func (r *rates) slot(n int64) *second {
	i := n % int64(len(r.ring))
	if i < 0 {
		i += int64(len(r.ring))
	}
	return &r.ring[i]
}

// get returns what happened in a second.
func (r *rates) get(n int64) Second {
	if s := r.slot(n); s.number == n {
		return s.Second
	}
	return Second{}
}

// A tally is a ring of a few seconds for one number.
type tally [tallySeconds]struct {
	number int64
	n      int
}

const tallySeconds = 16

func (t *tally) add(at int64) {
	n := secondOf(at)
	s := &t[uint64(n)%tallySeconds]
	if s.number != n {
		s.number, s.n = n, 0
	}
	s.n++
}

// sum counts the seconds from first up to, but not including, end.
func (t *tally) sum(first, end int64) (n int) {
	for i := range t {
		if t[i].number >= first && t[i].number < end {
			n += t[i].n
		}
	}
	return n
}
