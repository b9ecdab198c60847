package ledger

import (
	"encoding/binary"
	"time"

	"rpcscope/amqprpc"
)

// A story is stored as one run of bytes: its memory is reused, its size is known, and the garbage
// collector has nothing to scan. The correlation ID is not stored, and the body comes last.

// Bits of the flags of a stored event.
const (
	hasIntended = 1 << iota
	hasDeadline
	hasNumbers // Epoch, Code, Since or Delay
	hasMessage
	isRedelivered
	hasTimestamp
)

// storyReserve is at least the size of a stored event without headers and body.
const storyReserve = eventFixed + maxText + maxShort + nShortStrings*(maxShort+2)

// eventFixed is at least the size of the numbers and lengths in a stored event: six bytes and at most
// fourteen varints.
const eventFixed = 192

func appendEntry(dst []byte, e *Entry, at int64, c *clock) []byte {
	var flags byte
	if !e.Intended.IsZero() {
		flags |= hasIntended
	}
	if !e.Deadline.IsZero() {
		flags |= hasDeadline
	}
	if int64(e.Epoch|e.Code)|int64(e.Since|e.Delay) != 0 {
		flags |= hasNumbers
	}
	m := e.message
	if m != nil {
		flags |= hasMessage
		if m.Redelivered {
			flags |= isRedelivered
		}
		if !m.Timestamp.IsZero() {
			flags |= hasTimestamp
		}
	}
	dst = append(dst, flags, byte(e.Kind), byte(e.Class), byte(e.Outcome))
	dst = binary.AppendVarint(dst, at)
	dst = binary.AppendVarint(dst, int64(e.Attempt))
	if flags&hasNumbers != 0 {
		dst = binary.AppendVarint(dst, int64(e.Epoch))
		dst = binary.AppendVarint(dst, int64(e.Code))
		dst = binary.AppendVarint(dst, int64(e.Since))
		dst = binary.AppendVarint(dst, int64(e.Delay))
	}
	if flags&hasIntended != 0 {
		dst = binary.AppendVarint(dst, c.offset(e.Intended))
	}
	if flags&hasDeadline != 0 {
		dst = binary.AppendVarint(dst, c.offset(e.Deadline))
	}
	dst = appendString(dst, prefix(e.Text, maxText))
	dst = appendString(dst, prefix(e.AnsweredBy, maxShort))
	if m != nil {
		dst = appendMessage(dst, m)
	}
	return dst
}

func appendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, m.DeliveryMode, m.Priority)
	if !m.Timestamp.IsZero() {
		dst = binary.AppendVarint(dst, m.Timestamp.Unix())
	}
	for _, s := range m.shortStrings() {
		dst = appendString(dst, *s)
	}
	dst = binary.AppendVarint(dst, int64(m.HeadersTotal))
	dst = binary.AppendVarint(dst, int64(len(m.Headers)))
	for i := range m.Headers {
		h := &m.Headers[i]
		dst = appendString(dst, h.Key)
		dst = appendString(dst, h.Type)
		dst = appendString(dst, h.Value)
		if h.Cut {
			dst = append(dst, 1)
		} else {
			dst = append(dst, 0)
		}
	}
	dst = binary.AppendVarint(dst, int64(m.BodyLen))
	return appendString(dst, m.Body)
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	if len(s) < 0x80 { // most of them: a uvarint of one byte
		return append(append(dst, byte(len(s))), s...)
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// A decoder reads stored events. They are of our own making, so it finds no errors.
type decoder []byte

func (d *decoder) byte() byte {
	c := (*d)[0]
	*d = (*d)[1:]
	return c
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(*d)
	*d = (*d)[n:]
	return v
}

func (d *decoder) string() string {
	n, size := binary.Uvarint(*d)
	end := size + int(n)
	s := string((*d)[size:end])
	*d = (*d)[end:]
	return s
}

func (d *decoder) entry(id string, c *clock) (e Entry) {
	flags := d.byte()
	e.ID = id
	e.Kind, e.Class, e.Outcome = amqprpc.EventKind(d.byte()), amqprpc.Class(d.byte()), amqprpc.Outcome(d.byte())
	e.Time = c.time(d.varint())
	e.Attempt = int(d.varint())
	if flags&hasNumbers != 0 {
		e.Epoch, e.Code = int(d.varint()), int(d.varint())
		e.Since, e.Delay = time.Duration(d.varint()), time.Duration(d.varint())
	}
	if flags&hasIntended != 0 {
		e.Intended = c.time(d.varint())
	}
	if flags&hasDeadline != 0 {
		e.Deadline = c.time(d.varint())
	}
	e.Text, e.AnsweredBy = d.string(), d.string()
	if flags&hasMessage != 0 {
		e.message = d.message(flags)
	}
	return e
}

func (d *decoder) message(flags byte) *Message {
	m := new(Message)
	m.Redelivered = flags&isRedelivered != 0
	m.DeliveryMode, m.Priority = d.byte(), d.byte()
	if flags&hasTimestamp != 0 {
		m.Timestamp = time.Unix(d.varint(), 0).UTC()
	}
	for _, s := range m.shortStrings() {
		*s = d.string()
	}
	m.HeadersTotal = int(d.varint())
	for range d.varint() {
		m.Headers = append(m.Headers, Header{Key: d.string(), Type: d.string(), Value: d.string(), Cut: d.byte() == 1})
	}
	m.BodyLen = int(d.varint())
	if body := d.string(); body != "" {
		m.Body = []byte(body)
	}
	return m
}
