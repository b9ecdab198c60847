package cluster

import (
	"sync"
	"testing"
	"time"
)

// A bell guards what a test waits for; whoever changes it rings.
type bell struct {
	sync.Mutex
	rung *sync.Cond
}

func newBell() *bell {
	b := &bell{}
	b.rung = sync.NewCond(b)
	return b
}

// change makes a change and rings.
func (b *bell) change(f func()) {
	b.Lock()
	defer b.Unlock()
	f()
	b.rung.Broadcast()
}

// until waits until the condition holds; tell says how things stand, should it never.
func (b *bell) until(t *testing.T, what string, holds func() bool, tell func() string) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() { b.change(func() { late = true }) })
	defer timer.Stop()
	b.Lock()
	defer b.Unlock()
	for !holds() {
		if late {
			t.Fatalf("never: %s; %s", what, tell())
		}
		b.rung.Wait()
	}
}
