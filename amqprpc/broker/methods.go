package broker

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"maps"
	"slices"

	"rpcscope/amqprpc/internal/wire"
)

// openChannel takes the first frame of a channel that is not open.
func (c *connection) openChannel(f wire.Frame) *wire.Error {
	m, err := wire.ParseMethod(f.Payload)
	if err != nil {
		return asException(err)
	}
	if _, ok := m.(*wire.ChannelOpen); !ok {
		return about(exception(wire.ChannelError, "expected 'channel.open'"), m)
	}
	if f.Channel > c.channelMax {
		return about(exception(wire.NotAllowed, "channel %d is above the negotiated channel_max of %d", f.Channel, c.channelMax), m)
	}
	ch := &channel{conn: c, id: f.Channel, consumers: map[string]*consumer{}}
	c.channels[f.Channel] = ch
	ch.send(&wire.ChannelOpenOk{})
	return nil
}

// fail begins to close the channel for an exception.
func (ch *channel) fail(e *wire.Error) {
	ch.settle()
	ch.leave()
	ch.closing = true
	ch.send(&wire.ChannelClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
	ch.conn.b.note(slog.LevelInfo, "channel closed", append(ch.conn.who(), slog.Uint64("channel", uint64(ch.id)), slog.String("why", e.Text))...)
}

// awaitCloseOk drops what comes after channel.close, but for its answer.
func (ch *channel) awaitCloseOk(f wire.Frame) *wire.Error {
	if f.Type != wire.FrameMethod {
		return nil
	}
	switch m, _ := wire.ParseMethod(f.Payload); m.(type) {
	case *wire.ChannelClose: // they crossed
		ch.send(&wire.ChannelCloseOk{})
	case *wire.ChannelCloseOk:
		delete(ch.conn.channels, ch.id)
	}
	return nil
}

// The methods that matter for speed, by class and method.
const (
	publishMethod = wire.ClassBasic<<16 | 40
	ackMethod     = wire.ClassBasic<<16 | 80
)

// method takes a method of an open channel.
func (ch *channel) method(payload []byte) *wire.Error {
	class, method, err := wire.MethodID(payload)
	if err != nil {
		return asException(err)
	}
	if ch.incoming != nil {
		return ch.outOfOrder()
	}
	switch uint32(class)<<16 | uint32(method) {
	case publishMethod:
		p, err := wire.ParsePublish(payload)
		if err != nil {
			return asException(err)
		}
		return ch.publish(p)
	case ackMethod:
		tag, multiple, err := wire.ParseAck(payload)
		if err != nil {
			return asException(err)
		}
		if e := ch.ack(tag, multiple, false); e != nil {
			return about(e, &wire.BasicAck{})
		}
		return nil
	}
	m, err := wire.ParseMethod(payload)
	if err != nil {
		return asException(err)
	}
	// What was published before is confirmed before the answer to what came after it.
	if ch.settling {
		ch.settle()
	}
	if e := ch.perform(m); e != nil {
		return about(e, m)
	}
	return nil
}

func (ch *channel) perform(m wire.Method) *wire.Error {
	switch m := m.(type) {
	case *wire.ChannelOpen:
		return exception(wire.ChannelError, "second 'channel.open' seen")
	case *wire.ChannelClose:
		ch.leave() // what it had is back in the queues when the client gets its answer
		delete(ch.conn.channels, ch.id)
		ch.send(&wire.ChannelCloseOk{})
	case *wire.ChannelFlow:
		if !m.Active {
			return exception(wire.NotImplemented, "active=false")
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
		q, e := ch.find(m.Queue)
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
			return exception(wire.NotImplemented, "prefetch_size!=0 (%d)", m.PrefetchSize)
		case m.Global:
			return exception(wire.NotImplemented, "global=true")
		}
		ch.prefetch = int(m.PrefetchCount)
		ch.send(&wire.BasicQosOk{})
	case *wire.BasicConsume:
		return ch.consume(m)
	case *wire.BasicCancel:
		if c := ch.consumers[m.ConsumerTag]; c != nil {
			delete(ch.consumers, c.tag)
			c.q.remove(c)
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
		class, method := m.ID()
		return exception(wire.NotImplemented, "%s", wire.MethodName(class, method))
	case *wire.ChannelFlowOk, *wire.ChannelCloseOk: // to nothing
	default:
		class, method := m.ID()
		if class == wire.ClassConnection {
			return exception(wire.CommandInvalid, "unimplemented method: %s on channel %d", wire.MethodName(class, method), ch.id)
		}
		return exception(wire.CommandInvalid, "unimplemented method: %s from a client", wire.MethodName(class, method))
	}
	return nil
}

// find returns the queue of this name; the empty name is the queue declared last.
func (ch *channel) find(name string) (*queue, *wire.Error) {
	if name == "" {
		if name = ch.lastQueue; name == "" {
			return nil, exception(wire.NotFound, "no previously declared queue")
		}
	}
	if name == wire.DirectReplyTo {
		return nil, exception(wire.NotImplemented, "direct reply-to")
	}
	q := ch.conn.b.queues[name]
	if q == nil {
		return nil, exception(wire.NotFound, "no queue '%s' in vhost '/'", printable(name))
	}
	if q.owner != nil && q.owner != ch.conn {
		return nil, locked(name)
	}
	return q, nil
}

// locked is the exception for a queue that is another connection's own.
func locked(name string) *wire.Error {
	return exception(wire.ResourceLocked, "cannot obtain exclusive access to locked queue '%s' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.", printable(name))
}

func (ch *channel) deleteQueue(m *wire.QueueDelete) *wire.Error {
	q, e := ch.find(m.Queue)
	n := 0
	switch {
	case e != nil && e.Code == wire.NotFound && m.Queue != "": // then all is as it is to be
	case e != nil:
		return e
	case m.IfUnused && len(q.consumers) > 0:
		return exception(wire.PreconditionFailed, "queue '%s' in vhost '/' in use", printable(q.name))
	case m.IfEmpty && q.ready.Len() > 0:
		return exception(wire.PreconditionFailed, "queue '%s' in vhost '/' not empty", printable(q.name))
	default:
		n = q.delete()
	}
	if !m.NoWait {
		ch.send(&wire.QueueDeleteOk{MessageCount: uint32(n)})
	}
	return nil
}

func (ch *channel) consume(m *wire.BasicConsume) *wire.Error {
	q, e := ch.find(m.Queue)
	if e != nil {
		return e
	}
	for _, arg := range slices.Sorted(maps.Keys(m.Arguments)) {
		switch arg {
		case "x-priority", "x-credit", "x-stream-offset":
			return exception(wire.NotImplemented, "consumer argument '%s'", arg)
		}
	}
	tag := m.ConsumerTag
	switch {
	case tag == "":
		tag = "amq.ctag-" + random()
	case ch.consumers[tag] != nil:
		return exception(wire.NotAllowed, "attempt to reuse consumer tag '%s'", printable(tag))
	}
	if q.exclusivelyConsumed() || m.Exclusive && len(q.consumers) > 0 {
		return exception(wire.AccessRefused, "queue '%s' in vhost '/' in exclusive use", printable(q.name))
	}
	c := &consumer{tag: tag, ch: ch, q: q, noAck: m.NoAck, exclusive: m.Exclusive, prefetch: ch.prefetch}
	ch.consumers[tag] = c
	if !m.NoWait {
		ch.send(&wire.BasicConsumeOk{ConsumerTag: tag})
	}
	q.add(c)
	return nil
}

func (ch *channel) get(m *wire.BasicGet) *wire.Error {
	q, e := ch.find(m.Queue)
	if e != nil {
		return e
	}
	msg := q.take()
	if msg == nil {
		ch.send(&wire.BasicGetEmpty{})
		return nil
	}
	ok := wire.BasicGetOk{
		DeliveryTag: ch.sent(delivery{m: msg, q: q}, m.NoAck),
		Redelivered: msg.redelivered(), RoutingKey: q.name, MessageCount: uint32(q.ready.Len()),
	}
	ch.conn.write(func(out []byte) []byte {
		out = wire.AppendMethod(out, ch.id, &ok)
		return wire.AppendContent(out, ch.id, wire.ClassBasic, msg.properties, msg.body, ch.conn.frameMax)
	})
	msg.deliveries++
	if m.NoAck {
		q.b.free(msg)
	}
	return nil
}

// random is 22 characters that nobody guesses, as in amq.gen-JzTY20BRgKO-HjmUJj0wLg.
func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
