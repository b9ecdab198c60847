package broker

import (
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A message is in one queue, or was delivered from it and is not acked.
type message struct {
	properties []byte // flags and values, as on the wire
	body       []byte
	persistent bool
	expires    time.Time // zero: never
	seq        uint64    // position in the queue
	deliveries int       // how often it was delivered
}

// size returns about how much memory the message takes.
func (m *message) size() int64 {
	const overhead = 200
	return int64(len(m.properties) + len(m.body) + overhead)
}

func (m *message) expired() bool { return !m.expires.IsZero() && !time.Now().Before(m.expires) }

func (m *message) redelivered() bool { return m.deliveries > 0 }

// maxExpiration is RabbitMQ's, for messages and for queues: ten years.
const maxExpiration = 10 * 365 * 24 * time.Hour

// parseExpiration parses the property expiration: whole milliseconds.
func parseExpiration(s string) (time.Duration, *wire.Error) {
	ms, err := strconv.ParseUint(s, 10, 64)
	if err != nil || ms > uint64(maxExpiration.Milliseconds()) {
		return 0, wire.Errorf(wire.PreconditionFailed, "invalid expiration '%s': not a whole number of milliseconds up to %d", printable(s), maxExpiration.Milliseconds())
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// withDeliveryCount adds the header x-delivery-count of quorum queues to properties.
func withDeliveryCount(properties []byte, count int) []byte {
	p, _ := wire.ParseProperties(properties) // they were checked when they arrived
	if p.Headers == nil {
		p.Headers = amqp.Table{}
	}
	p.Headers["x-delivery-count"] = int64(count)
	marked, err := wire.AppendProperties(nil, &p)
	if err != nil {
		return properties
	}
	return marked
}
