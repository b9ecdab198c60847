package broker

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

const typeArgument = "x-queue-type"

// unsupportedArguments are the arguments of queue.declare that RabbitMQ knows and this broker does not.
var unsupportedArguments = []string{
	"x-consumer-timeout", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-delivery-limit",
	"x-max-age", "x-max-in-memory-bytes", "x-max-in-memory-length", "x-max-length", "x-max-length-bytes", "x-max-priority",
	"x-message-ttl", "x-overflow", "x-queue-leader-locator", "x-queue-master-locator", "x-queue-mode", "x-queue-version",
	"x-quorum-initial-group-size", "x-quorum-target-group-size", "x-single-active-consumer", "x-stream-filter-size-bytes", "x-stream-max-segment-size-bytes",
}

// declare handles queue.declare.
func (ch *channel) declare(m *wire.QueueDeclare) *wire.Error {
	q, e := ch.findOrCreate(m)
	if e != nil {
		return e
	}
	ch.lastQueue = q.name
	if !q.quorum { // as in RabbitMQ
		q.renewLease()
	}
	if !m.NoWait {
		q.expireHead()
		ch.send(&wire.QueueDeclareOk{Queue: q.name, MessageCount: uint32(q.ready.Len()), ConsumerCount: uint32(len(q.consumers))})
	}
	return nil
}

// findOrCreate returns the queue that is declared.
func (ch *channel) findOrCreate(m *wire.QueueDeclare) (*queue, *wire.Error) {
	b, name := ch.conn.b, m.Queue
	switch {
	case m.Passive && name == "": // as in RabbitMQ, this does not stand for the last queue
		return nil, wire.Errorf(wire.NotFound, "no queue '' in vhost '/'")
	case m.Passive:
		return ch.findQueue(name)
	case strings.HasPrefix(name, "amq."):
		return nil, wire.Errorf(wire.AccessRefused, "queue name '%s' contains reserved prefix 'amq.*'", printable(name))
	}
	quorum, e := queueType(m)
	if e != nil {
		return nil, e
	}
	expires, e := leaseTime(m)
	if e != nil {
		return nil, e
	}
	if name == "" {
		name = "amq.gen-" + randomName()
	} else if b.queues[name] != nil {
		q, e := ch.findQueue(name)
		if e == nil {
			e = q.equivalent(m, quorum, expires)
		}
		return q, e
	}
	q := &queue{b: b, name: name, durable: m.Durable && !m.Exclusive, autoDelete: m.AutoDelete, quorum: quorum, lease: lease{time: expires}}
	if m.Exclusive {
		q.owner = ch.conn
		ch.conn.exclusive[q] = struct{}{}
	}
	b.queues[name] = q
	q.renewLease()
	return q, nil
}

// queueType checks the arguments of a declaration and reports whether it is for a quorum queue.
func queueType(m *wire.QueueDeclare) (quorum bool, _ *wire.Error) {
	for _, arg := range slices.Sorted(maps.Keys(m.Arguments)) {
		if slices.Contains(unsupportedArguments, arg) {
			return false, wire.Errorf(wire.NotImplemented, "queue argument '%s'", arg)
		}
	}
	switch requested, given := m.Arguments[typeArgument]; {
	case !given || requested == "classic":
		return false, nil
	case requested == "stream":
		return false, wire.Errorf(wire.NotImplemented, "queue type 'stream'")
	case requested != "quorum":
		text, _ := requested.(string)
		return false, wire.Errorf(wire.PreconditionFailed, "invalid arg 'x-queue-type' for queue '%s' in vhost '/': unsupported queue type '%s'", printable(m.Queue), printable(text))
	}
	property := ""
	switch {
	case !m.Durable:
		property = "non-durable"
	case m.AutoDelete:
		property = "auto-delete"
	case m.Exclusive:
		property = "exclusive-owner"
	default:
		return true, nil
	}
	return false, wire.Errorf(wire.PreconditionFailed, "invalid property '%s' for queue '%s' in vhost '/'", property, printable(m.Queue))
}

// equivalent returns an exception if a declaration differs from the queue.
func (q *queue) equivalent(m *wire.QueueDeclare, quorum bool, expires time.Duration) *wire.Error {
	exclusive := q.owner != nil
	if m.Exclusive != exclusive {
		return errLocked(q.name)
	}
	differs := func(arg, received, current string) *wire.Error {
		return wire.Errorf(wire.PreconditionFailed, "inequivalent arg '%s' for queue '%s' in vhost '/': received %s but current is %s", arg, printable(q.name), received, current)
	}
	boolean := func(arg string, received bool) *wire.Error {
		if received {
			return differs(arg, "'true'", "'false'")
		}
		return differs(arg, "'false'", "'true'")
	}
	switch {
	case m.Durable != q.durable && !exclusive: // an exclusive queue is never durable
		return boolean("durable", m.Durable)
	case m.AutoDelete != q.autoDelete:
		return boolean("auto_delete", m.AutoDelete)
	case quorum != q.quorum:
		return differs(typeArgument, "'"+typeName(quorum)+"'", "'"+typeName(q.quorum)+"'")
	case expires != q.lease.time && expires > 0 && q.lease.time > 0:
		return differs(expiresArgument, fmt.Sprintf("'%d'", expires.Milliseconds()), fmt.Sprintf("'%d'", q.lease.time.Milliseconds()))
	case expires != q.lease.time:
		return differs(expiresArgument, leaseText(expires), leaseText(q.lease.time))
	}
	return nil
}

func typeName(quorum bool) string {
	if quorum {
		return "quorum"
	}
	return "classic"
}

// findQueue returns the queue of this name. The empty name stands for the queue declared last.
func (ch *channel) findQueue(name string) (*queue, *wire.Error) {
	if name == "" {
		if name = ch.lastQueue; name == "" {
			return nil, wire.Errorf(wire.NotFound, "no previously declared queue")
		}
	}
	q := ch.conn.b.queues[name]
	switch {
	case name == wire.DirectReplyTo:
		return nil, wire.Errorf(wire.NotImplemented, "direct reply-to")
	case q == nil:
		return nil, wire.Errorf(wire.NotFound, "no queue '%s' in vhost '/'", printable(name))
	case q.owner != nil && q.owner != ch.conn:
		return nil, errLocked(name)
	}
	return q, nil
}

// errLocked returns the exception for a queue that another connection owns.
func errLocked(name string) *wire.Error {
	return wire.Errorf(wire.ResourceLocked, "cannot obtain exclusive access to locked queue '%s' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.", printable(name))
}

// deleteQueue handles queue.delete.
func (ch *channel) deleteQueue(m *wire.QueueDelete) *wire.Error {
	q, e := ch.findQueue(m.Queue)
	n := 0
	switch {
	case e != nil && e.Code == wire.NotFound && m.Queue != "": // as in RabbitMQ, no error
	case e != nil:
		return e
	case m.IfUnused && len(q.consumers) > 0:
		return wire.Errorf(wire.PreconditionFailed, "queue '%s' in vhost '/' in use", printable(q.name))
	case m.IfEmpty && q.ready.Len() > 0:
		return wire.Errorf(wire.PreconditionFailed, "queue '%s' in vhost '/' not empty", printable(q.name))
	default:
		n = q.delete()
	}
	if !m.NoWait {
		ch.send(&wire.QueueDeleteOk{MessageCount: uint32(n)})
	}
	return nil
}

// randomName returns 22 random characters, as in amq.gen-JzTY20BRgKO-HjmUJj0wLg.
func randomName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
