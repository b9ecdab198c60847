package broker

import (
	"log/slog"

	"rpcscope/amqprpc/internal/wire"
)

// A channel is a channel of a connection. All its methods need the broker's lock.
type channel struct {
	conn *connection
	id   uint16

	closing   bool   // channel.close was sent: everything but its answer is ignored
	lastQueue string // the queue declared last, for which an empty name stands

	prefetch  int // of consumers to come
	consumers map[string]*consumer
	lastTag   uint64 // of the last delivery
	unacked   unacked

	incoming *incoming // the message that is arriving, or nil

	confirms    bool   // confirm.select was received
	published   uint64 // since confirm.select
	confirmed   uint64
	unconfirmed bool // it is in connection.unconfirmed
}

// openChannel handles the first frame of a channel that is not open.
func (c *connection) openChannel(f wire.Frame) *wire.Error {
	if f.Type != wire.FrameMethod {
		return errNotMethod()
	}
	m, err := wire.ParseMethod(f.Payload)
	if err != nil {
		return err.(*wire.Error)
	}
	if _, ok := m.(*wire.ChannelOpen); !ok {
		return about(wire.Errorf(wire.ChannelError, "expected 'channel.open'"), m)
	}
	if f.Channel > c.channelMax {
		return about(wire.Errorf(wire.NotAllowed, "channel %d is above the negotiated channel_max of %d", f.Channel, c.channelMax), m)
	}
	ch := &channel{conn: c, id: f.Channel, consumers: map[string]*consumer{}}
	c.channels[f.Channel] = ch
	ch.send(&wire.ChannelOpenOk{})
	return nil
}

func errNotMethod() *wire.Error {
	return wire.Errorf(wire.UnexpectedFrame, "expected method frame, got non method frame instead")
}

func (ch *channel) send(m wire.Method) {
	ch.conn.write(func(out []byte) []byte { return wire.AppendMethod(out, ch.id, m) })
}

// handle handles a frame.
func (ch *channel) handle(f wire.Frame) *wire.Error {
	switch {
	case ch.closing:
		ch.awaitCloseOk(f)
		return nil
	case f.Type == wire.FrameMethod:
		return ch.handleMethod(f.Payload)
	}
	return ch.handleContent(f)
}

// fail sends channel.close for an exception.
func (ch *channel) fail(e *wire.Error) {
	ch.sendConfirms()
	ch.release()
	ch.closing = true
	ch.send(&wire.ChannelClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
	ch.conn.b.logLater(slog.LevelInfo, "channel closed", append(ch.conn.logAttrs(), slog.Uint64("channel", uint64(ch.id)), slog.String("why", e.Text))...)
}

// awaitCloseOk ignores everything after channel.close but its answer.
func (ch *channel) awaitCloseOk(f wire.Frame) {
	if f.Type != wire.FrameMethod {
		return
	}
	switch m, _ := wire.ParseMethod(f.Payload); m.(type) {
	case *wire.ChannelClose: // both sides close it at the same time
		ch.send(&wire.ChannelCloseOk{})
	case *wire.ChannelCloseOk:
		delete(ch.conn.channels, ch.id)
	}
}

// release cancels the consumers and requeues unacked messages.
func (ch *channel) release() {
	ch.cancelConsumers()
	ch.conn.b.requeue(ch.unacked.takeAll())
}

// cancelConsumers cancels the consumers and drops an incomplete message. When a connection ends, it comes before any
// message is requeued, so that none goes to another channel of the connection.
func (ch *channel) cancelConsumers() {
	consumers := ch.consumers
	ch.consumers = nil
	ch.incoming = nil
	ch.confirmed = ch.published // confirms that are held back are never sent
	for _, c := range consumers {
		c.q.removeConsumer(c)
	}
}

// Methods that are parsed without allocation.
const (
	publishMethod = wire.ClassBasic<<16 | 40
	ackMethod     = wire.ClassBasic<<16 | 80
)

// handleMethod handles a method.
func (ch *channel) handleMethod(payload []byte) *wire.Error {
	class, method, err := wire.MethodID(payload)
	if err != nil {
		return err.(*wire.Error)
	}
	if ch.incoming != nil {
		return ch.errOutOfOrder()
	}
	switch uint32(class)<<16 | uint32(method) {
	case publishMethod:
		p, err := wire.ParsePublish(payload)
		if err != nil {
			return err.(*wire.Error)
		}
		return ch.publish(p)
	case ackMethod:
		tag, multiple, err := wire.ParseAck(payload)
		if err != nil {
			return err.(*wire.Error)
		}
		if e := ch.ack(tag, multiple, false); e != nil {
			return about(e, &wire.BasicAck{})
		}
		return nil
	}
	m, err := wire.ParseMethod(payload)
	if err != nil {
		return err.(*wire.Error)
	}
	if ch.unconfirmed { // earlier messages are confirmed before the answer to this method
		ch.sendConfirms()
	}
	if e := ch.perform(m); e != nil {
		return about(e, m)
	}
	return nil
}

// perform carries out a method other than basic.publish and basic.ack.
func (ch *channel) perform(m wire.Method) *wire.Error {
	switch m := m.(type) {
	case *wire.ChannelOpen:
		return wire.Errorf(wire.ChannelError, "second 'channel.open' seen")
	case *wire.ChannelClose:
		ch.release() // before the answer
		delete(ch.conn.channels, ch.id)
		ch.send(&wire.ChannelCloseOk{})
	case *wire.ChannelFlow:
		if !m.Active {
			return wire.Errorf(wire.NotImplemented, "active=false")
		}
		ch.send(&wire.ChannelFlowOk{Active: true})
	case *wire.ConfirmSelect:
		ch.confirms = true
		if !m.NoWait {
			ch.send(&wire.ConfirmSelectOk{})
		}
	case *wire.QueueDeclare:
		return ch.declare(m)
	case *wire.QueueDelete:
		return ch.deleteQueue(m)
	case *wire.QueuePurge:
		q, e := ch.findQueue(m.Queue)
		if e != nil {
			return e
		}
		n := q.purge()
		if !m.NoWait {
			ch.send(&wire.QueuePurgeOk{MessageCount: uint32(n)})
		}
	case *wire.BasicQos:
		switch {
		case m.PrefetchSize != 0:
			return wire.Errorf(wire.NotImplemented, "prefetch_size!=0 (%d)", m.PrefetchSize)
		case m.Global:
			return wire.Errorf(wire.NotImplemented, "global=true")
		}
		ch.prefetch = int(m.PrefetchCount)
		ch.send(&wire.BasicQosOk{})
	case *wire.BasicConsume:
		return ch.consume(m)
	case *wire.BasicCancel:
		if c := ch.consumers[m.ConsumerTag]; c != nil {
			delete(ch.consumers, c.tag)
			c.q.removeConsumer(c)
		}
		if !m.NoWait {
			ch.send(&wire.BasicCancelOk{ConsumerTag: m.ConsumerTag})
		}
	case *wire.BasicGet:
		return ch.get(m)
	case *wire.BasicNack:
		return ch.ack(m.DeliveryTag, m.Multiple, m.Requeue)
	case *wire.BasicReject:
		return ch.ack(m.DeliveryTag, false, m.Requeue)
	case *wire.BasicRecover, *wire.BasicRecoverAsync:
		return wire.Errorf(wire.NotImplemented, "%s", wire.MethodName(wire.ID(m)))
	case *wire.ChannelFlowOk, *wire.ChannelCloseOk: // answers that nobody waits for
	default:
		return wire.Errorf(wire.CommandInvalid, "unimplemented method: %s on channel %d", wire.MethodName(wire.ID(m)), ch.id)
	}
	return nil
}
