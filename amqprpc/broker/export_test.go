package broker

import (
	"fmt"
	"slices"
)

// Memory is what the queues hold, in bytes.
func (b *Broker) Memory() int64 {
	b.lock()
	defer b.unlock()
	return b.memory
}

// Outboxes are the octets that wait to be written to the open connections.
func (b *Broker) Outboxes() (octets int) {
	b.lock()
	defer b.unlock()
	for c := range b.connections() {
		c.out.mu.Lock()
		octets += len(c.out.buf)
		c.out.mu.Unlock()
	}
	return octets
}

// Check says what is wrong with the broker's books. It may be called at any time.
func (b *Broker) Check() error {
	b.lock()
	defer b.unlock()
	unacked := map[*queue]int{}
	byConsumer := map[*consumer]int{}
	var memory, arriving int64
	for c := range b.connections() {
		for _, ch := range c.channels {
			arriving += ch.pending()
			live, last := 0, uint64(0)
			for d := range ch.unacked.list.Iter() {
				if d.tag <= last {
					return fmt.Errorf("delivery tag %d after %d", d.tag, last)
				}
				last = d.tag
				if d.m == nil {
					continue
				}
				live++
				memory += d.m.size()
				unacked[d.q]++
				if d.c != nil {
					byConsumer[d.c]++
				}
			}
			if live != ch.unacked.live {
				return fmt.Errorf("channel %d: %d deliveries are un-acked, counted were %d", ch.id, live, ch.unacked.live)
			}
			for tag, consumer := range ch.consumers {
				if tag != consumer.tag || consumer.q.deleted || consumer.q.consumers[consumer.place] != consumer {
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
	if memory != b.memory || arriving != b.arriving {
		return fmt.Errorf("messages take %d bytes, and %d those that arrive; counted were %d and %d", memory, arriving, b.memory, b.arriving)
	}
	return nil
}

// check says what is wrong with a queue.
func (q *queue) check(unacked int, byConsumer map[*consumer]int) error {
	if q.deleted || unacked != q.unacked {
		return fmt.Errorf("deleted %v, %d un-acked, counted were %d", q.deleted, unacked, q.unacked)
	}
	last := uint64(0)
	for m := range q.ready.Iter() {
		if m.seq <= last || m.seq > q.seq {
			return fmt.Errorf("message %d after %d of %d", m.seq, last, q.seq)
		}
		last = m.seq
	}
	idle, gone := map[*consumer]int{}, 0
	for c := range q.idle.Iter() {
		if c.idle {
			idle[c]++
		} else {
			gone++
		}
	}
	if gone != q.gone || gone > len(idle)+1 {
		return fmt.Errorf("%d idle consumers are gone, counted were %d", gone, q.gone)
	}
	someIdle := len(idle) > 0
	for i, c := range q.consumers {
		exhausted := !c.noAck && c.prefetch > 0 && c.unacked >= c.prefetch
		switch {
		case c.q != q || c.place != i || c.ch.consumers[c.tag] != c:
			return fmt.Errorf("consumer %s is not its channel's", c.tag)
		case byConsumer[c] != c.unacked:
			return fmt.Errorf("consumer %s has %d un-acked, counted were %d", c.tag, byConsumer[c], c.unacked)
		case c.idle != (idle[c] == 1):
			return fmt.Errorf("consumer %s is idle: %v, and %d times among those", c.tag, c.idle, idle[c])
		case !c.idle && !exhausted && !c.held:
			return fmt.Errorf("consumer %s has been forgotten", c.tag)
		case c.held && !slices.Contains(c.ch.conn.held, c):
			return fmt.Errorf("consumer %s is held back for ever", c.tag)
		}
		delete(idle, c)
	}
	if len(idle) > 0 {
		return fmt.Errorf("%d idle consumers that are none of the queue's", len(idle))
	}
	if q.ready.Len() > 0 && someIdle && !q.b.frozen() {
		return fmt.Errorf("%d messages are ready, and consumers idle", q.ready.Len())
	}
	return nil
}
