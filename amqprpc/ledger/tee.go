package ledger

import (
	"sync"

	"rpcscope/amqprpc"
)

// A Tee passes each event on to several observers, in order: to the books and to a
// recorder, say. Unlike them it may be called from many goroutines at once: a load tells
// it of the end of a warm-up while a client tells it of calls.
type Tee struct {
	mu sync.Mutex
	to []amqprpc.Observer
}

var _ amqprpc.Observer = (*Tee)(nil)

// NewTee returns a Tee to those of the observers that are not nil.
func NewTee(to ...amqprpc.Observer) *Tee {
	t := &Tee{}
	for _, o := range to {
		t.Add(o)
	}
	return t
}

// Add adds an observer, of the events from now on. A nil one is left out.
func (t *Tee) Add(o amqprpc.Observer) {
	if o == nil {
		return
	}
	t.Between(func() { t.to = append(t.to, o) })
}

// Observe passes e on.
func (t *Tee) Observe(e amqprpc.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.to {
		o.Observe(e)
	}
}

// Between runs f while no event is passed on. It holds up every call meanwhile.
func (t *Tee) Between(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}
