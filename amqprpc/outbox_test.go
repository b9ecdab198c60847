package amqprpc

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Calls leave the outbox in order, and from anywhere in it.
func TestOutbox(t *testing.T) {
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
