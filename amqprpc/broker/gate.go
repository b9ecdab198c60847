package broker

import (
	"sync"
	"sync/atomic"
)

// A gate is open or closed. The broker stands still while it is closed. The zero value is open.
type gate struct {
	mu     sync.Mutex // held by open and close
	closed atomic.Bool
	passed sync.RWMutex // locked while the gate is closed
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Swap(false) {
		g.passed.Unlock()
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed.Load() {
		g.passed.Lock()
		g.closed.Store(true)
	}
}

// wait waits until the gate is open.
func (g *gate) wait() {
	if g.closed.Load() {
		g.passed.RLock()
		defer g.passed.RUnlock()
	}
}
