package ledger

import (
	"math"
	"math/bits"
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

// A latency collects times. It keeps a histogram of three significant digits for percentiles and a
// coarser one, spread, for bars: hdr can list its counts only by allocating 0.5 MB.
type latency struct {
	hist     *hdr.Histogram
	spread   []uint64
	n        uint64
	min, max int64   // ns
	sum      float64 // ns
}

func newLatency() latency {
	return latency{
		hist:   hdr.New(1, maxLatency.Microseconds(), 3),
		spread: make([]uint64, spreadIndex(maxLatency.Microseconds())+1),
	}
}

func (l *latency) reset() {
	l.hist.Reset()
	clear(l.spread)
	l.n, l.min, l.max, l.sum = 0, 0, 0, 0
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
	us := min(ns, int64(maxLatency)) / 1000
	_ = l.hist.RecordValue(us) // fails only above maxLatency
	l.spread[spreadIndex(us)]++
}

var quantiles = []float64{50, 90, 99, 99.9}

func (l *latency) summary() Latency {
	if l.n == 0 {
		return Latency{}
	}
	p := l.hist.ValueAtPercentilesSlice(quantiles)
	lowest, highest := ms(l.min), ms(l.max)
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
	lo := float64(l.min / 1000)
	hi := float64(l.hist.ValueAtPercentile(99.9) + 1)
	if equalRatio {
		lo = max(lo, 1)
	}
	edge := func(i int) float64 {
		if equalRatio {
			return lo * math.Pow(hi/lo, float64(i)/float64(n))
		}
		return lo + (hi-lo)*float64(i)/float64(n)
	}
	i, below := 0, uint64(0) // spread[:i] holds below
	upTo := func(x float64) uint64 {
		for i < len(l.spread) && spreadValue(i+1) <= x {
			below += l.spread[i]
			i++
		}
		if i == len(l.spread) {
			return below
		}
		from, to := max(spreadValue(i), lo), min(spreadValue(i+1), hi)
		if x <= from || to <= from {
			return below
		}
		part := min((x-from)/(to-from), 1)
		return below + uint64(math.Round(part*float64(l.spread[i])))
	}
	bars := make([]Bar, n)
	done := upTo(lo)
	for b := range bars {
		count := max(upTo(edge(b+1)), done)
		bars[b] = Bar{From: edge(b) / 1000, To: edge(b+1) / 1000, Count: count - done}
		done = count
	}
	return bars
}

// The spread has 64 buckets for every doubling, so about 1.1 % each.

func spreadIndex(us int64) int {
	if us < 128 {
		return int(us)
	}
	shift := bits.Len64(uint64(us)) - 7
	return shift*64 + int(us>>shift)
}

// spreadValue returns the lowest time, in µs, in bucket i.
func spreadValue(i int) float64 {
	if i < 128 {
		return float64(i)
	}
	shift := i/64 - 1
	return float64(int64(i-shift*64) << shift)
}
