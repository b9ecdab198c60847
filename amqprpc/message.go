package amqprpc

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// HeaderError is the header of an error reply that holds a canonical code, such as INVALID_ARGUMENT.
const HeaderError = "x-rpc-error"

// TypeError is the AMQP property "type" of an error reply.
const TypeError = "error"

// maxShortString is the greatest length of an AMQP short string in octets
// (AMQP 0-9-1, 4.2.5.3). amqp091-go kills the connection on a longer one.
const maxShortString = 255

// A Message is an AMQP message with all its properties, as it was published or
// delivered. Strings, Headers and Body of a received message are whatever the
// sender made them: escape before showing.
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

// A Request is what a caller sends and what a [Handler] gets, as http.Request is in net/http.
type Request struct {
	// Queue is the destination, by way of the default exchange. A client uses [Config.Queue] if it,
	// Exchange and RoutingKey are empty.
	Queue string
	// Exchange and RoutingKey are the destination instead of Queue.
	Exchange, RoutingKey string

	Body            []byte
	ContentType     string
	ContentEncoding string
	Type            string // the AMQP property "type", free for applications
	MessageID       string
	// CorrelationID identifies the call and its replies. A client makes a random UUID if it is empty. A
	// call whose ID is that of a call in flight is refused.
	CorrelationID string
	// Headers take at most 64 KiB on the wire. Values are those that amqp.Table lists: no uint,
	// no map but amqp.Table, no slice but []byte and []any; an int must fit 32 bits. The header
	// [HeaderRPC] is overwritten.
	Headers    amqp.Table
	Persistent bool  // delivery mode 2: survives a broker's restart in a durable queue
	Priority   uint8 // 0 to 9, for queues declared with x-max-priority

	// For callers.

	// Timeout bounds the call besides its context. 0, also as the rest of a time that is
	// used up, means none here: then the context's deadline holds, else [Config.Timeout].
	Timeout time.Duration
	// Idempotent allows [Config.Retry] to send the request again although a server
	// may have executed it already.
	Idempotent bool
	// Intended is when the call was meant to start. A load generator sets it, so
	// that response times count the time spent waiting for a late start. Zero means
	// now.
	Intended time.Time

	// For handlers; a client ignores them.

	ReplyTo     string
	Redelivered bool      // a server has had it before, and may have executed it
	Attempt     int       // the caller's: 1, 2, ...; 0 if it did not say
	Deadline    time.Time // when the caller stops waiting; zero if it did not say
	Received    time.Time // when this server got it
	AppID       string    // who calls, as it says itself
	Expiration  string
}

// destination returns the exchange and the routing key.
func (r *Request) destination() (exchange, key string) {
	if r.Queue != "" {
		return "", r.Queue
	}
	return r.Exchange, r.RoutingKey
}

// place names the destination, for errors.
func (r *Request) place() string {
	switch {
	case r.Queue != "":
		return fmt.Sprintf("queue %q", r.Queue)
	case r.Exchange == "" && r.RoutingKey == "":
		return "no queue"
	}
	return fmt.Sprintf("exchange %q with routing key %q", r.Exchange, r.RoutingKey)
}

// A Reply is the answer to a call.
type Reply struct {
	Message
	// Server is the replying server's name, as it says itself (property app_id).
	Server string
	// Received and Replied are the server's clock; zero if it did not say.
	Received, Replied time.Time
	// Attempt is the attempt that this answers; 0 if the server did not say.
	Attempt int
	// RequestRedelivered says that the request had been delivered to a server before.
	RequestRedelivered bool
	// Latency is from the request's (last) publish to this reply.
	Latency time.Duration
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

// checkShort returns an error where an AMQP short string would be too long.
func checkShort(what, s string) error {
	if len(s) > maxShortString {
		return fmt.Errorf("%w: %s is %d bytes long, AMQP allows %d", ErrInvalidRequest, what, len(s), maxShortString)
	}
	return nil
}

// maxHeaders bounds the headers of a message as they are on the wire. AMQP cannot
// split them over frames, and a broker closes the connection on a frame that is
// larger than was agreed: 128 KiB by RabbitMQ's default.
const maxHeaders = 64 << 10

// deepest and maxFields bound how deep tables and arrays in headers may nest and
// how many fields each may have. Who reads more with amqp091-go (32 levels, 8,192
// fields) loses the connection.
const (
	deepest   = 16
	maxFields = 4096
)

// checkHeaders returns an error where headers cannot be sent: they have no form on the wire,
// or the broker would close the connection, and with it all calls in flight would be lost.
func checkHeaders(t amqp.Table) error {
	size, err := fieldSize(t, 0) // first: Validate has no bound on depth
	switch {
	case err != nil:
		return err
	case size > maxHeaders:
		return fmt.Errorf("%w: headers of more than %d bytes", ErrInvalidRequest, maxHeaders)
	}
	if err := t.Validate(); err != nil {
		return fmt.Errorf("%w: headers: %w", ErrInvalidRequest, err)
	}
	for _, key := range routingHeaders {
		if v, ok := t[key]; ok && !isStrings(v) {
			return fmt.Errorf("%w: the header %s is a %T, RabbitMQ takes it for further routing keys: a []any of strings", ErrInvalidRequest, key, v)
		}
	}
	return nil
}

// routingHeaders are those by which RabbitMQ routes a message to further queues. It
// closes the channel where they are of another form.
var routingHeaders = [...]string{"CC", "BCC"}

func isStrings(v any) bool {
	list, ok := v.([]any)
	for _, s := range list {
		if _, isString := s.(string); !isString {
			return false
		}
	}
	return ok
}

// fieldSize returns how many bytes a valid field's value takes on the wire, at
// most, and an error if it cannot be sent. It looks no further once maxHeaders is
// exceeded: a few tables that refer to each other many times are without end.
func fieldSize(v any, depth int) (int, error) {
	if depth > deepest {
		return 0, fmt.Errorf("%w: headers nest deeper than %d levels", ErrInvalidRequest, deepest)
	}
	switch v := v.(type) {
	case amqp.Table:
		if len(v) > maxFields {
			return 0, fmt.Errorf("%w: a table of %d headers, the limit is %d", ErrInvalidRequest, len(v), maxFields)
		}
		sum := 4
		for k, inner := range v {
			if err := checkShort("a header's name", k); err != nil {
				return 0, err
			}
			n, err := fieldSize(inner, depth+1)
			if err != nil {
				return 0, err
			}
			if sum += 1 + len(k) + 1 + n; sum > maxHeaders {
				break
			}
		}
		return sum, nil
	case []any:
		if len(v) > maxFields {
			return 0, fmt.Errorf("%w: an array of %d in a header, the limit is %d", ErrInvalidRequest, len(v), maxFields)
		}
		sum := 4
		for _, inner := range v {
			n, err := fieldSize(inner, depth+1)
			if err != nil {
				return 0, err
			}
			if sum += 1 + n; sum > maxHeaders {
				break
			}
		}
		return sum, nil
	case string:
		return 4 + len(v), nil
	case []byte:
		return 4 + len(v), nil
	case int:
		if int(int32(v)) != v { // an int is sent as 32 bits, as amqp091-go does
			return 0, fmt.Errorf("%w: the int %d in a header has more than 32 bits; use int64", ErrInvalidRequest, v)
		}
	}
	return 8, nil
}
