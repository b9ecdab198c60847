package broker

import (
	"maps"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/internal/wire"
)

// typeArgument is the one argument of queue.declare that means something here.
const typeArgument = "x-queue-type"

// unsupported are the arguments that mean something to RabbitMQ and cannot be kept here.
// Those that mean nothing to it are ignored, as it does.
var unsupported = []string{
	"x-consumer-timeout", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-delivery-limit", "x-expires",
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
	if !m.NoWait {
		q.expire()
		ch.send(&wire.QueueDeclareOk{Queue: q.name, MessageCount: uint32(q.ready.Len()), ConsumerCount: uint32(len(q.consumers))})
	}
	return nil
}

// declared finds the queue or makes it.
func (ch *channel) declared(m *wire.QueueDeclare) (*queue, *wire.Error) {
	if m.Passive {
		return ch.find(m.Queue)
	}
	quorum, e := queueType(m)
	if e != nil {
		return nil, e
	}
	b, name := ch.conn.b, m.Queue
	if name == "" {
		name = "amq.gen-" + random()
	} else if b.queues[name] != nil {
		q, e := ch.find(name)
		if e == nil {
			e = q.equivalent(m, quorum)
		}
		return q, e
	} else if strings.HasPrefix(name, "amq.") {
		return nil, exception(wire.AccessRefused, "queue name '%s' contains reserved prefix 'amq.*'", printable(name))
	}
	q := &queue{b: b, name: name, durable: m.Durable, autoDelete: m.AutoDelete, quorum: quorum, arguments: m.Arguments}
	if m.Exclusive {
		q.owner = ch.conn
		ch.conn.exclusive[q] = struct{}{}
	}
	b.queues[name] = q
	return q, nil
}

// queueType checks the arguments of a declaration, and says whether it is for a quorum queue.
func queueType(m *wire.QueueDeclare) (quorum bool, _ *wire.Error) {
	for _, arg := range slices.Sorted(maps.Keys(m.Arguments)) {
		if slices.Contains(unsupported, arg) {
			return false, exception(wire.NotImplemented, "queue argument '%s'", arg)
		}
	}
	kind, given := m.Arguments[typeArgument]
	switch {
	case !given || kind == "classic":
		return false, nil
	case kind == "stream":
		return false, exception(wire.NotImplemented, "queue type 'stream'")
	case kind != "quorum":
		text, _ := kind.(string)
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
func (q *queue) equivalent(m *wire.QueueDeclare, quorum bool) *wire.Error {
	for _, p := range []struct {
		name      string
		want, got bool
	}{{"durable", q.durable, m.Durable}, {"auto_delete", q.autoDelete, m.AutoDelete}, {"exclusive", q.owner != nil, m.Exclusive}} {
		if p.want != p.got {
			return exception(wire.PreconditionFailed, "inequivalent arg '%s' for queue '%s' in vhost '/': received '%t' but current is '%t'", p.name, printable(q.name), p.got, p.want)
		}
	}
	if quorum != q.quorum {
		return exception(wire.PreconditionFailed, "inequivalent arg '%s' for queue '%s' in vhost '/': received %s but current is %s", typeArgument, printable(q.name), typeIn(m.Arguments), typeIn(q.arguments))
	}
	return nil
}

// typeIn describes the queue type in arguments as RabbitMQ does.
func typeIn(arguments amqp.Table) string {
	if kind, ok := arguments[typeArgument].(string); ok {
		return "the value '" + printable(kind) + "' of type 'longstr'"
	}
	return "none"
}
