package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

// Bars cover the times from the minimum to p99.9 and count each once.
func TestBars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLatency()
		times := rapid.SliceOfN(rapid.Int64Range(0, 1e11), 1, 200).Draw(t, "times")
		for _, ns := range times {
			l.record(ns)
		}
		for _, log := range []bool{false, true} {
			n := rapid.IntRange(1, 40).Draw(t, "bars")
			bars := l.bars(n, log)
			var sum uint64
			for i, b := range bars {
				if !(b.From <= b.To) || i > 0 && b.From != bars[i-1].To {
					t.Fatalf("bars %+v", bars)
				}
				sum += b.Count
			}
			if len(bars) != n || sum > l.n || !log && sum+1 < l.n*99/100 {
				t.Fatalf("%d bars with %d of %d times: %+v", len(bars), sum, l.n, bars)
			}
		}
		s := l.summary()
		if !(s.Min <= s.P50 && s.P50 <= s.P90 && s.P90 <= s.P99 && s.P99 <= s.P999 && s.P999 <= s.Max && s.Min <= s.Mean+1e-9 && s.Mean <= s.Max+1e-9) {
			t.Fatalf("%+v", s)
		}
	})
}

// The buckets that bars count in are those of hdrhistogram-go.
func TestBucketStart(t *testing.T) {
	l := newLatency()
	l.record(int64(maxLatency))
	buckets := l.hist.Distribution()
	if len(buckets) < 20_000 {
		t.Fatalf("%d buckets", len(buckets))
	}
	for i, b := range buckets {
		if at := bucketStart(i); at != float64(b.From) {
			t.Fatalf("bucket %d starts at %v, and at %d in the histogram", i, at, b.From)
		}
	}
}
