package amqprpc

import "time"

// refusals tells whether to give up a connection on which the broker nacks everything.
//
// RabbitMQ can nack all that is published to a quorum queue on one channel, although the
// queue takes everything from others. Each channel looks the queue's leader up at its first
// publish. A client that connects at another node after the death of its own may do so before
// that node has learned of the new leader; as long as the old one is gone its channel has no
// way to the queue, and never looks again. (Seen on 3.10.8; rabbitmq-server's pull request
// 9241 is about it.) Only another channel helps.
//
// A queue that is full, with the overflow behaviour reject-publish, looks the same, and no
// connection helps there. So each connection is given twice as long as the one before.
//
// Guarded by client.mu.
type refusals struct {
	since time.Time     // the first nack on this connection since which nothing was taken
	n     int           // nacks since then, that one included
	span  time.Duration // how long all must have been refused; 0 means minRefused
}

const (
	// All that is published for this long must have been refused, ...
	minRefused = 3 * time.Second
	// ... or for this long, if connections before have been given up for it, ...
	maxRefused = time.Minute
	// ... and at least so many publishes.
	minRefusals = 3
)

// refused counts nacks, and reports whether the connection is to be given up.
func (r *refusals) refused(n int, now time.Time) bool {
	if r.n == 0 {
		r.since = now
	}
	r.n += n
	return r.n >= minRefusals && now.Sub(r.since) >= r.bound()
}

func (r *refusals) bound() time.Duration { return max(r.span, minRefused) }

// accepted notes that the broker takes requests.
func (r *refusals) accepted() { *r = refusals{} }

// restart starts over, on this connection or another.
func (r *refusals) restart() { r.since, r.n = time.Time{}, 0 }

// gaveUp makes the next connection's time longer.
func (r *refusals) gaveUp() { r.span = min(2*r.bound(), maxRefused) }
