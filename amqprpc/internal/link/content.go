package link

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// maxPrealloc bounds the memory that is allocated for a body before it arrives.
const maxPrealloc = 1 << 20

// A content is a message that is arriving: a method, a header, and body frames until it is complete (AMQP
// 0-9-1, 4.2.6).
type content struct {
	begun    bool // the method arrived
	delivery Delivery
	returned *Return // if the message is a returned one and no delivery

	properties *amqp.Publishing // nil until the header arrives
	missing    uint64           // bytes of the body

	consumer, exchange, key string // of the last delivery: they are nearly always the same
}

// deliver begins a delivery.
func (c *content) deliver(payload []byte) error {
	d, err := wire.ParseDeliver(payload)
	if err != nil {
		return err
	}
	setString(&c.consumer, d.ConsumerTag)
	setString(&c.exchange, d.Exchange)
	setString(&c.key, d.RoutingKey)
	c.begun, c.returned = true, nil
	c.delivery = Delivery{
		ConsumerTag: c.consumer, Tag: d.DeliveryTag, Redelivered: d.Redelivered, Exchange: c.exchange, RoutingKey: c.key,
	}
	return nil
}

// setString sets *s. It allocates only if the string changes.
func setString(s *string, b []byte) {
	if *s != string(b) {
		*s = string(b)
	}
}

func (c *content) header(payload []byte) error {
	if !c.begun || c.properties != nil {
		return wire.Errorf(wire.UnexpectedFrame, "a content header that belongs to no message")
	}
	h, err := wire.ParseHeader(payload)
	if err != nil {
		return err
	}
	p, err := wire.ParseProperties(h.Properties)
	if err != nil {
		// Deliver the message without properties. To close the connection instead would lose a client all
		// calls in flight, and the message would be redelivered.
		p = amqp.Publishing{}
	}
	p.Body = make([]byte, 0, min(h.BodySize, maxPrealloc))
	c.properties, c.missing = &p, h.BodySize
	return nil
}

func (c *content) body(payload []byte) error {
	if c.properties == nil || uint64(len(payload)) > c.missing {
		return wire.Errorf(wire.UnexpectedFrame, "a content body that belongs to no message")
	}
	c.properties.Body = append(c.properties.Body, payload...)
	c.missing -= uint64(len(payload))
	return nil
}
