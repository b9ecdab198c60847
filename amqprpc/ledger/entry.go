package ledger

import (
	"encoding/binary"
	"time"

	"rpcscope/amqprpc"
)

// An Entry is one event as it stands in the books and in recordings: a bounded,
// self-contained copy. Fields that the event's kind does not set are zero.
type Entry struct {
	// The embedded Event has all but the message: its field Message is nil.
	amqprpc.Event

	msg []byte // the message in stored form; nil where there is none
}

// Message returns a copy of the message, nil where the event has none.
func (e *Entry) Message() *Message {
	if e.msg == nil {
		return nil
	}
	return decodeMessage(e.msg)
}

// A clock turns times into nanoseconds since the first event and back. Within one
// process these are differences of the monotonic clock; in a recording they are
// numbers; so both give the same.
type clock struct {
	base time.Time // of the first event
	wall time.Time // the same without its monotonic reading, in UTC
	last int64     // the latest time of an event so far
}

// maxOffset keeps differences of offsets from overflowing (73 years each way).
const maxOffset = 1 << 61

// event returns the offset of an event's time. An event without one happened when
// the one before it did.
func (c *clock) event(t time.Time) int64 {
	if c.base.IsZero() {
		if y := t.Year(); t.IsZero() || y < 1 || y > 9999 { // no header line can hold it
			t = time.Unix(0, 0)
		}
		c.base, c.wall = t, t.Round(0).UTC()
		c.last = 0
		return 0
	}
	if t.IsZero() {
		return c.last
	}
	at := c.offset(t)
	c.last = max(c.last, at)
	return at
}

func (c *clock) offset(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return min(max(int64(t.Sub(c.base)), -maxOffset), maxOffset)
}

func (c *clock) time(offset int64) time.Time {
	if offset == noTime {
		return time.Time{}
	}
	return c.wall.Add(time.Duration(offset))
}

// The stored form of an event of a call. The ID is not in it, and the message comes
// last, so that a body lies at the very end.
const (
	hasIntended = 1 << iota
	hasDeadline
	hasText
	hasAnsweredBy
	hasMessage
	hasNumbers // attempt apart: epoch, code, since or delay
)

// appendEntry appends e, which happened at the offset at.
func appendEntry(dst []byte, e *Entry, at int64, c *clock) []byte {
	var flags byte
	intended, deadline := c.offset(e.Intended), c.offset(e.Deadline)
	if intended != noTime {
		flags |= hasIntended
	}
	if deadline != noTime {
		flags |= hasDeadline
	}
	if e.Text != "" {
		flags |= hasText
	}
	if e.AnsweredBy != "" {
		flags |= hasAnsweredBy
	}
	if e.msg != nil {
		flags |= hasMessage
	}
	if int64(e.Epoch|e.Code)|int64(e.Since|e.Delay) != 0 {
		flags |= hasNumbers
	}
	dst = append(dst, byte(e.Kind), byte(e.Class), byte(e.Outcome), flags)
	dst = binary.AppendVarint(dst, at)
	dst = binary.AppendVarint(dst, int64(e.Attempt))
	if flags&hasNumbers != 0 {
		dst = binary.AppendVarint(dst, int64(e.Epoch))
		dst = binary.AppendVarint(dst, int64(e.Code))
		dst = binary.AppendVarint(dst, int64(e.Since))
		dst = binary.AppendVarint(dst, int64(e.Delay))
	}
	if flags&hasIntended != 0 {
		dst = binary.AppendVarint(dst, intended)
	}
	if flags&hasDeadline != 0 {
		dst = binary.AppendVarint(dst, deadline)
	}
	if flags&hasText != 0 {
		dst = appendBytes(dst, e.Text[:min(len(e.Text), maxText)])
	}
	if flags&hasAnsweredBy != 0 {
		dst = appendBytes(dst, e.AnsweredBy[:min(len(e.AnsweredBy), maxShort)])
	}
	if flags&hasMessage != 0 {
		dst = appendBytes(dst, e.msg)
	}
	return dst
}

// takeEntry is the inverse of appendEntry.
func takeEntry(b []byte, id string, c *clock) (e Entry, rest []byte) {
	e.ID = id
	e.Kind, e.Class, e.Outcome = amqprpc.EventKind(b[0]), amqprpc.Class(b[1]), amqprpc.Outcome(b[2])
	flags := b[3]
	b = b[4:]
	next := func() (n int64) {
		n, b = takeVarint(b)
		return n
	}
	text := func() string {
		var s []byte
		s, b = takeBytes(b)
		return string(s)
	}
	e.Time = c.time(next())
	e.Attempt = int(next())
	if flags&hasNumbers != 0 {
		e.Epoch, e.Code = int(next()), int(next())
		e.Since, e.Delay = time.Duration(next()), time.Duration(next())
	}
	if flags&hasIntended != 0 {
		e.Intended = c.time(next())
	}
	if flags&hasDeadline != 0 {
		e.Deadline = c.time(next())
	}
	if flags&hasText != 0 {
		e.Text = text()
	}
	if flags&hasAnsweredBy != 0 {
		e.AnsweredBy = text()
	}
	if flags&hasMessage != 0 {
		var m []byte
		m, b = takeBytes(b)
		e.msg = append([]byte(nil), m...)
	}
	return e, b
}
