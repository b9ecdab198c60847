package tui

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(12408), "12,408"},
		{count(1234567), "1,234,567"}, {count(-123), "-123"}, {count(-1234), "-1,234"},
		{count(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"},
		{things(1, "call", "calls"), "1 call"}, {things(0, "call", "calls"), "0 calls"}, {things(2000, "call", "calls"), "2,000 calls"},

		{perSecond(0), "0/s"}, {perSecond(0.0832), "0.083/s"}, {perSecond(3.276), "3.28/s"}, {perSecond(32.76), "32.8/s"},
		{perSecond(327.6), "328/s"}, {perSecond(12408.4), "12,408/s"}, {perSecond(9.996), "10.0/s"}, {perSecond(99.96), "100/s"},
		{perSecond(math.NaN()), "?/s"}, {perSecond(1e300), "1e+300/s"},

		{percent(0), "0 %"}, {percent(0.0004), "<0.1 %"}, {percent(0.206), "20.6 %"}, {percent(0.9999), ">99.9 %"}, {percent(1), "100 %"},

		{millis(0), "0 ms"}, {millis(0.0005), "0.5 µs"}, {millis(0.00001), "<0.1 µs"}, {millis(0.0126), "13 µs"}, {millis(0.853), "853 µs"}, {millis(0.9996), "1.00 ms"},
		{millis(1.236), "1.24 ms"}, {millis(38.14), "38.1 ms"}, {millis(120.4), "120 ms"}, {millis(999.4), "999 ms"},
		{millis(999.6), "1.00 s"}, {millis(61_240), "61.2 s"}, {millis(599_600), "10m00s"}, {millis(3_600_000), "1h00m"},
		{millis(math.Inf(1)), "?"}, {millis(-1), "?"},

		{clock(0), "0s"}, {clock(-time.Second), "0s"}, {clock(41400 * time.Millisecond), "41s"}, {clock(59600 * time.Millisecond), "1m00s"},
		{clock(750 * time.Second), "12m30s"}, {clock(7500 * time.Second), "2h05m"},

		{wholeClock(time.Second), "1s"}, {wholeClock(time.Minute), "1m"}, {wholeClock(90 * time.Second), "1m30s"},
		{wholeClock(time.Hour), "1h"}, {wholeClock(10 * time.Minute), "10m"}, {wholeClock(2*time.Hour + time.Minute), "2h01m"},

		{plainDuration(5 * time.Second), "5 s"}, {plainDuration(1500 * time.Millisecond), "1.5 s"},
		{plainDuration(250 * time.Millisecond), "250 ms"}, {plainDuration(90 * time.Second), "1m30s"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestNumbersAreNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Float64Range(0, 100*3600*1000-1e5).Draw(t, "ms")
		if s := millis(ms); cells(s) > 7 {
			t.Fatalf("millis(%v) = %q", ms, s)
		}
		x := rapid.Float64Range(0, 1).Draw(t, "x")
		if s := percent(x); cells(s) > shareCells {
			t.Fatalf("percent(%v) = %q", x, s)
		}
		n := rapid.IntRange(0, 50).Draw(t, "n")
		if b := bar(x, n); cells(b) > n || x > 0 && n > 0 && b == "" {
			t.Fatalf("bar(%v, %d) = %q", x, n, b)
		}
	})
}
