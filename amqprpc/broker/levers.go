package broker

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Stop does what a shutdown in good order does: connections get connection.close with 320
// CONNECTION_FORCED, and then nobody listens on the port. What RabbitMQ would have on
// disk is kept for Restart: durable queues, and the persistent messages in them (of a quorum queue all).
func (b *Broker) Stop() error { return nil }

// Kill does what kill -9 does: connections are cut without a word. What survives is as with Stop.
func (b *Broker) Kill() {}

// Restart listens again on the same address after Stop or Kill.
func (b *Broker) Restart() error { return nil }

// Freeze makes the broker stand still with all its connections open, as SIGSTOP would: nothing is read,
// written, delivered or expired, and no heartbeat goes out, until Thaw. New connections are not answered.
func (b *Broker) Freeze() {}

// Thaw ends Freeze.
func (b *Broker) Thaw() {}

// RaiseAlarm does what a memory alarm of RabbitMQ does: a connection that publishes is told connection.blocked (if it
// said that it knows of it) and is no longer read from. Others go on.
func (b *Broker) RaiseAlarm() {}

// ClearAlarm ends RaiseAlarm: connection.unblocked, and reading goes on.
func (b *Broker) ClearAlarm() {}

// HoldConfirms keeps confirms (basic.ack to publishers) back until ReleaseConfirms.
func (b *Broker) HoldConfirms() {}

// ReleaseConfirms lets the confirms go that were held back, and further ones at once.
func (b *Broker) ReleaseConfirms() {}

// CloseConnections closes all connections with 320 CONNECTION_FORCED and this reason, as an operator would.
func (b *Broker) CloseConnections(reason string) {}

// DropConnections cuts all connections without a word.
func (b *Broker) DropConnections() {}

// A Message is one message on its way into a queue.
type Message struct {
	Queue      string
	Properties amqp.Publishing // with its headers; the body is shared: it must not be changed
}

// A Treatment is what Meddle does to a message. The zero value drops it.
type Treatment struct {
	Copies int           // how often it enters the queue
	Delay  time.Duration // until it does
}

// Meddle has f decide about every message that is routed to a queue from now on, before it enters: to delay,
// duplicate or lose it. The publisher gets its confirm in any case. Nil ends it. f is called
// one message at a time and must not call the broker.
func (b *Broker) Meddle(f func(Message) Treatment) {}

// A QueueInfo describes a queue.
type QueueInfo struct {
	Name                           string
	Durable, Exclusive, AutoDelete bool
	Type                           string // "classic" or "quorum"
	Ready, Unacked, Consumers      int
}

// Queues describes all queues, by name.
func (b *Broker) Queues() []QueueInfo { return nil }

// A ConnectionInfo describes a connection.
type ConnectionInfo struct {
	Peer     string // address
	Name     string // the client's connection_name, as it came: hostile text
	User     string
	Channels int
	Blocked  bool
	Since    time.Time
}

// Connections describes all connections that are open, the oldest first.
func (b *Broker) Connections() []ConnectionInfo { return nil }
