package broker

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/gammazero/deque"
)

// A queue holds messages until a consumer takes them. All its methods need the
// broker's lock.
type queue struct {
	b          *Broker
	name       string
	durable    bool
	autoDelete bool
	owner      *connection // of an exclusive queue
	quorum     bool
	deleted    bool

	ready   deque.Deque[*message] // by seq
	seq     uint64                // of the newest message
	unacked int

	consumers []*consumer
	// idle are the consumers that can take a message now, the next one first: who gets one
	// goes to the end. A consumer is in it or not as consumer.idle says, so that nobody
	// is woken, or even looked at, in vain.
	idle deque.Deque[*consumer]
	gone int // how many of them are no longer the queue's

	expiry   *time.Timer // looks after a head that expires
	expiryAt time.Time   // when it does; zero: it does not run

	lease lease
}

// enqueue puts a new message into the queue, and delivers what can be delivered. One that comes
// while a consumer waits is delivered whatever its expiration.
func (q *queue) enqueue(m *message) {
	q.seq++
	m.seq = q.seq
	q.b.hold(m)
	if q.ready.Len() == 0 && !q.still() {
		if c := q.next(); c != nil {
			q.give(c, m)
			return
		}
	}
	q.ready.PushBack(m)
	q.pump()
}

// pump delivers messages while there are messages and consumers that can take them.
func (q *queue) pump() {
	if q.still() {
		return
	}
	for {
		q.expire()
		if q.ready.Len() == 0 {
			return
		}
		c := q.next()
		if c == nil {
			if at := q.ready.Front().expires; !at.IsZero() {
				q.expireAt(at)
			}
			return
		}
		q.give(c, q.ready.PopFront())
	}
}

// still says whether nothing is to be delivered.
func (q *queue) still() bool { return q.b.frozen() || q.b.paused || q.deleted }

// next takes the consumer whose turn it is out of those that are idle, or returns nil.
func (q *queue) next() *consumer {
	for q.idle.Len() > 0 {
		c := q.idle.PopFront()
		if !c.idle {
			q.gone--
		} else if c.idle = c.canTake(); c.idle {
			return c
		}
	}
	return nil
}

// give delivers a message to what next returned, which goes to the end of those that are idle.
func (q *queue) give(c *consumer, m *message) {
	c.deliver(m)
	if c.idle = c.canTake(); c.idle {
		q.idle.PushBack(c)
	}
}

// expire drops messages whose time is up from the head of the queue. Behind a head that
// stays, messages stay.
func (q *queue) expire() {
	for q.ready.Len() > 0 {
		if !q.ready.Front().expired() {
			return
		}
		q.b.free(q.ready.PopFront())
	}
}

// expireAt has the queue looked at when its head expires. A timer that runs already for an
// earlier time stays: it looks again. So there is one for many messages.
func (q *queue) expireAt(at time.Time) {
	if !q.expiryAt.IsZero() && !at.Before(q.expiryAt) {
		return
	}
	q.expiryAt = at
	wait := time.Until(at) + 1
	if q.expiry != nil {
		q.expiry.Reset(wait)
		return
	}
	q.expiry = time.AfterFunc(wait, func() {
		q.b.lock()
		defer q.b.unlock()
		q.expiryAt = time.Time{}
		q.pump()
	})
}

// take takes the head for basic.get, or returns nil.
func (q *queue) take() *message {
	q.used()
	q.expire()
	if q.ready.Len() == 0 {
		return nil
	}
	m := q.ready.PopFront()
	q.pump() // the next head may have waited for this to expire
	return m
}

// requeue puts messages back to where they were. They are in any order.
func (q *queue) requeue(back []*message) {
	q.unacked -= len(back)
	if q.deleted {
		for _, m := range back {
			q.b.free(m)
		}
		return
	}
	if len(back) == 1 {
		m := back[0]
		q.ready.Insert(sort.Search(q.ready.Len(), func(i int) bool { return q.ready.At(i).seq > m.seq }), m)
	} else {
		q.merge(back)
	}
	q.pump()
}

// merge puts many messages back. What is ready and older than the newest of them comes out and goes in again
// among them: to insert each by itself takes time that grows with the square of their number.
func (q *queue) merge(back []*message) {
	slices.SortFunc(back, func(a, b *message) int { return cmp.Compare(a.seq, b.seq) })
	newest := back[len(back)-1].seq
	var older []*message
	for q.ready.Len() > 0 && q.ready.Front().seq < newest {
		older = append(older, q.ready.PopFront())
	}
	for len(back)+len(older) > 0 {
		last := &back
		if len(back) == 0 || len(older) > 0 && older[len(older)-1].seq > back[len(back)-1].seq {
			last = &older
		}
		q.ready.PushFront((*last)[len(*last)-1])
		*last = (*last)[:len(*last)-1]
	}
}

// acked forgets a message that was delivered.
func (q *queue) acked(m *message) {
	q.unacked--
	q.b.free(m)
}

// purge drops the messages that are ready and says how many they were.
func (q *queue) purge() int {
	n := q.ready.Len()
	for m := range q.ready.IterPopFront() {
		q.b.free(m)
	}
	return n
}

// add adds a consumer and delivers to it.
func (q *queue) add(c *consumer) {
	c.place = len(q.consumers)
	q.consumers = append(q.consumers, c)
	c.idle = true
	q.idle.PushBack(c)
	q.pump()
}

// remove removes a consumer. An auto-delete queue goes with its last one.
func (q *queue) remove(c *consumer) {
	last := len(q.consumers) - 1
	q.consumers[c.place], q.consumers[last].place = q.consumers[last], c.place
	q.consumers[last] = nil
	q.consumers = q.consumers[:last]
	if c.idle {
		c.idle = false
		q.gone++
		if q.gone > q.idle.Len()/2 {
			q.sweep()
		}
	}
	switch {
	case len(q.consumers) > 0:
	case q.autoDelete:
		q.delete()
	default:
		q.used()
	}
}

// sweep drops consumers that are gone from the idle ones. To look for each as it goes would take
// time that grows with the square of their number.
func (q *queue) sweep() {
	for range q.idle.Len() {
		if c := q.idle.PopFront(); c.idle {
			q.idle.PushBack(c)
		}
	}
	q.gone = 0
}

// exclusivelyConsumed says whether a consumer has the queue for itself.
func (q *queue) exclusivelyConsumed() bool {
	return len(q.consumers) == 1 && q.consumers[0].exclusive
}

// delete deletes the queue and says how many messages were ready. Its consumers are told
// by basic.cancel.
func (q *queue) delete() int {
	if q.deleted {
		return 0
	}
	q.deleted = true
	delete(q.b.queues, q.name)
	if q.owner != nil {
		delete(q.owner.exclusive, q)
	}
	if q.expiry != nil {
		q.expiry.Stop()
	}
	if q.lease.timer != nil {
		q.lease.timer.Stop()
	}
	n := q.purge()
	for _, c := range q.consumers {
		c.idle = false
		c.canceledByBroker()
	}
	q.consumers = nil
	q.idle.Clear()
	q.gone = 0
	return n
}

// survive drops what a restart would lose.
func (q *queue) survive() {
	if q.quorum {
		return
	}
	for range q.ready.Len() {
		if m := q.ready.PopFront(); m.persistent {
			q.ready.PushBack(m)
		} else {
			q.b.free(m)
		}
	}
}
