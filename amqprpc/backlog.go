package amqprpc

import (
	"sync"

	"github.com/gammazero/deque"
)

// A backlog holds the requests that were delivered and that no worker has taken. What
// bounds it is the server's prefetch.
type backlog struct {
	mu      sync.Mutex
	come    sync.Cond
	waiting deque.Deque[request]
	closed  bool
}

// A request is a delivery from the request queue.
type request struct {
	tag uint64
	Message
}

func newBacklog() *backlog {
	b := &backlog{}
	b.come.L = &b.mu
	return b
}

func (b *backlog) put(r request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.waiting.PushBack(r)
		b.come.Signal()
	}
}

// take waits for a request. It returns false when the backlog is closed and empty.
func (b *backlog) take() (request, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waiting.Len() == 0 {
		if b.closed {
			return request{}, false
		}
		b.come.Wait()
	}
	return b.waiting.PopFront(), true
}

// close ends the backlog: nothing more comes. What it holds can still be taken.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.come.Broadcast()
}

// abandon ends the backlog and drops what it holds: the broker will deliver it again.
func (b *backlog) abandon() {
	b.close()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting.Clear()
}
