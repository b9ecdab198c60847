package broker

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A channel is one channel of a connection. All its methods need the broker's lock.
type channel struct {
	conn *connection
	id   uint16

	closing   bool   // channel.close was sent, and nothing is taken but its answer
	lastQueue string // the one declared last, which an empty name stands for

	prefetch  int // of consumers to come
	consumers map[string]*consumer
	tag       uint64 // of the last delivery
	unacked   unacked

	incoming *incoming

	confirms  bool
	published uint64 // since confirm.select
	confirmed uint64
	settling  bool // among the connection's channels with confirms to send
}

// An incoming is a message of which a part has come.
type incoming struct {
	queue     *queue // nil: none of that name
	key       string // as it came, if there is no queue
	mandatory bool

	header bool
	size   uint64 // of the body, as the header says
	brief  wire.Brief
	m      *message
}

func (ch *channel) send(m wire.Method) {
	ch.conn.write(func(out []byte) []byte { return wire.AppendMethod(out, ch.id, m) })
}

// sent numbers a delivery and, unless it needs no ack, keeps it.
func (ch *channel) sent(d delivery, noAck bool) (tag uint64) {
	ch.tag++
	if !noAck {
		d.tag = ch.tag
		d.q.unacked++
		ch.unacked.add(d)
	}
	return ch.tag
}

// publish begins a message.
func (ch *channel) publish(p wire.Publish) *wire.Error {
	about := func(e *wire.Error) *wire.Error { return about(e, &wire.BasicPublish{}) }
	if exchange := string(p.Exchange); exchange != "" {
		if predeclared(exchange) {
			return about(exception(wire.NotImplemented, "this broker has the default exchange only, not '%s'", exchange))
		}
		return about(exception(wire.NotFound, "no exchange '%s' in vhost '/'", printable(exchange)))
	}
	if p.Immediate {
		return about(exception(wire.NotImplemented, "immediate=true"))
	}
	in := &incoming{queue: ch.conn.b.queues[string(p.RoutingKey)], mandatory: p.Mandatory, m: &message{}}
	if in.queue == nil {
		in.key = string(p.RoutingKey)
	}
	ch.incoming = in
	return nil
}

// predeclared says whether RabbitMQ has this exchange from the start.
func predeclared(exchange string) bool {
	switch exchange {
	case "amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace", "amq.rabbitmq.log":
		return true
	}
	return false
}

// believed is how much of a body memory is taken for before it has come.
const believed = 4 << 10

// pending is what has come of a message that is not complete, in bytes.
func (ch *channel) pending() int64 {
	if ch.incoming == nil {
		return 0
	}
	return int64(len(ch.incoming.m.properties) + len(ch.incoming.m.body))
}

// arrived counts bytes of a message that is not complete. Together they are bounded too, or a client could send
// nearly all of a large message on every one of its channels.
func (ch *channel) arrived(n int) *wire.Error {
	b := ch.conn.b
	b.arriving += int64(n)
	if most := b.memoryLimit + int64(b.maxMessage); b.arriving > most {
		return about(exception(wire.ResourceError, "messages that are not complete take more than %d bytes", most), &wire.BasicPublish{})
	}
	return nil
}

// abandon ends the message that is coming, complete or not.
func (ch *channel) abandon() {
	ch.conn.b.arriving -= ch.pending()
	ch.incoming = nil
}

// header takes a content header.
func (ch *channel) header(payload []byte) *wire.Error {
	in := ch.incoming
	if in == nil || in.header {
		return ch.outOfOrder()
	}
	publish := &wire.BasicPublish{}
	h, err := wire.ParseHeader(payload)
	if err != nil {
		return about(asException(err), publish)
	}
	if h.Class != wire.ClassBasic {
		return about(exception(wire.UnexpectedFrame, "expected content header for class %d, got one for class %d instead", wire.ClassBasic, h.Class), publish)
	}
	in.header = true
	in.size = h.BodySize
	if h.BodySize > uint64(ch.conn.b.maxMessage) {
		return about(exception(wire.PreconditionFailed, "message size %d is larger than configured max size %d", h.BodySize, ch.conn.b.maxMessage), publish)
	}
	if in.brief, err = wire.CheckProperties(h.Properties); err != nil {
		return asException(err)
	}
	if e := ch.check(&in.brief); e != nil {
		return about(e, publish)
	}
	// One piece of memory for both, if the body is small: what a header promises has not come yet.
	room := len(h.Properties) + int(min(in.size, believed))
	buf := append(make([]byte, 0, room), h.Properties...)
	in.m.properties = buf[:len(buf):len(buf)]
	in.m.body = buf[len(buf):]
	if e := ch.arrived(len(h.Properties)); e != nil {
		return e
	}
	if in.size == 0 {
		return ch.route()
	}
	return nil
}

// check refuses properties that RabbitMQ refuses, and those by which it would route in another way.
func (ch *channel) check(p *wire.Brief) *wire.Error {
	switch {
	case p.HasUserID && p.UserID != ch.conn.user:
		return exception(wire.PreconditionFailed, "user_id property set to '%s' but authenticated user was '%s'", printable(p.UserID), printable(ch.conn.user))
	case p.HasDeliveryMode && p.DeliveryMode != amqp.Transient && p.DeliveryMode != amqp.Persistent:
		return exception(wire.PreconditionFailed, "invalid message: {delivery_mode_unknown,%d}", p.DeliveryMode)
	case p.DirectReply:
		return exception(wire.PreconditionFailed, "fast reply consumer does not exist")
	case p.Copies:
		return exception(wire.NotImplemented, "sender-selected distribution: header 'CC' or 'BCC'")
	}
	return nil
}

// body takes a part of the body.
func (ch *channel) body(payload []byte) *wire.Error {
	in := ch.incoming
	if in == nil || !in.header {
		return ch.outOfOrder()
	}
	if uint64(len(in.m.body)+len(payload)) > in.size {
		return about(exception(wire.UnexpectedFrame, "content body of %d bytes, where the header said %d", len(in.m.body)+len(payload), in.size), &wire.BasicPublish{})
	}
	in.m.body = append(in.m.body, payload...)
	if e := ch.arrived(len(payload)); e != nil {
		return e
	}
	if uint64(len(in.m.body)) == in.size {
		return ch.route()
	}
	return nil
}

// outOfOrder is the exception for a frame that is not the one awaited.
func (ch *channel) outOfOrder() *wire.Error {
	switch in := ch.incoming; {
	case in == nil:
		return exception(wire.UnexpectedFrame, "expected method frame, got non method frame instead")
	case in.header:
		return about(exception(wire.UnexpectedFrame, "expected content body, got non content body frame instead"), &wire.BasicPublish{})
	}
	return about(exception(wire.UnexpectedFrame, "expected content header for class %d, got non content header frame instead", wire.ClassBasic), &wire.BasicPublish{})
}

// route puts the message that has come into its queue, or returns it; and confirms it.
func (ch *channel) route() *wire.Error {
	in, b := ch.incoming, ch.conn.b
	ch.abandon()
	m := in.m
	m.persistent = in.brief.DeliveryMode == amqp.Persistent
	if in.brief.HasExpiration {
		ttl, err := parseExpiration(in.brief.Expiration)
		if err != nil {
			return about(err, &wire.BasicPublish{})
		}
		m.expires = time.Now().Add(ttl)
	}
	switch q := in.queue; { // what there is may have changed between the method and the last of the body
	case q == nil:
		in.queue = b.queues[in.key]
	case q.deleted:
		in.queue, in.key = b.queues[q.name], q.name
	}
	switch {
	case in.queue != nil && b.meddle != nil:
		b.meddled(in.queue, m)
	case in.queue != nil:
		in.queue.enqueue(m)
	case in.mandatory:
		ch.conn.write(func(out []byte) []byte {
			out = wire.AppendMethod(out, ch.id, &wire.BasicReturn{
				ReplyCode: wire.NoRoute, ReplyText: wire.CodeName(wire.NoRoute), RoutingKey: in.key,
			})
			return wire.AppendContent(out, ch.id, wire.ClassBasic, m.properties, m.body, ch.conn.frameMax)
		})
	}
	if ch.confirms {
		ch.published++
		if !ch.settling {
			ch.settling = true
			ch.conn.settling = append(ch.conn.settling, ch)
		}
	}
	return nil
}

// settle confirms what was published. One basic.ack stands for all since the last.
func (ch *channel) settle() {
	if ch.conn.b.confirmsHeld || ch.published == ch.confirmed {
		return
	}
	multiple := ch.published > ch.confirmed+1
	ch.confirmed = ch.published
	ch.conn.write(func(out []byte) []byte { return wire.AppendAck(out, ch.id, ch.published, multiple) })
}

// ack settles deliveries by basic.ack, basic.nack or basic.reject.
func (ch *channel) ack(tag uint64, multiple, requeue bool) *wire.Error {
	if !multiple {
		d, ok := ch.unacked.take(tag)
		if !ok {
			return exception(wire.PreconditionFailed, "unknown delivery tag %d", tag)
		}
		if requeue {
			ch.conn.b.requeue([]delivery{d})
			return nil
		}
		d.q.acked(d.m)
		d.freeCredit()
		return nil
	}
	taken, ok := ch.unacked.takeTo(tag)
	if !ok {
		return exception(wire.PreconditionFailed, "unknown delivery tag %d", tag)
	}
	if requeue {
		ch.conn.b.requeue(taken)
		return nil
	}
	for _, d := range taken {
		d.q.acked(d.m)
	}
	for _, d := range taken {
		d.freeCredit()
	}
	return nil
}

// freeCredit gives the credit of a delivery that is settled back to its consumer.
func (d delivery) freeCredit() {
	if d.c != nil {
		d.c.unacked--
		d.c.credit()
	}
}

// leave ends the channel: its consumers end, what they did not ack goes back.
func (ch *channel) leave() {
	ch.stopConsuming()
	ch.conn.b.requeue(ch.takeBack())
}

// stopConsuming ends the consumers. Those of all channels of a connection end before messages
// go back.
func (ch *channel) stopConsuming() {
	consumers := ch.consumers
	ch.consumers = nil
	ch.abandon()
	ch.confirmed = ch.published // what has not been confirmed by now never is
	for _, c := range consumers {
		c.q.remove(c)
	}
}

// takeBack returns what is not acked, for it to go back to the queues.
func (ch *channel) takeBack() []delivery {
	all, _ := ch.unacked.takeTo(0)
	return all
}
