package ledger

import "time"

// A Second counts the events of one second.
type Second struct {
	Time                                         time.Time // its beginning
	Sent, Completed, Failed, Duplicates, Orphans int

	// TimedOut is the part of Failed without an answer at the deadline ([amqprpc.Timeout],
	// [amqprpc.Expired]), Remote the part that was answered with an error.
	TimedOut, Remote int
	// Late is the part of Orphans that were replies to calls that had timed out.
	Late int
}

// rates is a ring of the last seconds.
type rates struct {
	ring []second
	last int64 // the latest second with an event
}

type second struct {
	number int64 // since the first event
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

// secondOf returns the second that contains an offset.
func secondOf(at int64) int64 {
	n := at / int64(time.Second)
	if at%int64(time.Second) < 0 {
		n--
	}
	return n
}

// at returns the second to count an event in. If the clock went back by more than the length of the
// ring, that is the oldest second.
func (r *rates) at(at int64) *Second {
	n := secondOf(at)
	r.last = max(r.last, n)
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

// get returns the counts of second n.
func (r *rates) get(n int64) Second {
	if s := r.slot(n); s.number == n {
		return s.Second
	}
	return Second{}
}

// A tally is a ring of the last few seconds for one number.
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
