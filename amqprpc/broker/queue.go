package broker

import (
	"cmp"
	"slices"
	"time"

	"github.com/gammazero/deque"
)

// A queue holds messages for consumers. All its methods need the broker's lock.
type queue struct {
	b          *Broker
	name       string
	durable    bool
	autoDelete bool
	owner      *connection // of an exclusive queue
	quorum     bool
	deleted    bool

	ready   deque.Deque[*message] // by seq
	lastSeq uint64                // of the newest message
	unacked int

	consumers []*consumer
	turn      int // index of the consumer that gets the next message if it is ready

	expiryTimer *time.Timer // expires the head
	expiryAt    time.Time   // when it fires; zero: it does not run

	lease lease
}

// enqueue adds a new message and delivers. A message that arrives while a consumer waits is delivered even if its
// expiration is 0.
func (q *queue) enqueue(m *message) {
	q.lastSeq++
	m.seq = q.lastSeq
	q.b.addMemory(m)
	if q.ready.Len() == 0 && !q.suspended() {
		if c := q.nextConsumer(); c != nil {
			c.deliver(m)
			return
		}
	}
	q.ready.PushBack(m)
	q.deliver()
}

// deliver delivers while there are messages and consumers that are ready.
func (q *queue) deliver() {
	for !q.suspended() {
		q.expireHead()
		if q.ready.Len() == 0 {
			return
		}
		c := q.nextConsumer()
		if c == nil {
			q.scheduleExpiry()
			return
		}
		c.deliver(q.ready.PopFront())
	}
}

// suspended reports whether nothing may be delivered.
func (q *queue) suspended() bool { return q.b.frozen() || q.b.paused || q.deleted }

// nextConsumer returns the next consumer in turn that is ready, or nil.
func (q *queue) nextConsumer() *consumer {
	for range q.consumers {
		c := q.consumers[q.turn]
		q.turn = (q.turn + 1) % len(q.consumers)
		if c.ready() {
			return c
		}
	}
	return nil
}

// expireHead drops expired messages at the head of the queue. Those behind a message that stays, stay too.
func (q *queue) expireHead() {
	for q.ready.Len() > 0 && q.ready.Front().expired() {
		q.b.freeMemory(q.ready.PopFront())
	}
}

// scheduleExpiry starts the timer for the head, if the head expires. A timer that runs for an earlier time is left: it calls
// deliver, which comes here again.
func (q *queue) scheduleExpiry() {
	at := q.ready.Front().expires
	if at.IsZero() || !q.expiryAt.IsZero() && !at.Before(q.expiryAt) {
		return
	}
	q.expiryAt = at
	wait := time.Until(at) + 1
	if q.expiryTimer != nil {
		q.expiryTimer.Reset(wait)
		return
	}
	q.expiryTimer = time.AfterFunc(wait, func() {
		q.b.lock()
		defer q.b.unlock()
		q.expiryAt = time.Time{}
		q.deliver()
	})
}

// pop removes and returns the head for basic.get, or nil.
func (q *queue) pop() *message {
	q.renewLease()
	q.expireHead()
	if q.ready.Len() == 0 {
		return nil
	}
	m := q.ready.PopFront()
	q.deliver() // the next head may expire
	return m
}

// requeue puts messages back into their original positions. They may be in any order.
func (q *queue) requeue(back []*message) {
	q.unacked -= len(back)
	if q.deleted {
		for _, m := range back {
			q.b.freeMemory(m)
		}
		return
	}
	bySeq := func(a, b *message) int { return cmp.Compare(a.seq, b.seq) }
	// Sort them together with the older messages that are ready: inserting one by one takes quadratic time.
	newest := slices.MaxFunc(back, bySeq).seq
	for q.ready.Len() > 0 && q.ready.Front().seq < newest {
		back = append(back, q.ready.PopFront())
	}
	slices.SortFunc(back, bySeq)
	for _, m := range slices.Backward(back) {
		q.ready.PushFront(m)
	}
	q.deliver()
}

// purge drops the messages that are ready and returns their number.
func (q *queue) purge() int {
	n := q.ready.Len()
	for m := range q.ready.IterPopFront() {
		q.b.freeMemory(m)
	}
	return n
}

// removeConsumer removes a consumer. An auto-delete queue is deleted with the last one.
func (q *queue) removeConsumer(c *consumer) {
	i := slices.Index(q.consumers, c)
	if i < 0 {
		return
	}
	q.consumers = slices.Delete(q.consumers, i, i+1)
	if i < q.turn {
		q.turn--
	}
	switch n := len(q.consumers); {
	case n > 0:
		q.turn %= n
	case q.autoDelete:
		q.delete()
	default:
		q.turn = 0
		q.renewLease()
	}
}

// delete deletes the queue and returns the number of messages that were ready. Its consumers get basic.cancel.
func (q *queue) delete() int {
	if q.deleted {
		return 0
	}
	q.deleted = true
	delete(q.b.queues, q.name)
	if q.owner != nil {
		delete(q.owner.exclusive, q)
	}
	for _, timer := range []*time.Timer{q.expiryTimer, q.lease.timer} {
		if timer != nil {
			timer.Stop()
		}
	}
	n := q.purge()
	for _, c := range q.consumers {
		c.cancel()
	}
	q.consumers = nil
	return n
}

// dropTransient drops the messages that do not survive a restart.
func (q *queue) dropTransient() {
	if q.quorum {
		return
	}
	for range q.ready.Len() {
		if m := q.ready.PopFront(); m.persistent {
			q.ready.PushBack(m)
		} else {
			q.b.freeMemory(m)
		}
	}
}
