package ledger

import (
	"encoding/binary"
	"time"

	"rpcscope/amqprpc"
)

// A story is stored as one run of bytes: its memory is reused, its size is known, and the garbage
// collector has nothing to scan. The correlation ID is not stored, and the body comes last.

// storyReserve is at least the size of a stored event without headers and body.
const storyReserve = eventFixed + maxText + maxShort + nShortStrings*(maxShort+2)

// eventFixed is at least the size of the numbers and lengths in a stored event: seven bytes and at most
// fourteen varints.
const eventFixed = 192

func appendEntry(dst []byte, e *Entry, at int64, c *clock) []byte {
	dst = append(dst, byte(e.Kind), byte(e.Class), byte(e.Outcome), flag(e.message != nil))
	dst = binary.AppendVarint(dst, at)
	dst = binary.AppendUvarint(dst, uint64(c.offset(e.Intended)-noTime)) // 0 for none
	dst = binary.AppendUvarint(dst, uint64(c.offset(e.Deadline)-noTime))
	dst = binary.AppendVarint(dst, int64(e.Attempt))
	dst = binary.AppendVarint(dst, int64(e.Epoch))
	dst = binary.AppendVarint(dst, int64(e.Code))
	dst = binary.AppendVarint(dst, int64(e.Since))
	dst = binary.AppendVarint(dst, int64(e.Delay))
	dst = appendString(dst, e.Text)
	dst = appendString(dst, e.AnsweredBy)
	if e.message != nil {
		dst = appendMessage(dst, e.message)
	}
	return dst
}

func appendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, m.DeliveryMode, m.Priority, flag(m.Redelivered))
	dst = binary.AppendVarint(dst, m.Timestamp.Unix())
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
		dst = append(dst, flag(h.Cut))
	}
	dst = binary.AppendVarint(dst, int64(m.BodyLen))
	return appendString(dst, m.Body)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
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

// offset reads an offset, or noTime.
func (d *decoder) offset() int64 {
	v, n := binary.Uvarint(*d)
	*d = (*d)[n:]
	return int64(v) + noTime
}

func (d *decoder) string() string {
	n, size := binary.Uvarint(*d)
	end := size + int(n)
	s := string((*d)[size:end])
	*d = (*d)[end:]
	return s
}

func (d *decoder) entry(id string, c *clock) (e Entry) {
	e.ID = id
	e.Kind, e.Class, e.Outcome = amqprpc.EventKind(d.byte()), amqprpc.Class(d.byte()), amqprpc.Outcome(d.byte())
	hasMessage := d.byte() == 1
	e.Time, e.Intended, e.Deadline = c.time(d.varint()), c.time(d.offset()), c.time(d.offset())
	e.Attempt, e.Epoch, e.Code = int(d.varint()), int(d.varint()), int(d.varint())
	e.Since, e.Delay = time.Duration(d.varint()), time.Duration(d.varint())
	e.Text, e.AnsweredBy = d.string(), d.string()
	if hasMessage {
		e.message = d.message()
	}
	return e
}

func (d *decoder) message() *Message {
	m := new(Message)
	m.DeliveryMode, m.Priority, m.Redelivered = d.byte(), d.byte(), d.byte() == 1
	m.Timestamp = time.Unix(d.varint(), 0).UTC()
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
