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
type rates []second

type second struct {
	number int64 // since the first event; 0 too if the slot is empty
	Second
}

func secondOf(at int64) int64 { return at / int64(time.Second) }

// at returns the second to count an event in. An event that is older than all of them counts in a newer one.
func (r rates) at(at int64) *Second {
	n := secondOf(at)
	s := &r[n%int64(len(r))]
	if s.number < n {
		*s = second{number: n}
	}
	return &s.Second
}

// get returns the counts of second n, which may be before the first.
func (r rates) get(n int64) Second {
	if n >= 0 && r[n%int64(len(r))].number == n {
		return r[n%int64(len(r))].Second
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
