package broker

import (
	"sync"
	"sync/atomic"
)

// A gate is open or closed. While it is closed the broker stands still.
type gate struct {
	mu      sync.Mutex
	closed  atomic.Bool
	opening chan struct{}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed.Swap(false) {
		close(g.opening)
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed.Load() {
		g.opening = make(chan struct{})
		g.closed.Store(true)
	}
}

// wait waits until the gate is open.
func (g *gate) wait() {
	for g.closed.Load() {
		g.mu.Lock()
		opening := g.opening
		g.mu.Unlock()
		<-opening
	}
}
