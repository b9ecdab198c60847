package text

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Any number is written short and printable, and reads back as itself.
func FuzzNumbers(f *testing.F) {
	for _, x := range []float64{0, -1, 0.0001, 0.0625, 0.9996, 9.996, 99.96, 999.6, 1e6, 599_499.9, 1e30, math.NaN(), math.Inf(1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(x, int64(x))
	}
	f.Add(1.5, int64(math.MaxInt64))
	f.Add(1.5, int64(math.MinInt64))
	f.Add(1.5, int64(90*time.Minute))
	f.Fuzz(func(t *testing.T, x float64, n int64) {
		d := time.Duration(n)
		for name, s := range map[string]string{
			"Count": Count(n), "Number": Number(x), "PerSecond": PerSecond(x), "Percent": Percent(x), "Millis": Millis(x),
			"Duration": Duration(d), "Clock": Clock(d), "ShortClock": ShortClock(d), "ExactDuration": ExactDuration(d), "Offset": Offset(d),
			"Age": Age(d),
		} {
			if harmless(t, s, 40); s == "" {
				t.Errorf("%s of %v and %v is empty", name, x, d)
			}
		}
		if back, err := strconv.ParseInt(strings.ReplaceAll(Count(n), ",", ""), 10, 64); err != nil || back != n {
			t.Errorf("%d is counted as %q", n, Count(n))
		}
		if text := Number(x); math.Abs(x) < 1e300 { // beyond, rounding up overflows
			off := 0.00501
			switch a := math.Abs(x); {
			case a < 0.01:
				off = 0.501
			case a < 0.1:
				off = 0.0501
			}
			if back, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64); err != nil || math.Abs(back-x) > off*math.Abs(x) {
				t.Errorf("%v is written %q: %v", x, text, back)
			}
		}
		if ms := Millis(x); x >= 0 && x < 3.6e8 && Width(ms) > 7 {
			t.Errorf("%v ms is written %q", x, ms)
		}
		if d < 0 || d > math.MaxInt64-time.Second { // rounding up would overflow
			return
		}
		unit := time.Second
		if d.Round(time.Second) >= time.Hour {
			unit = time.Minute
		}
		for _, text := range []string{Clock(d), ShortClock(d)} {
			if back, err := time.ParseDuration(text); err != nil || back != d.Round(time.Second).Truncate(unit) {
				t.Errorf("%v is written %q: %v, %v", d, text, back, err)
			}
		}
		if back, err := time.ParseDuration(strings.ReplaceAll(ExactDuration(d), " ", "")); err != nil || (back-d).Abs() > 1 {
			t.Errorf("%v is written %q: %v, %v", d, ExactDuration(d), back, err)
		}
	})
}
