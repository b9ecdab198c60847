package ledger

import (
	"math"
	"time"
)

// noTime is the offset of the zero time.
const noTime = math.MinInt64

// maxOffset keeps differences of offsets from overflowing (73 years each way).
const maxOffset = 1 << 61

// A clock converts between times and offsets: nanoseconds since the first event. A live ledger
// gets the offsets from the monotonic clock and a replayed one from the recording, so both have
// the same.
type clock struct {
	base time.Time // of the first event
	wall time.Time // base in UTC, without its monotonic reading
	last int64     // the largest offset of an event so far
}

// event returns the offset of an event, at least 0. An event without a time happened when the one before
// it did.
func (c *clock) event(t time.Time) int64 {
	if c.base.IsZero() {
		if y := t.Year(); t.IsZero() || y < 1 || y > 9999 { // RFC 3339 has no such years
			t = time.Unix(0, 0)
		}
		c.base, c.wall = t, t.Round(0).UTC()
		return 0
	}
	if t.IsZero() {
		return c.last
	}
	at := max(c.offset(t), 0)
	c.last = max(c.last, at)
	return at
}

func (c *clock) offset(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return clampOffset(int64(t.Sub(c.base)))
}

func (c *clock) time(offset int64) time.Time {
	if offset == noTime {
		return time.Time{}
	}
	return c.wall.Add(time.Duration(offset))
}

func clampOffset(ns int64) int64 { return min(max(ns, -maxOffset), maxOffset) }
