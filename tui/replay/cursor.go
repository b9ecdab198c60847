package replay

import (
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A checkpoint is a place in a recording, between two events, and the books as they are
// there.
type checkpoint struct {
	books  *ledger.Ledger
	place  ledger.Place  // of the next event
	events int           // before it
	origin time.Time     // of the first event; not known before it has been read
	now    time.Duration // of the last event, since the first one
	last   event
	// waiting is how many calls were in flight, in a checkpoint of an index.
	waiting int
}

// clone returns a copy that books of its own.
func (c checkpoint) clone() checkpoint {
	c.books = c.books.Clone()
	return c
}

// An event is what a screen says of one, in words.
type event struct {
	kind    amqprpc.EventKind
	class   amqprpc.Class
	outcome amqprpc.Outcome
	id      string
}

// words is what became of which call.
func (e event) words() string {
	what := e.kind.String()
	switch e.kind {
	case amqprpc.EventReply:
		what = e.class.String()
		if e.class == amqprpc.Answer && e.outcome != amqprpc.Completed {
			what += " (" + e.outcome.String() + ")"
		}
	case ledger.EventWrong:
		what = "wrong answer"
	case ledger.EventReset:
		what = "reset"
	case amqprpc.EventFailed:
		what += " (" + e.outcome.String() + ")"
	case amqprpc.NoEvent:
		return ""
	}
	if e.id != "" {
		what += " " + e.id
	}
	return what
}

// incident says whether an event is what one looks for.
func (e event) incident() lab.Incident {
	switch {
	case e.kind == amqprpc.EventFailed, e.kind == ledger.EventWrong:
		return lab.FailedCall
	case e.kind != amqprpc.EventReply:
		return 0
	case e.class == amqprpc.Duplicate:
		return lab.DuplicateReply
	case e.class == amqprpc.Late, e.class == amqprpc.Unknown:
		return lab.OrphanedReply
	case e.outcome == amqprpc.Remote:
		return lab.FailedCall
	}
	return 0
}

// A cursor goes through a recording, event by event.
type cursor struct {
	checkpoint
	in   *ledger.Reader
	next *ledger.Entry // nil where there is none
	due  time.Duration // when it happens
	err  error         // why there is none: io.EOF or damage
}

// read looks at the next event.
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

// step lets the next event happen, of which there is one.
func (c *cursor) step() {
	e := c.next
	c.books.Apply(e)
	c.events++
	c.now, c.last = c.due, event{e.Kind, e.Class, e.Outcome, e.ID}
	c.read()
}

// atEnd reports whether there is nothing more.
func (c *cursor) atEnd() bool { return c.next == nil }

// A goal is a place to go to: where so many events have happened, or, where Events is
// below zero, all those that happen until then.
type goal struct {
	events int
	until  time.Duration
}

func afterEvents(n int) goal          { return goal{events: n} }
func afterTime(d time.Duration) goal  { return goal{events: -1, until: d} }
func (g goal) byTime() bool           { return g.events < 0 }
func (g goal) reached(c *cursor) bool { return c.atEnd() || !g.more(c.events, c.due) }

// more reports whether an event that has so many before it, and happens then, is still to
// happen.
func (g goal) more(before int, due time.Duration) bool {
	if g.byTime() {
		return due <= g.until
	}
	return before < g.events
}

// passed reports whether a checkpoint is beyond the goal.
func (g goal) passed(c *checkpoint) bool {
	return c.events > 0 && !g.more(c.events-1, c.now)
}
