package text

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(12408), "12,408"},
		{Count(1234567), "1,234,567"}, {Count(-123), "-123"}, {Count(-1234), "-1,234"},
		{Count(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"},
		{Plural(1, "call", "calls"), "1 call"}, {Plural(0, "call", "calls"), "0 calls"}, {Plural(2000, "call", "calls"), "2,000 calls"},

		{PerSecond(0), "0/s"}, {PerSecond(0.0832), "0.083/s"}, {PerSecond(3.276), "3.28/s"}, {PerSecond(32.76), "32.8/s"},
		{PerSecond(327.6), "328/s"}, {PerSecond(12408.4), "12,408/s"}, {PerSecond(9.996), "10.0/s"}, {PerSecond(99.96), "100/s"},
		{PerSecond(math.NaN()), "?/s"}, {PerSecond(1e300), "1e+300/s"},

		{Percent(0), "0 %"}, {Percent(0.0004), "<0.1 %"}, {Percent(0.206), "20.6 %"}, {Percent(0.9999), ">99.9 %"}, {Percent(1), "100 %"},

		{Millis(0), "0 ms"}, {Millis(0.0005), "0.5 µs"}, {Millis(0.00001), "<0.1 µs"}, {Millis(0.0126), "13 µs"}, {Millis(0.853), "853 µs"}, {Millis(0.9996), "1.00 ms"},
		{Millis(1.236), "1.24 ms"}, {Millis(38.14), "38.1 ms"}, {Millis(120.4), "120 ms"}, {Millis(999.4), "999 ms"},
		{Millis(999.6), "1.00 s"}, {Millis(61_240), "61.2 s"}, {Millis(599_600), "10m00s"}, {Millis(3_600_000), "1h00m"},
		{Millis(math.Inf(1)), "?"}, {Millis(-1), "?"},

		{Clock(0), "0s"}, {Clock(-time.Second), "0s"}, {Clock(41400 * time.Millisecond), "41s"}, {Clock(59600 * time.Millisecond), "1m00s"},
		{Clock(750 * time.Second), "12m30s"}, {Clock(7500 * time.Second), "2h05m"},

		{ShortClock(time.Second), "1s"}, {ShortClock(time.Minute), "1m"}, {ShortClock(90 * time.Second), "1m30s"},
		{ShortClock(time.Hour), "1h"}, {ShortClock(10 * time.Minute), "10m"}, {ShortClock(2*time.Hour + time.Minute), "2h01m"},

		{ExactDuration(5 * time.Second), "5 s"}, {ExactDuration(1500 * time.Millisecond), "1.5 s"},
		{ExactDuration(250 * time.Millisecond), "250 ms"}, {ExactDuration(90 * time.Second), "1m30s"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestNumbersAreNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Float64Range(0, 100*3600*1000-1e5).Draw(t, "ms")
		if s := Millis(ms); Width(s) > 7 {
			t.Fatalf("millis(%v) = %q", ms, s)
		}
		x := rapid.Float64Range(0, 1).Draw(t, "x")
		if s := Percent(x); Width(s) > 7 {
			t.Fatalf("percent(%v) = %q", x, s)
		}
		n := rapid.IntRange(0, 50).Draw(t, "n")
		if b := Bar(x, n); Width(b) > n || x > 0 && n > 0 && b == "" {
			t.Fatalf("bar(%v, %d) = %q", x, n, b)
		}
	})
}

func TestBrief(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 999: "999", 1000: "1k", 1040: "1k", 1500: "1.5k", 12_327: "12.3k", 99_949: "99.9k", 99_950: "100k", 999_499: "999k", 999_500: "1M",
		12_345_678: "12.3M", 5e9: "5G", 1e18: "many",
	} {
		if got := Brief(n); got != want || Width(got) > 5 {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
