package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Count writes a whole number: 12,408.
func Count[N int | int64 | uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	if n > 0 {
		s = strconv.FormatUint(uint64(n), 10)
	}
	first := 0
	if s[0] == '-' {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Brief writes a count in at most 5 cells: 12.4k.
func Brief(n uint64) string {
	x := float64(n)
	for _, unit := range []string{"", "k", "M", "G", "T", "P"} {
		switch {
		case unit == "" && n < 1000:
			return strconv.FormatUint(n, 10)
		case unit != "" && x < 99.95:
			return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0") + unit
		case unit != "" && x < 999.5:
			return strconv.FormatFloat(x, 'f', 0, 64) + unit
		}
		x /= 1000
	}
	return "many"
}

// Plural writes a count with its noun: 1 call, 12,408 calls.
func Plural[N int | int64 | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Number writes x with three significant digits: exactly three from 0.1 to 1000, fewer below and more above.
func Number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "?"
	}
	switch a := math.Abs(x); {
	case a == 0:
		return "0"
	case a < 0.01: // more digits would be noise
		return strconv.FormatFloat(x, 'g', 1, 64)
	case a < 0.9995:
		return strconv.FormatFloat(x, 'f', 3, 64)
	case a < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case a < math.MaxInt64/2:
		return Count(int64(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// PerSecond writes a rate: 328/s.
func PerSecond(x float64) string { return Number(x) + "/s" }

// Percent writes a share from 0 to 1: 50.1 %.
func Percent(x float64) string {
	switch {
	case math.IsNaN(x):
		return "?"
	case x == 0:
		return "0 %"
	case x > 0 && x < 0.001:
		return "<0.1 %"
	case x < 1 && x >= 0.9995: // do not round to 100 %
		return ">99.9 %"
	case x >= 1:
		return "100 %"
	}
	return strconv.FormatFloat(100*x, 'f', 1, 64) + " %"
}

// Millis writes a time in ms in a fitting unit: 853 µs, 38.1 ms, 1.24 s, 12m30s. It takes at most 7 cells up to a hundred
// hours.
func Millis(ms float64) string {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0) || ms < 0:
		return "?"
	case ms == 0:
		return "0 ms"
	case ms < 0.9995:
		switch us := ms * 1000; {
		case us < 0.05: // below the resolution of clocks
			return "<0.1 µs"
		case us < 9.95:
			return strconv.FormatFloat(us, 'f', 1, 64) + " µs"
		default:
			return strconv.FormatFloat(us, 'f', 0, 64) + " µs"
		}
	case ms < 999.5:
		return Number(ms) + " ms"
	case ms < 599_500:
		return Number(ms/1000) + " s"
	}
	return Clock(time.Duration(min(ms, 1e11) * float64(time.Millisecond)))
}

// Duration writes a measured duration as [Millis] does.
func Duration(d time.Duration) string { return Millis(float64(d) / float64(time.Millisecond)) }

// Clock writes a duration that goes on, in whole seconds: 41s, 12m30s, 2h05m.
func Clock(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// ShortClock is [Clock] without zero units at the end: 1m rather than 1m00s.
func ShortClock(d time.Duration) string {
	s := Clock(d)
	if d >= time.Minute {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "00s"), "00m")
	}
	return s
}

// PlayClock writes a time in a recording: 1:40.000, 2:05:00.000.
func PlayClock(d time.Duration) string {
	ms := max(d, 0).Milliseconds()
	h, m, s := ms/3_600_000, ms/60_000%60, fmt.Sprintf("%02d.%03d", ms/1000%60, ms%1000)
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%s", h, m, s)
	}
	return fmt.Sprintf("%d:%s", m, s)
}

// ExactDuration writes a duration that someone has set: 5 s, 250 ms, 1m30s.
func ExactDuration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.String()
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	}
	return d.String()
}

// Age writes a duration that goes on, in at most 7 cells and without digits that flicker.
func Age(d time.Duration) string {
	if d = max(d, 0); d >= time.Millisecond && d < time.Second {
		return strconv.Itoa(int(d/time.Millisecond)) + " ms"
	}
	return Duration(d)
}

// Offset writes a duration after, or before, some other time: +1.24 s, -853 µs.
func Offset(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d == 0:
		return "0 ms"
	}
	return "+" + Duration(d)
}
