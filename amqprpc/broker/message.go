package broker

import (
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A message is one message in one queue, or out of it and not acked yet.
type message struct {
	properties []byte // flags and values, as they came
	body       []byte
	persistent bool
	expires    time.Time // zero: never
	seq        uint64    // its place in the queue, for good
	deliveries int       // how often it has left the queue for somebody
}

// overhead is about what a message costs besides its properties and its body.
const overhead = 200

func (m *message) size() int64 { return int64(len(m.properties) + len(m.body) + overhead) }

// expired says whether the message's time is up.
func (m *message) expired() bool { return !m.expires.IsZero() && !time.Now().Before(m.expires) }

// redelivered says whether the message, on its way out, has been out before.
func (m *message) redelivered() bool { return m.deliveries > 0 }

// mostExpiration is RabbitMQ's, in milliseconds: ten years of 365 days.
const mostExpiration = 10 * 365 * 24 * 60 * 60 * 1000

// parseExpiration reads the property expiration: whole milliseconds.
func parseExpiration(s string) (time.Duration, *wire.Error) {
	ms, err := strconv.ParseUint(s, 10, 64)
	if err != nil || ms > mostExpiration {
		return 0, exception(wire.PreconditionFailed, "invalid expiration '%s': not a whole number of milliseconds up to %d", printable(s), int64(mostExpiration))
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// withDeliveryCount returns properties that say how often a message of a quorum queue has
// been delivered before.
func withDeliveryCount(properties []byte, count int) []byte {
	p, err := wire.ParseProperties(properties)
	if err != nil {
		return properties // cannot be: they were checked when they came
	}
	headers := amqp.Table{"x-delivery-count": int64(count)}
	for k, v := range p.Headers {
		if _, ours := headers[k]; !ours {
			headers[k] = v
		}
	}
	p.Headers = headers
	marked, err := wire.AppendProperties(nil, &p)
	if err != nil {
		return properties
	}
	return marked
}
