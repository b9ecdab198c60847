package broker

import (
	"maps"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

// typeArgument and expiresArgument are the arguments of queue.declare that mean something here.
const typeArgument = "x-queue-type"

// unsupported are the arguments that mean something to RabbitMQ and cannot be kept here.
// Those that mean nothing to it are ignored, as it does.
var unsupported = []string{
	"x-consumer-timeout", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-delivery-limit",
	"x-max-age", "x-max-in-memory-bytes", "x-max-in-memory-length", "x-max-length", "x-max-length-bytes", "x-max-priority",
	"x-message-ttl", "x-overflow", "x-queue-leader-locator", "x-queue-master-locator", "x-queue-mode", "x-queue-version",
	"x-quorum-initial-group-size", "x-quorum-target-group-size", "x-single-active-consumer", "x-stream-filter-size-bytes", "x-stream-max-segment-size-bytes",
}

// declare is queue.declare.
func (ch *channel) declare(m *wire.QueueDeclare) *wire.Error {
	q, e := ch.declared(m)
	if e != nil {
		return e
	}
	ch.lastQueue = q.name
	if !q.quorum {
		q.used()
	}
	if !m.NoWait {
		q.expire()
		ch.send(&wire.QueueDeclareOk{Queue: q.name, MessageCount: uint32(q.ready.Len()), ConsumerCount: uint32(len(q.consumers))})
	}
	return nil
}

// declared finds the queue or makes it.
func (ch *channel) declared(m *wire.QueueDeclare) (*queue, *wire.Error) {
	b, name := ch.conn.b, m.Queue
	switch {
	case m.Passive && name == "": // the queue declared last is not meant, as in RabbitMQ
		return nil, exception(wire.NotFound, "no queue '' in vhost '/'")
	case m.Passive:
		return ch.find(name)
	case strings.HasPrefix(name, "amq."):
		return nil, exception(wire.AccessRefused, "queue name '%s' contains reserved prefix 'amq.*'", printable(name))
	}
	quorum, e := queueType(m)
	if e != nil {
		return nil, e
	}
	kept, e := leaseTime(m)
	if e != nil {
		return nil, e
	}
	if name == "" {
		name = "amq.gen-" + random()
	} else if b.queues[name] != nil {
		q, e := ch.find(name)
		if e == nil {
			e = q.equivalent(m, quorum, kept)
		}
		return q, e
	}
	q := &queue{b: b, name: name, durable: m.Durable && !m.Exclusive, autoDelete: m.AutoDelete, quorum: quorum, lease: lease{time: kept}}
	if m.Exclusive {
		q.owner = ch.conn
		ch.conn.exclusive[q] = struct{}{}
	}
	b.queues[name] = q
	q.used()
	return q, nil
}

// queueType checks the arguments of a declaration, and says whether it is for a quorum queue.
func queueType(m *wire.QueueDeclare) (quorum bool, _ *wire.Error) {
	for _, arg := range slices.Sorted(maps.Keys(m.Arguments)) {
		if slices.Contains(unsupported, arg) {
			return false, exception(wire.NotImplemented, "queue argument '%s'", arg)
		}
	}
	asked, given := m.Arguments[typeArgument]
	switch {
	case !given || asked == "classic":
		return false, nil
	case asked == "stream":
		return false, exception(wire.NotImplemented, "queue type 'stream'")
	case asked != "quorum":
		text, _ := asked.(string)
		return false, exception(wire.PreconditionFailed, "invalid arg 'x-queue-type' for queue '%s' in vhost '/': unsupported queue type '%s'", printable(m.Queue), printable(text))
	}
	for _, p := range []struct {
		wrong bool
		name  string
	}{{!m.Durable, "non-durable"}, {m.AutoDelete, "auto-delete"}, {m.Exclusive, "exclusive-owner"}} {
		if p.wrong {
			return false, exception(wire.PreconditionFailed, "invalid property '%s' for queue '%s' in vhost '/'", p.name, printable(m.Queue))
		}
	}
	return true, nil
}

// equivalent checks that a second declaration says the same as the first.
func (q *queue) equivalent(m *wire.QueueDeclare, quorum bool, kept time.Duration) *wire.Error {
	exclusive := q.owner != nil
	if m.Exclusive != exclusive {
		return locked(q.name)
	}
	differs := func(what string, got, is any) *wire.Error {
		return exception(wire.PreconditionFailed, "inequivalent arg '%s' for queue '%s' in vhost '/': received '%v' but current is '%v'", what, printable(q.name), got, is)
	}
	switch {
	case m.Durable != q.durable && !exclusive: // an exclusive one never is, whatever was said
		return differs("durable", m.Durable, q.durable)
	case m.AutoDelete != q.autoDelete:
		return differs("auto_delete", m.AutoDelete, q.autoDelete)
	case quorum != q.quorum:
		return differs(typeArgument, kind(quorum), kind(q.quorum))
	case kept != q.lease.time && kept > 0 && q.lease.time > 0:
		return differs(expiresArgument, kept.Milliseconds(), q.lease.time.Milliseconds())
	case kept != q.lease.time:
		return exception(wire.PreconditionFailed, "inequivalent arg '%s' for queue '%s' in vhost '/': received %s but current is %s", expiresArgument, printable(q.name), leased(kept), leased(q.lease.time))
	}
	return nil
}

// kind is a queue's type.
func kind(quorum bool) string {
	if quorum {
		return "quorum"
	}
	return "classic"
}
