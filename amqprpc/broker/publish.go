package broker

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// An incoming is a message of which not all frames have arrived.
type incoming struct {
	routingKey string
	mandatory  bool

	hasHeader bool
	size      uint64 // of the body, according to the header
	m         *message
}

// publish begins a message.
func (ch *channel) publish(p wire.Publish) *wire.Error {
	about := func(e *wire.Error) *wire.Error { return about(e, &wire.BasicPublish{}) }
	switch exchange := string(p.Exchange); exchange {
	case "":
	case "amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace", "amq.rabbitmq.log":
		return about(wire.Errorf(wire.NotImplemented, "this broker has the default exchange only, not '%s'", exchange))
	default:
		return about(wire.Errorf(wire.NotFound, "no exchange '%s' in vhost '/'", printable(exchange)))
	}
	if p.Immediate {
		return about(wire.Errorf(wire.NotImplemented, "immediate=true"))
	}
	in := &incoming{mandatory: p.Mandatory, m: &message{}}
	if q := ch.conn.b.queues[string(p.RoutingKey)]; q != nil {
		in.routingKey = q.name // without allocation
	} else {
		in.routingKey = string(p.RoutingKey)
	}
	ch.incoming = in
	return nil
}

// handleContent handles a header or a part of the body.
func (ch *channel) handleContent(f wire.Frame) (e *wire.Error) {
	in := ch.incoming
	if in == nil || in.hasHeader != (f.Type == wire.FrameBody) {
		return ch.errOutOfOrder()
	}
	if f.Type == wire.FrameHeader {
		e = ch.handleHeader(f.Payload)
	} else {
		e = in.appendBody(f.Payload)
	}
	if e != nil {
		return about(e, &wire.BasicPublish{})
	}
	if uint64(len(in.m.body)) == in.size {
		ch.incoming = nil
		ch.route(in)
	}
	if f.Type == wire.FrameHeader {
		ch.conn.block()
	}
	return nil
}

// handleHeader handles the content header.
func (ch *channel) handleHeader(payload []byte) *wire.Error {
	in, max := ch.incoming, ch.conn.b.cfg.MaxMessage
	h, err := wire.ParseHeader(payload)
	if err != nil {
		return err.(*wire.Error)
	}
	if h.Class != wire.ClassBasic {
		return wire.Errorf(wire.UnexpectedFrame, "expected content header for class %d, got one for class %d instead", wire.ClassBasic, h.Class)
	}
	if h.BodySize > uint64(max) {
		return wire.Errorf(wire.PreconditionFailed, "message size %d is larger than configured max size %d", h.BodySize, max)
	}
	p, err := wire.ParseBrief(h.Properties)
	if err != nil {
		return err.(*wire.Error)
	}
	if e := ch.checkProperties(&p); e != nil {
		return e
	}
	in.m.persistent = p.DeliveryMode == amqp.Persistent
	if p.HasExpiration {
		ttl, e := parseExpiration(p.Expiration)
		if e != nil {
			return e
		}
		in.m.expires = time.Now().Add(ttl)
	}
	in.hasHeader, in.size = true, h.BodySize
	// One allocation for the properties and a small body. Memory for a large body is allocated as it arrives.
	const maxBelieved = 4 << 10
	buf := append(make([]byte, 0, len(h.Properties)+int(min(in.size, maxBelieved))), h.Properties...)
	in.m.properties = buf[:len(buf):len(buf)]
	in.m.body = buf[len(buf):]
	return nil
}

// checkProperties refuses properties that RabbitMQ refuses, and those that would change the route.
func (ch *channel) checkProperties(p *wire.Brief) *wire.Error {
	switch {
	case p.HasUserID && p.UserID != ch.conn.user:
		return wire.Errorf(wire.PreconditionFailed, "user_id property set to '%s' but authenticated user was '%s'", printable(p.UserID), printable(ch.conn.user))
	case p.HasDeliveryMode && p.DeliveryMode != amqp.Transient && p.DeliveryMode != amqp.Persistent:
		return wire.Errorf(wire.PreconditionFailed, "invalid message: {delivery_mode_unknown,%d}", p.DeliveryMode)
	case p.DirectReply:
		return wire.Errorf(wire.PreconditionFailed, "fast reply consumer does not exist")
	case p.Copies:
		return wire.Errorf(wire.NotImplemented, "sender-selected distribution: header 'CC' or 'BCC'")
	}
	return nil
}

// appendBody appends a part of the body.
func (in *incoming) appendBody(part []byte) *wire.Error {
	if n := len(in.m.body) + len(part); uint64(n) > in.size {
		return wire.Errorf(wire.UnexpectedFrame, "content body of %d bytes, but the header announced %d", n, in.size)
	}
	in.m.body = append(in.m.body, part...)
	return nil
}

// errOutOfOrder returns the exception for a frame of the wrong type.
func (ch *channel) errOutOfOrder() *wire.Error {
	switch in := ch.incoming; {
	case in == nil:
		return errNotMethod()
	case in.hasHeader:
		return about(wire.Errorf(wire.UnexpectedFrame, "expected content body, got non content body frame instead"), &wire.BasicPublish{})
	}
	return about(wire.Errorf(wire.UnexpectedFrame, "expected content header for class %d, got non content header frame instead", wire.ClassBasic), &wire.BasicPublish{})
}

// route puts a complete message into its queue or returns it, and notes that it has to be confirmed.
func (ch *channel) route(in *incoming) {
	if q := ch.conn.b.queues[in.routingKey]; q != nil {
		q.enqueue(in.m)
	} else if in.mandatory {
		ch.sendReturn(in)
	}
	if ch.confirms {
		ch.published++
		if !ch.unconfirmed {
			ch.unconfirmed = true
			ch.conn.unconfirmed = append(ch.conn.unconfirmed, ch)
		}
	}
}

// sendReturn returns a message that has no queue.
func (ch *channel) sendReturn(in *incoming) {
	ch.conn.write(func(out []byte) []byte {
		out = wire.AppendMethod(out, ch.id, &wire.BasicReturn{
			ReplyCode: wire.NoRoute, ReplyText: wire.CodeName(wire.NoRoute), RoutingKey: in.routingKey,
		})
		return wire.AppendContent(out, ch.id, wire.ClassBasic, in.m.properties, in.m.body, ch.conn.frameMax)
	})
}

// sendConfirms confirms all messages that were published since the last call, with one basic.ack.
func (ch *channel) sendConfirms() {
	if ch.conn.b.confirmsHeld {
		return
	}
	ch.unconfirmed = false
	if ch.published == ch.confirmed {
		return
	}
	multiple := ch.published > ch.confirmed+1
	ch.confirmed = ch.published
	ch.conn.write(func(out []byte) []byte { return wire.AppendAck(out, ch.id, ch.published, multiple) })
}
