package ledger

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// A Tee that is used by many goroutines passes all events to all observers in one order, and none during
// Between.
func TestTee(t *testing.T) {
	var first, second, late []string
	keep := func(ids *[]string) amqprpc.Observer {
		return amqprpc.ObserverFunc(func(e amqprpc.Event) { *ids = append(*ids, e.ID) })
	}
	tee := NewTee(nil, keep(&first), nil, keep(&second))
	const goroutines, events = 8, 200
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range events {
				tee.Observe(sent(string(rune('a'+i%26)), time.Duration(i)))
			}
		})
	}
	tee.Between(func() {
		if len(first) != len(second) {
			t.Errorf("%d and %d events", len(first), len(second))
		}
	})
	wg.Wait()
	tee.Add(keep(&late))
	tee.Observe(sent("last", 0))
	if len(first) != goroutines*events+1 || !reflect.DeepEqual(first, second) {
		t.Errorf("%d and %d events, or in different orders", len(first), len(second))
	}
	if !reflect.DeepEqual(late, []string{"last"}) {
		t.Errorf("the late observer got %q", late)
	}
}
