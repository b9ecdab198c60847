package amqprpc

import (
	"slices"
	"sync"
	"time"
)

// A server that drains gives back what no handler has begun. AMQP has no nack of a range: a
// nack is of one request, or of all up to one, those in the hands of handlers included. They
// have the lower tags, so one frame gives all back once they are settled; until then it
// takes a frame, and for a quorum queue an entry in its log, for each. To close the channel
// would give back what handlers have, too; and RabbitMQ 4.3 counts it against the delivery
// limit, which it does not do with a nack.
const (
	// More than this many wait ...
	fewGivenBack = 64
	// ... at most this long for the handlers before them.
	giveBackWait = 200 * time.Millisecond
)

// unbegun holds the requests that no handler will begin, until all are known.
type unbegun struct {
	mu    sync.Mutex
	tags  []uint64
	known bool
}

// add says false where it is too late to wait for others.
func (u *unbegun) add(tag uint64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.known {
		u.tags = append(u.tags, tag)
	}
	return !u.known
}

// all returns what was added, in the order of delivery. Nothing can be added any more.
func (u *unbegun) all() []settlement {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known = true
	slices.Sort(u.tags)
	v := requeue
	if len(u.tags) > fewGivenBack {
		v = requeueTogether
	}
	all := make([]settlement, 0, len(u.tags))
	for _, tag := range u.tags {
		all = append(all, settlement{tag, v})
	}
	u.tags = nil
	return all
}

// unhandled is a request that no handler will begin, as the server drains.
func (ss *session) unhandled(r *request) {
	ss.server.counts.givenBack.Add(1)
	if !ss.unbegun.add(r.tag) {
		ss.acks.offer(settlement{r.tag, requeue})
	}
}
