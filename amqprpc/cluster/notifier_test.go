package cluster

import (
	"sync"
	"testing"
	"time"
)

// A notifier guards the state that a test waits for. Each change notifies the waiting test.
type notifier struct {
	sync.Mutex
	rung *sync.Cond
}

func newNotifier() *notifier {
	b := &notifier{}
	b.rung = sync.NewCond(b)
	return b
}

// change makes a change and notifies.
func (b *notifier) change(f func()) {
	b.Lock()
	defer b.Unlock()
	f()
	b.rung.Broadcast()
}

// waitUntil waits until the condition holds. describe returns the state for the error.
func (b *notifier) waitUntil(t *testing.T, what string, holds func() bool, describe func() string) {
	t.Helper()
	late := false
	timer := time.AfterFunc(testTimeout, func() { b.change(func() { late = true }) })
	defer timer.Stop()
	b.Lock()
	defer b.Unlock()
	for !holds() {
		if late {
			t.Fatalf("never: %s; %s", what, describe())
		}
		b.rung.Wait()
	}
}
