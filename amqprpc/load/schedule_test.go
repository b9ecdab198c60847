package load

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// due is the inverse of offset at every rate, also after hours.
func TestScheduleInverse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := schedule{[]segment{{rate: rapid.Float64Range(MinRate, MaxRate).Draw(rt, "rate")}}}
		e := time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(rt, "elapsed"))
		k := s.due(e)
		if s.last().offset(k) <= e {
			rt.Errorf("call %d is not due at %v but was meant for %v", k, e, s.last().offset(k))
		}
		if k < 1 || s.start(k-1) > e {
			rt.Errorf("call %d is due at %v but meant for %v", k-1, e, s.start(k-1))
		}
	})
}

// If the rate changes, calls stay in order and in time, their number is the integral of the rate, and the number of
// segments is bounded by the backlog.
func TestScheduleChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.Float64Range(0.1, 10_000).Draw(rt, "rate")
		s := schedule{[]segment{{rate: rate}}}
		var e, last time.Duration
		next := int64(0)
		expected := 1.0
		for range rapid.IntRange(1, 50).Draw(rt, "steps") {
			d := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(rt, "later"))
			e += d
			expected += d.Seconds() * rate
			due := s.due(e)
			if math.Abs(float64(due)-expected) > 1.001 { // changes are rounded to 1 ns
				rt.Fatalf("%d calls are due, the rates make %.3f", due, expected)
			}
			for n := rapid.Int64Range(0, due-next).Draw(rt, "started"); n > 0; n-- {
				at := s.start(next)
				if at < last || at > e {
					rt.Fatalf("call %d at %v, the one before it at %v, now is %v", next, at, last, e)
				}
				last = at
				next++
			}
			rate = rapid.OneOf(rapid.Just(MinRate), rapid.Float64Range(0.1, 10_000)).Draw(rt, "rate")
			s.setRate(e, rate)
			if s.due(e) != due {
				rt.Fatalf("%d were due before the change, %d after it", due, s.due(e))
			}
			if int64(len(s.segments)) > due-next+2 {
				rt.Fatalf("%d segments for a backlog of %d", len(s.segments), due-next)
			}
		}
	})
}

// A load may make more calls than 32 bits can count. If a count is an int, this does not compile for 32 bits.
func TestCountsOf64Bits(t *testing.T) {
	s := schedule{[]segment{{rate: MaxRate}}}
	if n := s.due(2 * time.Hour); n != 7_200_000_001 {
		t.Errorf("%d calls are due", n)
	}
	if at := s.start(7_200_000_000); at != 2*time.Hour {
		t.Errorf("the last one is due at %v", at)
	}
	for _, p := range []Progress{{Count: 1 << 40, Completed: 1 << 39}, {Count: 1 << 40, Failed: 1 << 39}} {
		if f := p.Fraction(); f != 0.5 {
			t.Errorf("%+v: %v of it is over", p, f)
		}
	}
	l := newLoad(t, newRecorder(work(0)), Plan{Count: 1 << 40, Rate: 1})
	l.result = Result{Started: 1 << 40, Completed: 1 << 39, Failed: 1<<39 - 7, Wrong: 1 << 38, Missed: 1 << 36}
	if n := l.outstanding(); n != 7 {
		t.Errorf("%d are outstanding", n)
	}
}
