package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// count writes a number of things: 12,408.
func count[N int | int64 | uint64](n N) string {
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

// things writes how many there are of what: 1 call, 12,408 calls.
func things[N int | int64 | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// three writes x with three significant digits, no fewer from 0.1 up and, below 1000, no more.
func three(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "?"
	}
	switch a := math.Abs(x); {
	case a == 0:
		return "0"
	case a < 0.01: // more would be noise
		return strconv.FormatFloat(x, 'g', 1, 64)
	case a < 0.9995:
		return strconv.FormatFloat(x, 'f', 3, 64)
	case a < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case a < math.MaxInt64/2:
		return count(int64(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// perSecond writes a rate: 328/s.
func perSecond(x float64) string { return three(x) + "/s" }

// percent writes a share from 0 to 1: 50.1 %.
func percent(x float64) string {
	switch {
	case math.IsNaN(x):
		return "?"
	case x == 0:
		return "0 %"
	case x > 0 && x < 0.001:
		return "<0.1 %"
	case x < 1 && x >= 0.9995: // not all of it, so do not round to that
		return ">99.9 %"
	case x >= 1:
		return "100 %"
	}
	return strconv.FormatFloat(100*x, 'f', 1, 64) + " %"
}

// millis writes a time in ms in the unit that suits it: 853 µs, 38.1 ms, 1.24 s, 12m30s.
// It is at most 7 cells wide up to a hundred hours.
func millis(ms float64) string {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0) || ms < 0:
		return "?"
	case ms == 0:
		return "0 ms"
	case ms < 0.9995:
		switch us := ms * 1000; {
		case us < 0.05: // clocks have no such digits
			return "<0.1 µs"
		case us < 9.95:
			return strconv.FormatFloat(us, 'f', 1, 64) + " µs"
		default:
			return strconv.FormatFloat(us, 'f', 0, 64) + " µs"
		}
	case ms < 999.5:
		return three(ms) + " ms"
	case ms < 599_500:
		return three(ms/1000) + " s"
	}
	return clock(time.Duration(min(ms, 1e11) * float64(time.Millisecond)))
}

// took writes a measured duration.
func took(d time.Duration) string { return millis(float64(d) / float64(time.Millisecond)) }

// clock writes a duration in whole seconds, for what changes while one looks at it:
// 41s, 12m30s, 2h05m.
func clock(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// wholeClock writes a duration that somebody has chosen in the manner of [clock]: 1m and
// not 1m00s.
func wholeClock(d time.Duration) string {
	s := clock(d)
	if d >= time.Minute {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "00s"), "00m")
	}
	return s
}

// plainDuration writes a duration that somebody has chosen: 5 s, 250 ms, 1m30s.
func plainDuration(d time.Duration) string {
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
