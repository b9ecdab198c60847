package broker

import "rpcscope/amqprpc/internal/wire"

// Stop shuts the broker down in good order. It stops listening, and connections get connection.close with 320
// CONNECTION_FORCED and have two seconds to answer. It returns when they have ended. Restart finds everything that RabbitMQ
// would have on disk: durable queues and the persistent messages in them (all messages of quorum queues). Stop ends Freeze. It does
// nothing to a broker that is stopped.
func (b *Broker) Stop() {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	b.end(true)
}

// Kill ends the broker as kill -9 would: connections are dropped without a word. Otherwise it is like Stop.
func (b *Broker) Kill() {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	b.end(false)
}

// Restart listens again on the same address after Stop or Kill. It returns ErrClosed after Close, and the operating
// system's error if the port is in use: by the broker itself, if neither was called.
func (b *Broker) Restart() error {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	if b.closed {
		return ErrClosed
	}
	return b.listen()
}

// Freeze makes the broker stand still, as SIGSTOP would, until Thaw. Connections stay open, but nothing is read,
// written, delivered or expired, no heartbeat is sent, and new connections get no answer. A write or a
// batch of frames that has begun still ends.
func (b *Broker) Freeze() {
	b.lifecycle.Lock() // a frozen broker could not end
	defer b.lifecycle.Unlock()
	b.gate.close()
}

// Thaw ends Freeze.
func (b *Broker) Thaw() {
	b.gate.open()
	b.lock()
	defer b.unlock()
	b.deliverAll()
}

func (b *Broker) frozen() bool { return b.gate.closed.Load() }

// HoldConfirms holds back confirms (basic.ack to publishers) until ReleaseConfirms.
func (b *Broker) HoldConfirms() {
	b.lock()
	defer b.unlock()
	b.confirmsHeld = true
}

// ReleaseConfirms sends the confirms that were held back, and lets later ones through.
func (b *Broker) ReleaseConfirms() {
	b.lock()
	defer b.unlock()
	b.confirmsHeld = false
	for c := range b.connections() {
		c.sendConfirms()
	}
}

// CloseConnections closes all open connections with 320 CONNECTION_FORCED and this reason, as an operator would. It does
// not wait for their answers.
func (b *Broker) CloseConnections(reason string) {
	b.lock()
	defer b.unlock()
	b.withoutDeliveries(func() {
		for c := range b.connections() {
			if c.open {
				c.fail(wire.Errorf(wire.ConnectionForced, "%s", printable(reason)))
			}
		}
	})
}

// DropConnections closes the sockets of all connections without a word, also of those that have not logged in yet.
func (b *Broker) DropConnections() {
	b.lock()
	defer b.unlock()
	b.withoutDeliveries(func() {
		for c := range b.connections() {
			c.drop("dropped")
		}
	})
}

// DeleteQueue deletes a queue and its messages, even if a connection owns it exclusively. Its consumers get basic.cancel.
// It returns false if there is no such queue.
func (b *Broker) DeleteQueue(name string) bool {
	b.lock()
	defer b.unlock()
	q := b.queues[name]
	if q != nil {
		q.delete()
	}
	return q != nil
}
