package amqprpc

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// HeaderRPC is the one header that this package adds to a message; its value is the String of a [Meta]. It is
// optional for peers: a server sends it in a reply only if the request has one.
const HeaderRPC = "x-rpc"

// Meta is the content of the header x-rpc: fields of the form name=value, or name alone, separated by semicolons.
// Times are unix microseconds. A request has Deadline and Attempt, a reply all but Deadline. Unknown names and
// malformed values are ignored.
//
//	deadline=1764513600000000;attempt=1
//	received=1764513600000000;replied=1764513600001000;attempt=1;redelivered
type Meta struct {
	Deadline    time.Time // when the caller stops waiting
	Attempt     int       // of the request: 1, 2, ...
	Received    time.Time // when the server got the request
	Replied     time.Time // when it sent the reply
	Redelivered bool      // the request had been delivered before
	Replayed    bool      // the reply was stored when the request was answered before
}

// String returns the value of the header.
func (m Meta) String() string {
	b := make([]byte, 0, 96)
	number := func(name string, v int64) {
		if v > 0 {
			b = append(append(append(b, ';'), name...), '=')
			b = strconv.AppendInt(b, v, 10)
		}
	}
	for _, t := range [...]struct {
		name string
		time.Time
	}{{"deadline", m.Deadline}, {"received", m.Received}, {"replied", m.Replied}} {
		if !t.IsZero() {
			number(t.name, t.UnixMicro())
		}
	}
	number("attempt", int64(m.Attempt))
	if m.Redelivered {
		b = append(b, ";redelivered"...)
	}
	if m.Replayed {
		b = append(b, ";replayed"...)
	}
	return strings.TrimPrefix(string(b), ";")
}

// maxMeta bounds the header that ParseMeta reads, in bytes.
const maxMeta = 1024

// ParseMeta reads the value of the header, which need not be true.
func ParseMeta(value string) Meta {
	var m Meta
	if len(value) > maxMeta {
		return m
	}
	for field := range strings.SplitSeq(value, ";") {
		name, text, _ := strings.Cut(field, "=")
		v, _ := strconv.ParseInt(text, 10, 64) // 0, or out of bounds, if it is malformed
		switch name {
		case "deadline":
			m.Deadline = timeOf(v)
		case "received":
			m.Received = timeOf(v)
		case "replied":
			m.Replied = timeOf(v)
		case "attempt":
			if 0 < v && v <= math.MaxInt32 {
				m.Attempt = int(v)
			}
		case "redelivered":
			m.Redelivered = true
		case "replayed":
			m.Replayed = true
		}
	}
	return m
}

// timeOf returns the time of unix microseconds, and zero if it is before 1970 or after 2200.
func timeOf(us int64) time.Time {
	const year2200 = 7258118400 * 1_000_000
	if us <= 0 || us > year2200 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// Meta reads the header x-rpc; ok is false if there is none.
func (m *Message) Meta() (meta Meta, ok bool) {
	value, ok := m.Headers[HeaderRPC].(string)
	if !ok {
		return Meta{}, false
	}
	return ParseMeta(value), true
}
