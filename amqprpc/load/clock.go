package load

import "time"

// A clock tells how long a phase of the load has lasted, pauses left out ("load
// time"), and translates back.
type clock struct {
	origin  time.Time     // when the phase began
	pauses  time.Duration // the sum of all pauses that are over
	stopped time.Time     // when the present pause began; zero when there is none
}

// at returns the load time at a moment that is not before the last pause or resume.
func (c *clock) at(now time.Time) time.Duration {
	if !c.stopped.IsZero() {
		now = c.stopped
	}
	return now.Sub(c.origin) - c.pauses
}

// wall returns the moment of a load time, which must not be before the end of the
// last pause for the answer to be what it was. For calls that have not started
// this is what is wanted: a pause shifts them.
func (c *clock) wall(elapsed time.Duration) time.Time {
	return c.origin.Add(c.pauses + elapsed)
}

func (c *clock) pause(now time.Time) {
	if c.stopped.IsZero() {
		c.stopped = now
	}
}

func (c *clock) resume(now time.Time) {
	if !c.stopped.IsZero() {
		c.pauses += now.Sub(c.stopped)
		c.stopped = time.Time{}
	}
}
