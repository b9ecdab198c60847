package ledger

import "rpcscope/amqprpc"

// A Message is the part of an [amqprpc.Message] that a ledger keeps: all properties, and as much of
// the headers and of the body as the bounds allow. Nothing in it can be trusted.
type Message struct {
	// The embedded Message has the properties and the beginning of the body. Its Headers is nil.
	amqprpc.Message
	// BodyLen is the length of the whole body.
	BodyLen int
	// Headers has the headers as text, sorted by key.
	Headers []Header
	// HeadersTotal is the number of headers before any were left out.
	HeadersTotal int
}

// Header returns the header with the given key.
func (m *Message) Header(key string) (Header, bool) {
	for _, h := range m.Headers {
		if h.Key == key {
			return h, true
		}
	}
	return Header{}, false
}

// keep makes m a bounded copy of from. It shares the strings and the body of from and reuses the
// memory of m.Headers.
func (m *Message) keep(from *amqprpc.Message, bodyBytes, headerBytes int) {
	headers := appendHeaders(m.Headers[:0], from.Headers)
	*m = Message{Message: *from, BodyLen: len(from.Body), Headers: headers, HeadersTotal: len(from.Headers)}
	m.Message.Headers = nil
	m.cut(bodyBytes, headerBytes)
}

// cut shortens m to the bounds. To cut to one bound and then to a smaller one is the same as to cut
// to the smaller one: a replay depends on that.
func (m *Message) cut(bodyBytes, headerBytes int) {
	for _, s := range m.shortStrings() {
		*s = prefix(*s, maxShort)
	}
	m.Body = m.Body[:min(len(m.Body), bodyBytes)]
	m.Headers = cutHeaders(m.Headers, headerBytes)
}

// shortStrings returns the properties that are short strings, in their stored order.
func (m *Message) shortStrings() [nShortStrings]*string {
	return [nShortStrings]*string{
		&m.Exchange, &m.RoutingKey, &m.ContentType, &m.ContentEncoding, &m.CorrelationID, &m.ReplyTo,
		&m.Expiration, &m.MessageID, &m.Type, &m.UserID, &m.AppID,
	}
}

const nShortStrings = 11

// prefix returns the first n bytes of s.
func prefix(s string, n int) string { return s[:min(len(s), n)] }
