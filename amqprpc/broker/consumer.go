package broker

import "rpcscope/amqprpc/internal/wire"

// A consumer takes messages from a queue to a channel.
type consumer struct {
	tag       string
	ch        *channel
	q         *queue
	noAck     bool
	exclusive bool
	prefetch  int // 0: unlimited
	unacked   int
	place     int  // in q.consumers
	idle      bool // it is among q.idle, and not gone
	held      bool // it waits for its client to take what was sent before
}

// canTake says whether a message may be sent now: its credit is not used up, and its client
// takes what was sent before.
func (c *consumer) canTake() bool {
	if !c.noAck && c.prefetch > 0 && c.unacked >= c.prefetch {
		return false
	}
	if c.ch.conn.out.full() {
		if !c.held {
			c.held = true
			c.ch.conn.held = append(c.ch.conn.held, c)
		}
		return false
	}
	return true
}

// deliver sends a message.
func (c *consumer) deliver(m *message) {
	tag := c.ch.sent(delivery{m: m, q: c.q, c: c}, c.noAck)
	conn := c.ch.conn
	conn.write(func(out []byte) []byte {
		out = wire.AppendDeliver(out, c.ch.id, c.tag, tag, m.redelivered(), "", c.q.name)
		return wire.AppendContent(out, c.ch.id, wire.ClassBasic, m.properties, m.body, conn.frameMax)
	})
	m.deliveries++
	if c.noAck {
		c.q.b.free(m)
		return
	}
	c.unacked++
}

// credit gives the consumer back what an ack, a reject or a room in its client's buffer makes
// free, and delivers if it has waited for that.
func (c *consumer) credit() {
	if c.idle || c.q.deleted || c.ch.consumers[c.tag] != c {
		return
	}
	if c.idle = c.canTake(); c.idle {
		c.q.idle.PushBack(c)
		c.q.pump()
	}
}

// canceledByBroker ends the consumer because its queue has gone.
func (c *consumer) canceledByBroker() {
	if c.ch.consumers[c.tag] != c {
		return
	}
	delete(c.ch.consumers, c.tag)
	if c.ch.conn.capable.cancelNotify {
		c.ch.send(&wire.BasicCancel{ConsumerTag: c.tag, NoWait: true})
	}
}
