package replay

import (
	"time"

	"rpcscope/amqprpc/ledger"
)

// A checkpoint is a place between two events of a recording, with the state of the ledger there.
type checkpoint struct {
	state    *ledger.Ledger
	place    ledger.Place  // of the next event
	events   int           // before it
	origin   time.Time     // of the first event, zero before it has been read
	now      time.Duration // of the last event, since the first one
	last     event
	inFlight int // calls, in a checkpoint of an index
}

// clone returns a copy with its own state.
func (c checkpoint) clone() checkpoint {
	c.state = c.state.Clone()
	return c
}

// A cursor steps through a recording.
type cursor struct {
	checkpoint
	in   *ledger.Reader
	next *ledger.Entry // nil at the end
	due  time.Duration // time of next
	err  error         // io.EOF or the damage, at the end
}

// read reads the next event.
func (c *cursor) read() {
	c.place = c.in.Place()
	if c.next, c.err = c.in.Next(); c.err != nil {
		return
	}
	if c.events == 0 {
		c.origin = c.next.Time
	}
	c.due = max(c.next.Time.Sub(c.origin), c.now)
}

// step applies the next event. There must be one.
func (c *cursor) step() {
	e := c.next
	c.state.Apply(e)
	c.events++
	c.now, c.last = c.due, event{e.Kind, e.Class, e.Outcome, e.ID}
	c.read()
}

func (c *cursor) atEnd() bool { return c.next == nil }

// A goal is the place after a number of events or, if events is negative, after all events up to a time.
type goal struct {
	events int
	until  time.Duration
}

func afterEvents(n int) goal         { return goal{events: n} }
func afterTime(d time.Duration) goal { return goal{events: -1, until: d} }

func (g goal) byTime() bool { return g.events < 0 }

func (g goal) reached(c *cursor) bool { return c.atEnd() || !g.includes(c.events, c.due) }

// includes reports whether an event is before the goal. n is the number of events before it.
func (g goal) includes(n int, due time.Duration) bool {
	if g.byTime() {
		return due <= g.until
	}
	return n < g.events
}

// passed reports whether a checkpoint is beyond the goal.
func (g goal) passed(c *checkpoint) bool {
	return c.events > 0 && !g.includes(c.events-1, c.now)
}
