package load

import (
	"math"
	"time"
)

// A schedule is the load time at which each call of an open model is meant to start. It consists of segments of
// constant rate. Times within a segment are multiplied and not added up, so they do not drift.
type schedule struct {
	// segments is never empty. The segments before the last one hold calls that were due when the rate changed
	// and have not started, so there are at most as many as calls in the backlog.
	segments []segment
}

// A segment starts with the call number first at the load time at.
type segment struct {
	first int64
	at    time.Duration
	rate  float64 // per second
}

func (s *schedule) last() *segment { return &s.segments[len(s.segments)-1] }

// offset returns the load time of call k of the segment.
func (s *segment) offset(k int64) time.Duration {
	return s.at + time.Duration(math.Round(float64(k-s.first)*1e9/s.rate))
}

// due returns the number of calls that are due at load time e.
func (s *schedule) due(e time.Duration) int64 {
	seg := s.last()
	if e < seg.at {
		return seg.first
	}
	k := seg.first + int64(float64(e-seg.at)*seg.rate/1e9)
	for seg.offset(k) <= e { // rounding makes k wrong by one at most
		k++
	}
	for k > seg.first && seg.offset(k-1) > e {
		k--
	}
	return k
}

// start returns the load time of call k and drops the segments before it, so k must not decrease.
func (s *schedule) start(k int64) time.Duration {
	for len(s.segments) > 1 && s.segments[1].first <= k {
		s.segments = s.segments[1:]
	}
	return s.segments[0].offset(k)
}

// setRate changes the rate at load time e. Calls that are due keep their times, and the rest of the present interval
// is scaled.
func (s *schedule) setRate(e time.Duration, rate float64) {
	old := s.last()
	k := s.due(e)
	left := math.Round(float64(old.offset(k)-e) * old.rate / rate)
	next := segment{first: k, at: e + time.Duration(left), rate: rate}
	if old.first == k { // none of its calls is due
		*old = next
		return
	}
	s.segments = append(s.segments, next)
}
