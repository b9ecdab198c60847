package amqprpc

import (
	"fmt"
	"sync/atomic"
	"time"
)

// refusals tells whether a connection is worth keeping on which the broker nacks.
//
// RabbitMQ can nack all that is published to a quorum queue on one channel, although the
// queue takes everything from others. Each channel looks the queue's leader up at its first
// publish. A client that connects at another node after the death of its own may do so before
// that node has learned of the new leader; as long as the old one is gone its channel has no
// way to the queue, and never looks again. (Seen on 3.10.8; rabbitmq-server's pull request
// 9241 is about it.) Only another channel helps, and the client has one for each connection.
//
// A queue that is full, with the overflow behaviour reject-publish, looks the same, and no
// connection helps there. So each that came to nothing is given twice as long as the one
// before.
//
// Guarded by client.mu, but for any.
type refusals struct {
	since time.Time     // the first nack on this connection since which nothing was taken
	n     int           // nacks since then, that one included
	span  time.Duration // how long all must have been refused; 0 means leastRefused

	any atomic.Bool // there is something to forget: of this connection, or of those before
}

const (
	// All that is published for this long must have been refused, ...
	leastRefused = 3 * time.Second
	// ... or for this long, where connections before have been given up for it, ...
	mostRefused = time.Minute
	// ... and it must have been so many publishes.
	fewestRefused = 3
)

// refused is told of nacks. due says that the connection is to be given up.
func (r *refusals) refused(n int, now time.Time) (due bool) {
	r.any.Store(true)
	if r.n == 0 {
		r.since = now
	}
	r.n += n
	return r.n >= fewestRefused && now.Sub(r.since) >= r.bound()
}

func (r *refusals) bound() time.Duration { return max(r.span, leastRefused) }

// accepted is told that the broker takes requests.
func (r *refusals) accepted() {
	r.since, r.n, r.span = time.Time{}, 0, 0
	r.any.Store(false)
}

// anew begins to count anew, on this connection or another.
func (r *refusals) anew() { r.since, r.n = time.Time{}, 0 }

// gaveUp makes the next connection's time longer.
func (r *refusals) gaveUp() { r.span = min(2*r.bound(), mostRefused) }

// refused is told of nacks on this epoch, and perhaps ends it. client.mu is held.
func (e *epoch) refused(n int, now time.Time) {
	r := &e.client.refusals
	switch {
	case !r.refused(n, now) || e.leaving != nil:
	case e.owed(r.since):
		r.anew()
	default:
		e.leaving = fmt.Errorf("the broker has refused every request for %.0f s: connecting anew", r.bound().Seconds())
		r.gaveUp()
		e.wakePublisher()
		time.AfterFunc(lastNacks, func() {
			e.client.mu.Lock()
			defer e.client.mu.Unlock()
			if e.leaving != nil {
				e.end(e.leaving)
			}
		})
	}
	e.leave()
}

// lastNacks bounds how long an epoch that is given up goes on, so that what it has published
// comes to its end as a nack and not as a lost connection.
const lastNacks = 5 * time.Second

// leave ends an epoch that is given up, once nothing is published any more and all that was is
// nacked. client.mu is held.
func (e *epoch) leave() {
	if e.leaving != nil && e.silent && e.confirms.none() {
		e.end(e.leaving)
	}
}

// owed says whether a call waits that was published before this time: the broker may have
// taken it, a server may be at it, and its reply would go with the connection. client.mu is held.
func (e *epoch) owed(before time.Time) bool {
	for _, call := range e.client.calls {
		if call.epoch == e.number && !call.queued && !call.waiting && call.published.Before(before) {
			return true
		}
	}
	return false
}

// accepted is told that the broker takes requests on this epoch: it is not given up, or not
// any more. client.mu is held.
func (e *epoch) accepted() {
	if !e.client.refusals.any.Load() {
		return
	}
	e.client.refusals.accepted()
	if e.leaving != nil {
		e.leaving, e.silent = nil, false
		e.wakePublisher()
	}
}
