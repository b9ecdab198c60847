package broker

import (
	"log/slog"

	"rpcscope/amqprpc/internal/wire"
)

// RaiseAlarm does what a memory alarm of RabbitMQ does: a connection that publishes is told
// connection.blocked (if it said that it knows of it) and is no longer read from. Others go on.
func (b *Broker) RaiseAlarm() {
	b.lock()
	defer b.unlock()
	b.raised = true
}

// ClearAlarm ends RaiseAlarm: connection.unblocked, and reading goes on.
func (b *Broker) ClearAlarm() {
	b.lock()
	defer b.unlock()
	b.raised = false
	b.calm()
}

// throttle blocks a connection that has begun to publish while there is an alarm.
func (b *Broker) throttle(c *connection) {
	if !(b.raised || b.short) || c.blocked != nil || c.goodbye != nil {
		return
	}
	c.blocked = make(chan struct{})
	if c.capable.blocked {
		c.told = true
		c.send(&wire.ConnectionBlocked{Reason: "low on memory"})
	}
}

// calm unblocks connections once there is no alarm.
func (b *Broker) calm() {
	if b.raised || b.short {
		return
	}
	for c := range b.connections() {
		c.unblock()
	}
}

// unblock lets the connection be read from.
func (c *connection) unblock() {
	if c.blocked == nil {
		return
	}
	if c.told && c.goodbye == nil {
		c.send(&wire.ConnectionUnblocked{})
	}
	c.told = false
	close(c.blocked)
	c.blocked = nil
}

// hold counts a message that enters a queue.
func (b *Broker) hold(m *message) {
	b.memory += m.size()
	if b.memory > b.memoryLimit && !b.short {
		b.short = true
		b.note(slog.LevelWarn, "memory alarm: connections that publish wait", slog.Int64("bytes", b.memory))
	}
}

// free counts a message that is gone for good.
func (b *Broker) free(m *message) {
	b.memory -= m.size()
	if b.short && b.memory <= b.memoryLimit/10*9 {
		b.short = false
		b.note(slog.LevelInfo, "memory alarm cleared", slog.Int64("bytes", b.memory))
		b.calm()
	}
}
