package ledger

import (
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
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

// A latency collects times.
type latency struct {
	hist     *hdr.Histogram // in µs
	n        uint64
	min, max int64   // ns
	sum      float64 // ns
}

func newLatency() latency {
	return latency{hist: hdr.New(1, maxLatency.Microseconds(), 3)}
}

func (l *latency) reset() {
	l.hist.Reset()
	*l = latency{hist: l.hist}
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
	l.hist.RecordValue(min(ns, int64(maxLatency)) / 1000) //nolint:errcheck // it fails only above maxLatency
}

func (l *latency) summary() Latency {
	if l.n == 0 {
		return Latency{}
	}
	lowest, highest := ms(l.min), ms(l.max)
	p := l.hist.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9})
	at := func(us int64) float64 { // the histogram rounds
		return min(max(float64(us)/1000, lowest), highest)
	}
	return Latency{
		Count: l.n, Min: lowest, Mean: l.sum / float64(l.n) / 1e6, Max: highest,
		P50: at(p[0]), P90: at(p[1]), P99: at(p[2]), P999: at(p[3]),
	}
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }

// bars divides the times from the minimum to p99.9 into n bars of equal width, or of equal ratio. It
// leaves out the slowest time in a thousand, which would squeeze the others.
func (l *latency) bars(n int, equalRatio bool) []Bar {
	if l.n == 0 || n <= 0 {
		return nil
	}
	lo, hi := float64(l.min/1000), float64(l.hist.ValueAtPercentile(99.9)+1)
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
	for i, count := range l.hist.Export().Counts { // Distribution takes 1.3 ms
		at := bucketStart(i)
		if at >= hi {
			break
		}
		for b < n-1 && at/1000 >= bars[b].To {
			b++
		}
		bars[b].Count += uint64(count)
	}
	return bars
}

// bucketStart returns the lowest time, in µs, in bucket i of the histogram: for three significant digits, buckets are
// 1 µs wide up to 2.048 ms, and then there are 1,024 for every doubling.
func bucketStart(i int) float64 {
	shift := max(i/1024-1, 0)
	return float64(int64(i-shift*1024) << shift)
}
