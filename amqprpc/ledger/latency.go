package ledger

import (
	"math"
	"math/bits"
	"time"
)

// A Latency summarizes times in ms. All fields are 0 if Count is.
type Latency struct {
	Count               uint64
	Min, Mean, Max      float64 // exact
	P50, P90, P99, P999 float64 // to three significant digits; up to one hour
}

// A Bar is one bar of a histogram: Count times from From to To, in ms.
type Bar struct {
	From, To float64
	Count    uint64
}

const maxLatency = time.Hour // of percentiles

// A latency collects times. Bucket i counts the times from bucketStart(i) up to bucketStart(i+1).
type latency struct {
	buckets  []uint64
	n        uint64
	min, max int64   // ns
	sum      float64 // ns
}

func newLatency() latency {
	return latency{buckets: make([]uint64, bucketOf(int64(maxLatency))+1)}
}

func (l *latency) reset() {
	clear(l.buckets)
	*l = latency{buckets: l.buckets}
}

// record adds a time in ns. A negative time, from a clock that went back, counts as 0.
func (l *latency) record(ns int64) {
	ns = max(ns, 0)
	if l.n == 0 || ns < l.min {
		l.min = ns
	}
	l.max = max(l.max, ns)
	l.n++
	l.sum += float64(ns)
	l.buckets[bucketOf(ns)]++
}

func (l *latency) summary() Latency {
	if l.n == 0 {
		return Latency{}
	}
	s := Latency{Count: l.n, Min: ms(l.min), Mean: l.sum / float64(l.n) / 1e6, Max: ms(l.max)}
	i, upTo := bucketOf(l.min), uint64(0) // buckets[:i] hold upTo times
	for _, q := range []struct {
		share float64
		value *float64
	}{{0.5, &s.P50}, {0.9, &s.P90}, {0.99, &s.P99}, {0.999, &s.P999}} {
		for rank := uint64(q.share*float64(l.n) + 0.5); upTo < max(rank, 1); i++ {
			upTo += l.buckets[i]
		}
		*q.value = min(max(bucketStart(i)-1, 0)/1000, s.Max)
		*q.value = max(*q.value, s.Min)
	}
	return s
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }

// bars divides the times from the minimum to p99.9 into n bars of equal width, or of equal ratio. It
// leaves out the slowest time in a thousand, which would squeeze the others.
func (l *latency) bars(n int, equalRatio bool) []Bar {
	if l.n == 0 || n <= 0 {
		return nil
	}
	first, last := bucketOf(l.min), bucketOf(int64(l.summary().P999*1e6))
	lo, hi := float64(l.min/1000), bucketStart(last+1)
	if equalRatio {
		lo = max(lo, 1)
	}
	bars := make([]Bar, n)
	from := lo
	for b := range bars {
		part := float64(b+1) / float64(n)
		to := lo + (hi-lo)*part
		if equalRatio {
			to = lo * math.Pow(hi/lo, part)
		}
		bars[b] = Bar{From: from / 1000, To: to / 1000}
		from = to
	}
	b := 0
	for i := first; i <= last; i++ {
		for b < n-1 && bucketStart(i)/1000 >= bars[b].To {
			b++
		}
		bars[b].Count += l.buckets[i]
	}
	return bars
}

// Buckets are 1 µs wide up to 2.048 ms, and then there are 1,024 for every doubling: three significant
// digits.

func bucketOf(ns int64) int {
	us := min(ns, int64(maxLatency)) / 1000
	shift := max(bits.Len64(uint64(us))-11, 0)
	return shift*1024 + int(us>>shift)
}

// bucketStart returns the lowest time, in µs, in bucket i.
func bucketStart(i int) float64 {
	shift := max(i/1024-1, 0)
	return float64(int64(i-shift*1024) << shift)
}
