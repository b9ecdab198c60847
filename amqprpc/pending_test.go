package amqprpc

import (
	"container/heap"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Calls leave the outbox in order, and from anywhere in it.
func TestOutboxKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		var model, gone []*Call
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				c := &Call{}
				if len(gone) > 0 && rapid.Bool().Draw(t, "again") {
					c, gone = gone[0], gone[1:]
				}
				o.push(c)
				model = append(model, c)
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				c := model[i]
				o.remove(c)
				model = slices.Delete(model, i, i+1)
				gone = append(gone, c)
			},
			"": func(t *rapid.T) {
				var forward, backward []*Call
				for c := o.first; c != nil; c = c.next {
					forward = append(forward, c)
				}
				for c := o.last; c != nil; c = c.prev {
					backward = append(backward, c)
				}
				slices.Reverse(backward)
				if !slices.Equal(forward, model) || !slices.Equal(backward, model) {
					t.Fatalf("forward %d, backward %d, want %d calls in order", len(forward), len(backward), len(model))
				}
				for _, c := range model {
					if c.state != queued {
						t.Fatalf("a call in the outbox is in state %d", c.state)
					}
				}
				for _, c := range gone {
					if c.prev != nil || c.next != nil {
						t.Fatal("a call that left refers to others")
					}
				}
			},
		})
	})
}

// The earliest due time is on top of the heap, whichever calls came, left, or are due at another time now.
func TestEarliestDueTimeIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Now()
		var h dueTimes
		in := map[*Call]bool{}
		var all []*Call
		at := func(t *rapid.T) time.Time { return begin.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "at"))) }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				c := &Call{due: at(t), heapIndex: -1}
				heap.Push(&h, c)
				in[c] = true
				all = append(all, c)
			},
			"remove": func(t *rapid.T) { // also one that has left before
				if len(all) == 0 {
					return
				}
				c := rapid.SampledFrom(all).Draw(t, "call")
				h.remove(c)
				delete(in, c)
			},
			"fix": func(t *rapid.T) {
				if len(h) == 0 {
					return
				}
				c := h[rapid.IntRange(0, len(h)-1).Draw(t, "place")]
				c.due = at(t)
				heap.Fix(&h, c.heapIndex)
			},
			"": func(t *rapid.T) {
				if len(h) != len(in) {
					t.Fatalf("%d calls, want %d", len(h), len(in))
				}
				for i, c := range h {
					if !in[c] || c.heapIndex != i {
						t.Fatalf("index %d, place %d, should be in: %v", c.heapIndex, i, in[c])
					}
				}
				for c := range in {
					if c.due.Before(h[0].due) {
						t.Fatal("the earliest is not on top")
					}
				}
				for _, c := range all {
					if !in[c] && c.heapIndex != -1 {
						t.Fatalf("a call that left has index %d", c.heapIndex)
					}
				}
			},
		})
	})
}

// All deadlines are of the monotonic clock, also those of contexts that know the wall clock only. If that is set
// back, a call would outlive its deadline behind another one in the heap.
func TestDeadlinesAreMonotonic(t *testing.T) {
	c := Client{cfg: Config{Timeout: time.Second}}
	now := time.Now()
	for name, at := range map[string]time.Time{
		"of the wall clock": now.Round(0).Add(time.Minute), "past": now.Round(0).Add(-time.Minute),
		"off the wire": time.UnixMicro(now.UnixMicro()).Add(time.Minute), "of both": now.Add(time.Minute),
	} {
		ctx, cancel := context.WithDeadline(context.Background(), at)
		defer cancel()
		for _, timeout := range []time.Duration{0, time.Hour} {
			d := c.deadlineOf(ctx, timeout, now)
			if !d.Equal(at) || !strings.Contains(d.String(), " m=") {
				t.Errorf("%s: %v, want %v with a monotonic reading", name, d, at)
			}
		}
	}
	for timeout, want := range map[time.Duration]time.Duration{0: time.Second, time.Minute: time.Minute} {
		d := c.deadlineOf(context.Background(), timeout, now)
		if !d.Equal(now.Add(want)) || !strings.Contains(d.String(), " m=") {
			t.Errorf("a timeout of %v: %v, want %v with a monotonic reading", timeout, d, now.Add(want))
		}
	}
}
