package broker

import (
	"log/slog"

	"rpcscope/amqprpc/internal/wire"
)

// RaiseAlarm raises a memory alarm as RabbitMQ does: a connection that publishes gets connection.blocked (if
// it has that capability), and the broker stops reading from it. Other connections go on.
func (b *Broker) RaiseAlarm() {
	b.lock()
	defer b.unlock()
	b.alarmRaised = true
}

// ClearAlarm ends RaiseAlarm: blocked connections get connection.unblocked and are read from again.
func (b *Broker) ClearAlarm() {
	b.lock()
	defer b.unlock()
	b.alarmRaised = false
	b.unblockAll()
}

// alarmed reports whether there is an alarm of either kind.
func (b *Broker) alarmed() bool { return b.alarmRaised || b.memoryAlarm }

// unblockAll unblocks all connections if there is no alarm.
func (b *Broker) unblockAll() {
	if b.alarmed() {
		return
	}
	for c := range b.connections() {
		c.unblock()
	}
}

// block stops reading from a connection that publishes, if there is an alarm.
func (c *connection) block() {
	if !c.b.alarmed() || c.blocked != nil || c.closeErr != nil {
		return
	}
	c.blocked = make(chan struct{})
	if c.capabilities.blocked {
		c.blockedSent = true
		c.send(&wire.ConnectionBlocked{Reason: "low on memory"})
	}
}

// unblock makes reading go on.
func (c *connection) unblock() {
	if c.blocked == nil {
		return
	}
	if c.blockedSent && c.closeErr == nil {
		c.send(&wire.ConnectionUnblocked{})
	}
	c.blockedSent = false
	close(c.blocked)
	c.blocked = nil
}

// addMemory counts a message that enters a queue.
func (b *Broker) addMemory(m *message) {
	b.memory += m.size()
	if b.memory > b.cfg.MemoryLimit && !b.memoryAlarm {
		b.memoryAlarm = true
		b.logLater(slog.LevelWarn, "memory alarm: connections that publish wait", slog.Int64("bytes", b.memory))
	}
}

// freeMemory counts a message that is gone. The alarm ends some way below the limit, so that it does not come and go with
// each message.
func (b *Broker) freeMemory(m *message) {
	b.memory -= m.size()
	if b.memoryAlarm && b.memory <= b.cfg.MemoryLimit/10*9 {
		b.memoryAlarm = false
		b.logLater(slog.LevelInfo, "memory alarm cleared", slog.Int64("bytes", b.memory))
		b.unblockAll()
	}
}
