package load

import (
	"math"
	"time"
)

// A schedule says at which load time each call of an open model is meant to
// start. It is a sequence of segments of constant rate. Within a segment times
// are multiplied, not added up, so that nothing drifts.
type schedule struct {
	// segments is never empty. All but the last hold calls that were due when the
	// rate was changed and have not been asked for since, so that there are never
	// more than the backlog plus one.
	segments []segment
}

// A segment's first call is due at `at`, the others follow at rate per second.
type segment struct {
	first int64
	at    time.Duration
	rate  float64
}

func newSchedule(rate float64) schedule {
	return schedule{segments: []segment{{rate: rate}}}
}

func (s *schedule) last() *segment { return &s.segments[len(s.segments)-1] }

// offset returns when call k of the segment is due.
func (s *segment) offset(k int64) time.Duration {
	return s.at + time.Duration(math.Round(float64(k-s.first)*1e9/s.rate))
}

// due returns how many calls are due at load time e: the number of the first that
// is not.
func (s *schedule) due(e time.Duration) int64 {
	seg := s.last()
	if e < seg.at {
		return seg.first
	}
	k := seg.first + int64(float64(e-seg.at)*seg.rate/1e9)
	// The estimate is off by one at most on either side, by rounding.
	for seg.offset(k) <= e {
		k++
	}
	for k > seg.first && seg.offset(k-1) > e {
		k--
	}
	return k
}

// next returns when call k, which must not be due yet, is due.
func (s *schedule) next(k int64) time.Duration { return s.last().offset(k) }

// start returns when call k is meant to start. Calls must be asked for in order:
// segments that lie before k are forgotten.
func (s *schedule) start(k int64) time.Duration {
	for len(s.segments) > 1 && s.segments[1].first <= k {
		s.segments = s.segments[1:]
	}
	return s.segments[0].offset(k)
}

// setRate changes the rate at load time e. Calls that are due keep their times;
// what is left of the present interval shrinks or grows with the rate.
func (s *schedule) setRate(e time.Duration, rate float64) {
	old := s.last()
	k := s.due(e)
	left := math.Round(float64(old.offset(k)-e) * old.rate / rate)
	next := segment{first: k, at: e + time.Duration(left), rate: rate}
	if old.first == k { // none of its calls is due: as if it had never been
		*old = next
		return
	}
	s.segments = append(s.segments, next)
}
