package broker

import (
	"cmp"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/internal/wire"
)

// Stop does what a shutdown in good order does: nobody listens on the port any more, and connections get
// connection.close with 320 CONNECTION_FORCED and have two seconds to answer; then it returns. What RabbitMQ
// would have on disk is kept for Restart: durable queues, and the persistent messages in them (of a
// quorum queue all). It ends Freeze, and does nothing else to a broker that is stopped.
func (b *Broker) Stop() { b.halt(true) }

// Kill does what kill -9 does: connections are cut without a word. What survives is as with
// Stop, and it ends Freeze, too. It returns when the connections' goroutines have ended.
func (b *Broker) Kill() { b.halt(false) }

func (b *Broker) halt(politely bool) {
	b.life.Lock()
	defer b.life.Unlock()
	b.down(politely)
}

// Restart listens again on the same address after Stop or Kill. It returns ErrRunning if neither
// was called, ErrClosed after Close, and what the operating system says when the port has gone to
// somebody else.
func (b *Broker) Restart() error {
	b.life.Lock()
	defer b.life.Unlock()
	b.mu.Lock()
	running := b.up != nil
	b.mu.Unlock()
	switch {
	case b.closed:
		return ErrClosed
	case running:
		return ErrRunning
	}
	return b.listen()
}

// Freeze makes the broker stand still with all its connections open, as SIGSTOP would: nothing
// is read, written, delivered or expired, and no heartbeat goes out, until Thaw. New connections are
// not answered. While Stop, Kill, Restart or Close is under way it waits for that.
func (b *Broker) Freeze() {
	b.life.Lock() // a broker that is being stopped would not end
	defer b.life.Unlock()
	b.gate.close()
}

// Thaw ends Freeze.
func (b *Broker) Thaw() {
	b.gate.open()
	b.lock()
	defer b.unlock()
	b.pump()
}

func (b *Broker) frozen() bool { return b.gate.closed.Load() }

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

// HoldConfirms keeps confirms (basic.ack to publishers) back until ReleaseConfirms.
func (b *Broker) HoldConfirms() {
	b.lock()
	defer b.unlock()
	b.confirmsHeld = true
}

// ReleaseConfirms lets the confirms go that were held back, and further ones at once.
func (b *Broker) ReleaseConfirms() {
	b.lock()
	defer b.unlock()
	b.confirmsHeld = false
	for c := range b.connections() {
		c.settle()
	}
}

// CloseConnections closes all connections that are open with 320 CONNECTION_FORCED and this reason, as an
// operator would. It does not wait for their answers. Those that have not logged in yet go on.
func (b *Broker) CloseConnections(reason string) {
	b.lock()
	defer b.unlock()
	b.parting(func() {
		for c := range b.connections() {
			if c.open {
				c.fail(exception(wire.ConnectionForced, "%s", printable(reason)))
			}
		}
	})
}

// DropConnections cuts all connections without a word, those that have not logged in yet too.
func (b *Broker) DropConnections() {
	b.lock()
	defer b.unlock()
	b.parting(func() {
		for c := range b.connections() {
			c.cut("dropped")
		}
	})
}

// connections are those there are, opened or not. It needs the lock.
func (b *Broker) connections() map[*connection]struct{} {
	if b.up == nil {
		return nil
	}
	return b.up.conns
}

// A Message is one message on its way into a queue.
type Message struct {
	Queue      string
	Properties amqp.Publishing // with headers and body
}

// A Treatment is what Meddle does to a message. The zero value loses it.
type Treatment struct {
	Copies int           // how often it enters the queue
	Delay  time.Duration // until it does; meanwhile it does not count as memory, and Stop and Kill lose it
}

// Meddle has f decide about every message that is routed to a queue from now on, before it
// enters: to delay, duplicate or lose it. The publisher gets its confirm in any case. Nil ends
// it. f is called with the broker's lock, for one message at a time: it must not block, nor call the
// broker. What it is given is a copy.
func (b *Broker) Meddle(f func(Message) Treatment) {
	b.lock()
	defer b.unlock()
	b.meddle = f
}

// meddled puts a message into a queue as Meddle's function wants it.
func (b *Broker) meddled(q *queue, m *message) {
	p, err := wire.ParseProperties(m.properties)
	if err != nil {
		return // cannot be: they were checked when they came
	}
	p.Body = slices.Clone(m.body)
	t := b.meddle(Message{q.name, p})
	enter := func() {
		for range t.Copies {
			if q.deleted {
				return
			}
			again := *m
			q.enqueue(&again)
		}
	}
	if t.Delay <= 0 {
		enter()
		return
	}
	b.later(t.Delay, enter)
}

// later has f run, with the lock, after a delay, unless the broker is stopped before. It needs the lock.
func (b *Broker) later(delay time.Duration, f func()) {
	up := b.up
	up.running.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(delay, func() {
		defer up.running.Done()
		b.gate.wait()
		b.lock()
		defer b.unlock()
		delete(up.delayed, timer)
		if b.up == up {
			f()
		}
	})
	up.delayed[timer] = struct{}{}
}

// A QueueInfo describes a queue.
type QueueInfo struct {
	Name                           string
	Type                           string // "classic" or "quorum"
	Durable, Exclusive, AutoDelete bool
	Ready, Unacked, Consumers      int
}

// Queues describes all queues, by name.
func (b *Broker) Queues() []QueueInfo {
	b.lock()
	defer b.unlock()
	infos := make([]QueueInfo, 0, len(b.queues))
	for _, q := range b.queues {
		infos = append(infos, QueueInfo{q.name, kind(q.quorum), q.durable, q.owner != nil, q.autoDelete, q.ready.Len(), q.unacked, len(q.consumers)})
	}
	slices.SortFunc(infos, func(a, b QueueInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

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
func (b *Broker) Connections() []ConnectionInfo {
	b.lock()
	defer b.unlock()
	infos := []ConnectionInfo{}
	for c := range b.connections() {
		if c.open {
			infos = append(infos, ConnectionInfo{c.peer, c.name, c.user, len(c.channels), c.blocked != nil, c.since})
		}
	}
	slices.SortFunc(infos, func(a, b ConnectionInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Peer, b.Peer))
	})
	return infos
}
