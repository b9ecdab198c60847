package ledger

import (
	"sync"

	"rpcscope/amqprpc"
)

// A Tee passes each event to several observers, such as a ledger and a recorder, in order. Unlike them
// it may be called from many goroutines at once: a load generator and a client both report to it.
type Tee struct {
	mu sync.Mutex
	to []amqprpc.Observer
}

var _ amqprpc.Observer = (*Tee)(nil)

// NewTee returns a Tee to the observers that are not nil.
func NewTee(to ...amqprpc.Observer) *Tee {
	t := &Tee{}
	for _, o := range to {
		t.Add(o)
	}
	return t
}

// Add adds an observer for later events, if it is not nil.
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

// Between runs f between two events. Every call waits meanwhile.
func (t *Tee) Between(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}
