package broker

import (
	"maps"
	"slices"

	"rpcscope/amqprpc/internal/wire"
)

// A consumer delivers messages of a queue to a channel.
type consumer struct {
	tag       string
	ch        *channel
	q         *queue
	noAck     bool
	exclusive bool
	prefetch  int // 0: unlimited
	unacked   int
}

// ready reports whether a message may be sent now: the prefetch limit is not reached, and the client reads.
func (c *consumer) ready() bool {
	return (c.noAck || c.prefetch == 0 || c.unacked < c.prefetch) && !c.ch.conn.out.full()
}

// deliver sends a message.
func (c *consumer) deliver(m *message) {
	conn, tag := c.ch.conn, c.ch.addDelivery(delivery{m: m, q: c.q, c: c}, c.noAck)
	conn.write(func(out []byte) []byte {
		out = wire.AppendDeliver(out, c.ch.id, c.tag, tag, m.redelivered(), "", c.q.name)
		return wire.AppendContent(out, c.ch.id, wire.ClassBasic, m.properties, m.body, conn.frameMax)
	})
	m.deliveries++
	if c.noAck {
		c.q.b.freeMemory(m)
		return
	}
	c.unacked++
}

// cancel ends the consumer because its queue was deleted.
func (c *consumer) cancel() {
	if c.ch.consumers[c.tag] != c {
		return
	}
	delete(c.ch.consumers, c.tag)
	if c.ch.conn.capabilities.cancelNotify {
		c.ch.send(&wire.BasicCancel{ConsumerTag: c.tag, NoWait: true})
	}
}

// consume handles basic.consume.
func (ch *channel) consume(m *wire.BasicConsume) *wire.Error {
	q, e := ch.findQueue(m.Queue)
	if e != nil {
		return e
	}
	for _, arg := range slices.Sorted(maps.Keys(m.Arguments)) {
		switch arg {
		case "x-priority", "x-credit", "x-stream-offset":
			return wire.Errorf(wire.NotImplemented, "consumer argument '%s'", arg)
		}
	}
	tag := m.ConsumerTag
	switch {
	case tag == "":
		tag = "amq.ctag-" + randomName()
	case ch.consumers[tag] != nil:
		return wire.Errorf(wire.NotAllowed, "attempt to reuse consumer tag '%s'", printable(tag))
	}
	if n := len(q.consumers); n > 0 && (m.Exclusive || q.consumers[0].exclusive) {
		return wire.Errorf(wire.AccessRefused, "queue '%s' in vhost '/' in exclusive use", printable(q.name))
	}
	c := &consumer{tag: tag, ch: ch, q: q, noAck: m.NoAck, exclusive: m.Exclusive, prefetch: ch.prefetch}
	ch.consumers[tag] = c
	if !m.NoWait {
		ch.send(&wire.BasicConsumeOk{ConsumerTag: tag})
	}
	q.consumers = append(q.consumers, c)
	q.deliver()
	return nil
}

// get handles basic.get.
func (ch *channel) get(m *wire.BasicGet) *wire.Error {
	q, e := ch.findQueue(m.Queue)
	if e != nil {
		return e
	}
	msg := q.pop()
	if msg == nil {
		ch.send(&wire.BasicGetEmpty{})
		return nil
	}
	ok := wire.BasicGetOk{
		DeliveryTag: ch.addDelivery(delivery{m: msg, q: q}, m.NoAck),
		Redelivered: msg.redelivered(), RoutingKey: q.name, MessageCount: uint32(q.ready.Len()),
	}
	ch.conn.write(func(out []byte) []byte {
		out = wire.AppendMethod(out, ch.id, &ok)
		return wire.AppendContent(out, ch.id, wire.ClassBasic, msg.properties, msg.body, ch.conn.frameMax)
	})
	msg.deliveries++
	if m.NoAck {
		q.b.freeMemory(msg)
	}
	return nil
}

// addDelivery returns the next delivery tag and, if an ack is needed, adds the delivery to those that are not acked.
func (ch *channel) addDelivery(d delivery, noAck bool) (tag uint64) {
	ch.lastTag++
	if !noAck {
		d.tag = ch.lastTag
		d.q.unacked++
		ch.unacked.add(d)
	}
	return ch.lastTag
}

// ack handles basic.ack, basic.nack and basic.reject.
func (ch *channel) ack(tag uint64, multiple, requeue bool) *wire.Error {
	var one [1]delivery
	acked, ok := one[:], false
	if multiple {
		acked, ok = ch.unacked.takeTo(tag)
	} else {
		one[0], ok = ch.unacked.take(tag)
	}
	if !ok {
		return wire.Errorf(wire.PreconditionFailed, "unknown delivery tag %d", tag)
	}
	if requeue {
		ch.conn.b.requeue(acked)
		return nil
	}
	for _, d := range acked {
		d.q.unacked--
		d.q.b.freeMemory(d.m)
	}
	for _, d := range acked {
		d.returnCredit()
	}
	return nil
}

// returnCredit returns the credit of a delivery that was acked or requeued to its consumer.
func (d delivery) returnCredit() {
	if d.c != nil {
		d.c.unacked--
		d.q.deliver()
	}
}
