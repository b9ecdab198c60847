package amqprpc

import "time"

// refusals decides whether to give up a connection on which the broker nacks everything. Guarded by client.mu.
//
// RabbitMQ can nack all that is published to a quorum queue on one channel, although the queue takes everything
// from others: each channel looks the queue's leader up once, at its first publish, and after the death of a node
// that may be before the new leader is known. (Seen on 3.10.8; rabbitmq-server's pull request 9241.) Only another
// channel helps. A full queue, with the overflow behaviour reject-publish, looks the same, and no connection helps.
// So each connection is given twice as long as the one before.
type refusals struct {
	since time.Time     // the first nack on this connection since which nothing was taken
	n     int           // nacks since then, including that one
	span  time.Duration // how long all must have been refused; 0 means minRefused
}

const (
	// The bounds of refusals.span.
	minRefused = 3 * time.Second
	maxRefused = time.Minute
	// minRefusals is how many publishes must have been refused.
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

// accepted starts over, because the broker takes requests.
func (r *refusals) accepted() { *r = refusals{} }

// restart starts over on a new connection, with the same span.
func (r *refusals) restart() { r.since, r.n = time.Time{}, 0 }

// gaveUp doubles the span for the next connection.
func (r *refusals) gaveUp() { r.span = min(2*r.bound(), maxRefused) }
