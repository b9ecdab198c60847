package amqprpc

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A content is a message on its way in: a method, a header, and body frames until it is
// complete (AMQP 0-9-1, 4.2.6).
type content struct {
	kind    uint16 // the method that began it; 0 where none has
	message Message
	left    uint64 // octets of body still to come
	headed  bool   // the header is there

	tag  uint64 // of a delivery
	code int    // of a return
	text string

	exchange, key string // the last ones: they are nearly always the same
}

func (c *content) beginDelivery(payload []byte) error {
	d, err := wire.ParseDeliver(payload)
	if err != nil {
		return err
	}
	again(&c.exchange, d.Exchange)
	again(&c.key, d.RoutingKey)
	c.kind, c.headed, c.tag = wire.BasicDeliverID, false, d.DeliveryTag
	c.message = Message{Exchange: c.exchange, RoutingKey: c.key, Redelivered: d.Redelivered}
	return nil
}

// again makes *s the string of these octets, and a new one only where it is not yet.
func again(s *string, octets []byte) {
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
	c.kind, c.headed, c.code, c.text = wire.BasicReturnID, false, int(r.ReplyCode), r.ReplyText
	c.message = Message{Exchange: r.Exchange, RoutingKey: r.RoutingKey}
	return nil
}

// largestBody is what RabbitMQ can be made to take at most.
const largestBody = 512 << 20

// mostAtOnce is how much room is made for a body on the word of its header alone.
const mostAtOnce = 1 << 20

func (c *content) header(payload []byte) (complete bool, err error) {
	if c.kind == 0 || c.headed {
		return false, wire.Errorf(wire.UnexpectedFrame, "a content header that belongs to no message")
	}
	h, err := wire.ParseHeader(payload)
	if err != nil {
		return false, err
	}
	if h.BodySize > largestBody {
		return false, wire.Errorf(wire.ContentTooLarge, "a message of %d bytes, none may have more than %d", h.BodySize, largestBody)
	}
	p, err := wire.ParseProperties(tame(h.Properties))
	if err != nil {
		p = amqp.Publishing{} // as with its headers: see tame
	}
	c.headed, c.left = true, h.BodySize
	redelivered := c.message.Redelivered
	c.message = fromPublishing(c.message.Exchange, c.message.RoutingKey, &p)
	c.message.Redelivered = redelivered
	c.message.Body = make([]byte, 0, min(h.BodySize, mostAtOnce))
	return c.left == 0, nil
}

func (c *content) more(payload []byte) (complete bool, err error) {
	if !c.headed || c.kind == 0 || uint64(len(payload)) > c.left {
		return false, wire.Errorf(wire.UnexpectedFrame, "a content body that belongs to no message")
	}
	c.message.Body = append(c.message.Body, payload...)
	c.left -= uint64(len(payload))
	return c.left == 0, nil
}
