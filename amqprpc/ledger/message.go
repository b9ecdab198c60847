package ledger

import (
	"encoding/binary"
	"math"
	"time"

	"rpcscope/amqprpc"
)

// A Message is what is kept of an [amqprpc.Message]: all properties, and of headers
// and body as much as the bounds allow. It is as hostile as its sender.
type Message struct {
	// The embedded Message has the properties. Its Headers is nil; its Body is
	// the beginning of the body.
	amqprpc.Message
	// BodyLen is the whole body's length.
	BodyLen int
	// Headers has the headers as text, sorted by key.
	Headers []Header
	// HeadersTotal is how many there were.
	HeadersTotal int
}

// Header returns the header of that key.
func (m *Message) Header(key string) (Header, bool) {
	for _, h := range m.Headers {
		if h.Key == key {
			return h, true
		}
	}
	return Header{}, false
}

// The properties that are short strings, in their stored order.
const (
	pExchange = iota
	pRoutingKey
	pContentType
	pContentEncoding
	pCorrelationID
	pReplyTo
	pExpiration
	pMessageID
	pType
	pUserID
	pAppID
	nProps
)

// raw is a message on its way into the stored form: out of an event, where the
// properties are strings, or of a line of a recording, where they are bytes.
type raw[S string | []byte] struct {
	props          [nProps]S
	mode, priority uint8
	redelivered    bool
	timestamp      int64 // unix seconds, or noTime
	headers        []byte
	headersTotal   int
	body           []byte
	bodyLen        int
}

// noTime stands for the zero time where times are numbers.
const noTime = math.MinInt64

// A message in its stored form is one run of bytes, so that records can be reused
// and the garbage collector has nothing to look at. The body comes last.

func appendRaw[S string | []byte](dst []byte, r *raw[S]) []byte {
	var flags byte
	if r.redelivered {
		flags |= 1
	}
	if r.timestamp != noTime {
		flags |= 2
	}
	dst = append(dst, flags, r.mode, r.priority)
	if r.timestamp != noTime {
		dst = binary.AppendVarint(dst, r.timestamp)
	}
	for i := range r.props {
		p := r.props[i]
		if len(p) > maxShort {
			p = p[:maxShort]
		}
		dst = appendBytes(dst, p)
	}
	dst = binary.AppendUvarint(dst, uint64(max(r.headersTotal, 0)))
	dst = appendBytes(dst, r.headers)
	dst = binary.AppendUvarint(dst, uint64(max(r.bodyLen, len(r.body))))
	return appendBytes(dst, r.body)
}

func appendBytes[S string | []byte](dst []byte, s S) []byte {
	if len(s) < 0x80 {
		dst = append(dst, byte(len(s)))
	} else {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
	}
	return append(dst, s...)
}

// appendMessage appends m within the bounds. headers is scratch space.
func appendMessage(dst []byte, m *amqprpc.Message, bodyBytes, headerBytes int, headers *headerWriter) []byte {
	r := raw[string]{
		props: [nProps]string{
			m.Exchange, m.RoutingKey, m.ContentType, m.ContentEncoding, m.CorrelationID, m.ReplyTo,
			m.Expiration, m.MessageID, m.Type, m.UserID, m.AppID,
		},
		mode: m.DeliveryMode, priority: m.Priority, redelivered: m.Redelivered,
		timestamp: noTime,
		body:      m.Body[:min(len(m.Body), bodyBytes)], bodyLen: len(m.Body),
		headersTotal: len(m.Headers),
	}
	if !m.Timestamp.IsZero() {
		r.timestamp = m.Timestamp.Unix()
	}
	if len(m.Headers) > 0 {
		r.headers = headers.write(m.Headers, headerBytes)
	}
	return appendRaw(dst, &r)
}

// take cuts the next n bytes, or the next length-prefixed bytes, off b. The stored
// form is of our own making, so there are no errors to report.

func takeUvarint(b []byte) (uint64, []byte) {
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:]
	}
	v, n := binary.Uvarint(b)
	return v, b[n:]
}

func takeVarint(b []byte) (int64, []byte) {
	v, n := binary.Varint(b)
	return v, b[n:]
}

func takeBytes(b []byte) (v, rest []byte) {
	n, b := takeUvarint(b)
	return b[:n:n], b[n:]
}

// parseRaw is the inverse of appendRaw. The result refers to b.
func parseRaw(b []byte) (r raw[[]byte]) {
	flags := b[0]
	r.redelivered = flags&1 != 0
	r.mode, r.priority = b[1], b[2]
	b = b[3:]
	r.timestamp = noTime
	if flags&2 != 0 {
		r.timestamp, b = takeVarint(b)
	}
	for i := range r.props {
		r.props[i], b = takeBytes(b)
	}
	var n uint64
	n, b = takeUvarint(b)
	r.headersTotal = int(n)
	r.headers, b = takeBytes(b)
	n, b = takeUvarint(b)
	r.bodyLen = int(n)
	r.body, _ = takeBytes(b)
	return r
}

// decodeMessage makes a Message of its own of the stored form.
func decodeMessage(b []byte) *Message {
	r := parseRaw(b)
	m := &Message{
		Message: amqprpc.Message{
			Exchange: string(r.props[pExchange]), RoutingKey: string(r.props[pRoutingKey]),
			ContentType: string(r.props[pContentType]), ContentEncoding: string(r.props[pContentEncoding]),
			DeliveryMode: r.mode, Priority: r.priority,
			CorrelationID: string(r.props[pCorrelationID]), ReplyTo: string(r.props[pReplyTo]),
			Expiration: string(r.props[pExpiration]), MessageID: string(r.props[pMessageID]),
			Type: string(r.props[pType]), UserID: string(r.props[pUserID]), AppID: string(r.props[pAppID]),
			Redelivered: r.redelivered, Body: append([]byte(nil), r.body...),
		},
		BodyLen: r.bodyLen, HeadersTotal: r.headersTotal,
	}
	if r.timestamp != noTime {
		m.Timestamp = time.Unix(r.timestamp, 0).UTC()
	}
	m.Headers = decodeHeaders(r.headers)
	return m
}

// trimMessage returns the stored form b within narrower bounds, appended to dst.
func trimMessage(dst, b []byte, bodyBytes, headerBytes int) []byte {
	r := parseRaw(b)
	r.body = r.body[:min(len(r.body), bodyBytes)]
	var scratch []byte
	if len(r.headers) > headerBytes {
		scratch = trimHeaders(nil, r.headers, headerBytes)
		r.headers = scratch
	}
	return appendRaw(dst, &r)
}

// messageProp returns one property of the stored form.
func messageProp(b []byte, prop int) (s []byte) {
	timestamped := b[0]&2 != 0
	b = b[3:]
	if timestamped {
		_, b = takeVarint(b)
	}
	for range prop + 1 {
		s, b = takeBytes(b)
	}
	return s
}

// storedHeader returns the text of one header of a message in stored form.
func storedHeader(msg []byte, name string) (found []byte) {
	r := parseRaw(msg)
	eachHeader(r.headers, func(key []byte, _ byte, _ bool, value []byte) bool {
		if string(key) == name {
			found = value
			return false
		}
		return true
	})
	return found
}
