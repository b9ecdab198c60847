package load

import "time"

// A clock measures the time that a phase has lasted without its pauses: load time.
type clock struct {
	origin time.Time     // when the phase began
	pauses time.Duration // sum of the pauses that are over
	paused time.Time     // when the present pause began, or zero
}

// at returns the load time at a moment that is not before the last pause or resume.
func (c *clock) at(now time.Time) time.Duration {
	if !c.paused.IsZero() {
		now = c.paused
	}
	return now.Sub(c.origin) - c.pauses
}

// wall returns the moment of a load time. Later pauses postpone it.
func (c *clock) wall(elapsed time.Duration) time.Time {
	return c.origin.Add(c.pauses + elapsed)
}

func (c *clock) pause(now time.Time) {
	if c.paused.IsZero() {
		c.paused = now
	}
}

func (c *clock) resume(now time.Time) {
	if !c.paused.IsZero() {
		c.pauses += now.Sub(c.paused)
		c.paused = time.Time{}
	}
}
