package broker

import (
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
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
// not answered. A write or a batch of frames that is under way when it is called still ends. While Stop,
// Kill, Restart or Close is under way it waits for that.
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

// DeleteQueue deletes a queue with what is in it, whosever it is: an exclusive one too, as an operator can. Its
// consumers are told by basic.cancel. It returns false where there is no such queue.
func (b *Broker) DeleteQueue(name string) bool {
	b.lock()
	defer b.unlock()
	q := b.queues[name]
	if q != nil {
		q.delete()
	}
	return q != nil
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
