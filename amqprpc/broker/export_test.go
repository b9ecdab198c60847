package broker

import (
	"fmt"
	"slices"
	"time"
)

// Many tests make a broker wait for a client that does not answer.
func init() { closeTimeout = 500 * time.Millisecond }

// Memory returns the bytes of messages in queues.
func (b *Broker) Memory() int64 {
	b.lock()
	defer b.unlock()
	return b.memory
}

// Outboxes returns the bytes that wait to be written to connections.
func (b *Broker) Outboxes() (bytes int) {
	b.lock()
	defer b.unlock()
	for c := range b.connections() {
		c.out.mu.Lock()
		bytes += len(c.out.buf)
		c.out.mu.Unlock()
	}
	return bytes
}

// Check returns an error if the broker's state is inconsistent. It may be called at any time.
func (b *Broker) Check() error {
	b.lock()
	defer b.unlock()
	unacked := map[*queue]int{}
	byConsumer := map[*consumer]int{}
	var memory int64
	for c := range b.connections() {
		for _, ch := range c.channels {
			last := uint64(0)
			for _, d := range ch.unacked {
				if d.tag <= last {
					return fmt.Errorf("delivery tag %d after %d", d.tag, last)
				}
				last = d.tag
				memory += d.m.size()
				unacked[d.q]++
				if d.c != nil {
					byConsumer[d.c]++
				}
			}
			for tag, consumer := range ch.consumers {
				if tag != consumer.tag || consumer.q.deleted || !slices.Contains(consumer.q.consumers, consumer) {
					return fmt.Errorf("consumer %s is not its queue's", tag)
				}
			}
		}
	}
	for name, q := range b.queues {
		if err := q.check(unacked[q], byConsumer); err != nil {
			return fmt.Errorf("queue %s: %w", printable(name), err)
		}
		for m := range q.ready.Iter() {
			memory += m.size()
		}
	}
	if memory != b.memory {
		return fmt.Errorf("messages take %d bytes, counted were %d", memory, b.memory)
	}
	return nil
}

// check returns an error if a queue is inconsistent.
func (q *queue) check(unacked int, byConsumer map[*consumer]int) error {
	if q.deleted || unacked != q.unacked {
		return fmt.Errorf("deleted %v, %d unacked, counted were %d", q.deleted, unacked, q.unacked)
	}
	last := uint64(0)
	for m := range q.ready.Iter() {
		if m.seq <= last || m.seq > q.lastSeq {
			return fmt.Errorf("message %d after %d of %d", m.seq, last, q.lastSeq)
		}
		last = m.seq
	}
	if q.turn != 0 && q.turn >= len(q.consumers) {
		return fmt.Errorf("the turn is at %d of %d consumers", q.turn, len(q.consumers))
	}
	for _, c := range q.consumers {
		switch {
		case c.q != q || c.ch.consumers[c.tag] != c:
			return fmt.Errorf("consumer %s is not its channel's", c.tag)
		case byConsumer[c] != c.unacked:
			return fmt.Errorf("consumer %s has %d unacked, counted were %d", c.tag, byConsumer[c], c.unacked)
		}
	}
	return nil
}
