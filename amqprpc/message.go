package amqprpc

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
	"rpcscope/amqprpc/internal/wire"
)

// An error reply has the property "type" TypeError, and a canonical code, such as INVALID_ARGUMENT, in the header
// HeaderError.
const (
	TypeError   = "error"
	HeaderError = "x-rpc-error"
)

// A Message is an AMQP message with all its properties, as it was published or delivered. Everything in a received
// message is as its sender made it: escape it before showing it.
type Message struct {
	Exchange   string
	RoutingKey string

	ContentType     string
	ContentEncoding string
	Headers         amqp.Table
	DeliveryMode    uint8 // 0 or 1 transient, 2 persistent
	Priority        uint8
	CorrelationID   string
	ReplyTo         string
	Expiration      string // whole milliseconds
	MessageID       string
	Timestamp       time.Time // whole seconds
	Type            string
	UserID          string
	AppID           string

	Redelivered bool
	Body        []byte
}

func messageFrom(exchange, key string, p *amqp.Publishing) Message {
	return Message{
		Exchange: exchange, RoutingKey: key,
		ContentType: p.ContentType, ContentEncoding: p.ContentEncoding, Headers: p.Headers,
		DeliveryMode: p.DeliveryMode, Priority: p.Priority, CorrelationID: p.CorrelationId,
		ReplyTo: p.ReplyTo, Expiration: p.Expiration, MessageID: p.MessageId, Timestamp: p.Timestamp,
		Type: p.Type, UserID: p.UserId, AppID: p.AppId, Body: p.Body,
	}
}

func (m *Message) publishing() amqp.Publishing {
	return amqp.Publishing{
		Headers: m.Headers, ContentType: m.ContentType, ContentEncoding: m.ContentEncoding,
		DeliveryMode: m.DeliveryMode, Priority: m.Priority, CorrelationId: m.CorrelationID,
		ReplyTo: m.ReplyTo, Expiration: m.Expiration, MessageId: m.MessageID, Timestamp: m.Timestamp,
		Type: m.Type, UserId: m.UserID, AppId: m.AppID, Body: m.Body,
	}
}

// destination names where a message goes, for errors.
func (m *Message) destination() string {
	switch {
	case m.Exchange != "":
		return fmt.Sprintf("exchange %q with routing key %q", m.Exchange, m.RoutingKey)
	case m.RoutingKey == "":
		return "no queue"
	}
	return fmt.Sprintf("queue %q", m.RoutingKey)
}

// withMeta returns a copy of headers with [HeaderRPC] added.
func withMeta(headers amqp.Table, meta Meta) amqp.Table {
	all := make(amqp.Table, len(headers)+1)
	maps.Copy(all, headers)
	all[HeaderRPC] = meta.String()
	return all
}

// A Request is sent by a caller and received by a [Handler], as http.Request in net/http.
//
// A new property of requests is added in this file: to Request, to the methods message and publishing, and to
// requestFrom and messageFrom. For rpcscope it is added to cmd/rpcscope/service.go (the flag),
// tui/lab/customservice.go (the request of a call) and tui/properties.go (the inspector).
type Request struct {
	// Queue, or Exchange and RoutingKey, are the destination. The default is [Config.Queue].
	Queue                string
	Exchange, RoutingKey string

	Body            []byte
	ContentType     string
	ContentEncoding string
	Type            string // the AMQP property "type", free for applications
	MessageID       string
	// CorrelationID identifies the call and its replies. Default a random UUID. That of a call in flight is refused.
	CorrelationID string
	// Headers take at most 64 KiB on the wire. Values are those that amqp.Table lists: no uint, no map but
	// amqp.Table, no slice but []byte and []any; an int must fit 32 bits. The header [HeaderRPC] is overwritten.
	Headers    amqp.Table
	Persistent bool  // delivery mode 2: survives a broker's restart in a durable queue
	Priority   uint8 // 0 to 9, for queues declared with x-max-priority

	// For callers.

	// Timeout bounds the call besides its context. If it is 0, the context's deadline holds, else [Config.Timeout].
	Timeout time.Duration
	// Idempotent lets [Config.Retry] send the request again although a server may have executed it.
	Idempotent bool
	// Intended is when the call was meant to start. The default is now. A load generator sets it, so that response
	// times include the wait for a late start.
	Intended time.Time

	// For handlers. A client ignores them.

	ReplyTo     string
	Redelivered bool      // a server has had it before, and may have executed it
	Attempt     int       // the caller's: 1, 2, ...; 0 if it did not say
	Deadline    time.Time // when the caller stops waiting; zero if it did not say
	Received    time.Time // when this server got it
	AppID       string    // the caller's name, as it says itself
	Expiration  string
}

// message returns the message that a client publishes for the request, without the properties that each attempt has
// of its own.
func (r *Request) message() Message {
	m := Message{
		Exchange: r.Exchange, RoutingKey: r.RoutingKey,
		ContentType: r.ContentType, ContentEncoding: r.ContentEncoding, Headers: r.Headers,
		DeliveryMode: amqp.Transient, Priority: r.Priority, CorrelationID: r.CorrelationID,
		MessageID: r.MessageID, Type: r.Type, Body: r.Body,
	}
	if r.Queue != "" {
		m.Exchange, m.RoutingKey = "", r.Queue
	}
	if r.Persistent {
		m.DeliveryMode = amqp.Persistent
	}
	return m
}

// requestFrom returns the request that a server has received from a queue.
func requestFrom(queue string, d *link.Delivery) *Request {
	p := d.Properties
	return &Request{
		Queue: queue, Exchange: d.Exchange, RoutingKey: d.RoutingKey,
		Body: p.Body, ContentType: p.ContentType, ContentEncoding: p.ContentEncoding, Type: p.Type, Headers: p.Headers,
		Persistent: p.DeliveryMode == amqp.Persistent, Priority: p.Priority, MessageID: p.MessageId,
		CorrelationID: p.CorrelationId, ReplyTo: p.ReplyTo, Redelivered: d.Redelivered,
		Received: time.Now(), AppID: p.AppId, Expiration: p.Expiration,
	}
}

// A Reply is the answer to a call.
type Reply struct {
	Message
	Server             string        // the server's name, as it says itself (property app_id)
	Received, Replied  time.Time     // by the server's clock; zero if it did not say
	Attempt            int           // the attempt that this answers; 0 if the server did not say
	RequestRedelivered bool          // the request had been delivered to a server before
	Latency            time.Duration // from the request's (last) publish to this reply
}

func replyFrom(m Message, latency time.Duration) Reply {
	meta, _ := m.Meta()
	return Reply{
		Message: m, Server: m.AppID, Latency: latency, Received: meta.Received, Replied: meta.Replied,
		Attempt: meta.Attempt, RequestRedelivered: meta.Redelivered,
	}
}

// maxRemoteText is how many bytes are kept of the text of a remote error.
const maxRemoteText = 1024

// remoteError returns the error that the reply carries, or nil.
func (m *Message) remoteError() *RemoteError {
	if m.Type != TypeError && m.Headers[HeaderError] == nil {
		return nil
	}
	code, _ := m.Headers[HeaderError].(string)
	if !validCode(code) {
		code = CodeUnknown
	}
	return &RemoteError{Code: code, Message: string(m.Body[:min(len(m.Body), maxRemoteText)])}
}

// maxShortString is the greatest length of an AMQP short string in bytes (AMQP 0-9-1, 4.2.5.3).
const maxShortString = 255

// checkMessage returns an error if AMQP cannot carry a message, or a broker would close the channel or the
// connection because of it.
func checkMessage(m *Message, maxBody int64) error {
	for _, s := range [...]struct{ name, value string }{
		{"the exchange", m.Exchange}, {"the routing key", m.RoutingKey}, {"the content type", m.ContentType},
		{"the content encoding", m.ContentEncoding}, {"the correlation ID", m.CorrelationID}, {"the reply-to", m.ReplyTo},
		{"the message ID", m.MessageID}, {"the type", m.Type}, {"the user ID", m.UserID}, {"the app ID", m.AppID},
	} {
		if len(s.value) > maxShortString {
			return fmt.Errorf("%w: %s is %d bytes long, AMQP allows %d", ErrInvalidRequest, s.name, len(s.value), maxShortString)
		}
	}
	if m.Expiration != "" {
		if _, err := strconv.ParseUint(m.Expiration, 10, 32); err != nil {
			return fmt.Errorf("%w: an expiration that is not a number of milliseconds", ErrInvalidRequest)
		}
	}
	if int64(len(m.Body)) > maxBody {
		return fmt.Errorf("%w: a body of %d bytes, the limit is %d", ErrInvalidRequest, len(m.Body), maxBody)
	}
	if m.Exchange == "" && wire.ForgedReplyTo(m.RoutingKey) {
		return fmt.Errorf("%w: %.64q is no address of a direct reply-to", ErrInvalidRequest, m.RoutingKey)
	}
	if err := wire.CheckHeaders(m.Headers); err != nil {
		return fmt.Errorf("%w: headers: %w", ErrInvalidRequest, err)
	}
	return nil
}
