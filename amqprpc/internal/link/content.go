package link

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A content is a message under way: a method, a header, and body frames until it is complete (AMQP
// 0-9-1, 4.2.6).
type content struct {
	method   uint16 // that began it; 0 if there is none
	delivery Delivery
	returned Return

	properties *amqp.Publishing // nil until the header is there
	left       uint64           // octets of body still to come

	consumer, exchange, key string // the last ones: they are nearly always the same
}

func (c *content) beginDelivery(payload []byte) error {
	d, err := wire.ParseDeliver(payload)
	if err != nil {
		return err
	}
	setString(&c.consumer, d.ConsumerTag)
	setString(&c.exchange, d.Exchange)
	setString(&c.key, d.RoutingKey)
	c.method = wire.BasicDeliverID
	c.delivery = Delivery{
		ConsumerTag: c.consumer, Tag: d.DeliveryTag, Redelivered: d.Redelivered, Exchange: c.exchange, RoutingKey: c.key,
	}
	return nil
}

// setString sets *s to these octets. It makes a new string only if they differ.
func setString(s *string, octets []byte) {
	if *s != string(octets) {
		*s = string(octets)
	}
}

func (c *content) beginReturn(payload []byte) error {
	m, err := wire.ParseMethod(payload)
	if err != nil {
		return err
	}
	r := m.(*wire.BasicReturn)
	c.method = wire.BasicReturnID
	c.returned = Return{Code: int(r.ReplyCode), Text: r.ReplyText, Exchange: r.Exchange, RoutingKey: r.RoutingKey}
	return nil
}

const (
	// maxBody is the largest message that RabbitMQ can be configured to take.
	maxBody = 512 << 20
	// maxPrealloc is how much room is made for a body on the word of its header alone.
	maxPrealloc = 1 << 20
)

func (c *content) header(payload []byte) (complete bool, err error) {
	if c.method == 0 || c.properties != nil {
		return false, wire.Errorf(wire.UnexpectedFrame, "a content header that belongs to no message")
	}
	h, err := wire.ParseHeader(payload)
	if err != nil {
		return false, err
	}
	if h.BodySize > maxBody {
		return false, wire.Errorf(wire.ContentTooLarge, "a message of %d bytes, the limit is %d", h.BodySize, maxBody)
	}
	p, err := wire.ParseProperties(h.Properties)
	if err != nil {
		// A connection that was closed because of it would get the message again, for ever, or lose
		// a client all its calls in flight. So the message loses its properties.
		p = amqp.Publishing{}
	}
	p.Body = make([]byte, 0, min(h.BodySize, maxPrealloc))
	c.properties, c.left = &p, h.BodySize
	return c.complete(), nil
}

func (c *content) more(payload []byte) (complete bool, err error) {
	if c.properties == nil || uint64(len(payload)) > c.left {
		return false, wire.Errorf(wire.UnexpectedFrame, "a content body that belongs to no message")
	}
	c.properties.Body = append(c.properties.Body, payload...)
	c.left -= uint64(len(payload))
	return c.complete(), nil
}

func (c *content) complete() bool {
	if c.left > 0 {
		return false
	}
	c.delivery.Properties, c.returned.Properties = c.properties, c.properties
	return true
}

func (c *content) end() {
	c.method, c.properties = 0, nil
	c.delivery, c.returned = Delivery{}, Return{}
}
