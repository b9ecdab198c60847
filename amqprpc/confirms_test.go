package amqprpc

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However the broker confirms, each publish is settled once, in order within a confirm, and
// room is told of when there is some again.
func TestConfirms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newConfirms[uint64]()
		var open []uint64 // tags published and not settled
		published, blocked := uint64(0), false
		add := func() {
			ok := c.add(published + 1)
			if ok {
				published++
				open = append(open, published)
			}
			held := uint64(0)
			if len(open) > 0 {
				held = published + 1 - open[0] // the first that is open holds those after it
			}
			if want := held <= mostUnconfirmed && ok || held == mostUnconfirmed && !ok; !want {
				t.Fatalf("added: %v, with %d held", ok, held)
			}
			blocked = !ok
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 10, mostUnconfirmed}).Draw(t, "n") {
					add()
				}
			},
			"confirm": func(t *rapid.T) {
				// Also of what was settled already, or never published.
				tag := uint64(rapid.IntRange(0, int(published)+2).Draw(t, "tag"))
				multiple := rapid.Bool().Draw(t, "multiple")
				var want []uint64
				switch {
				case multiple && tag == 0:
					want = slices.Clone(open)
				case tag > published || tag == 0:
				case multiple:
					if len(open) > 0 && tag >= open[0] {
						want = slices.DeleteFunc(slices.Clone(open), func(o uint64) bool { return o > tag })
					}
				case slices.Contains(open, tag):
					want = []uint64{tag}
				}
				var got []uint64
				c.settle(tag, multiple, func(of uint64) { got = append(got, of) })
				if !slices.Equal(got, want) {
					t.Fatalf("confirm of %d (multiple %v) settled %v, want %v of %v", tag, multiple, got, want, open)
				}
				before := len(open) > 0 && slices.Contains(want, open[0])
				// Both are in order, so that this takes one pass: there are thousands of them.
				rest := want
				open = slices.DeleteFunc(open, func(o uint64) bool {
					if len(rest) > 0 && rest[0] == o {
						rest = rest[1:]
						return true
					}
					return false
				})
				if blocked && before {
					select {
					case <-c.room:
						blocked = false
					default:
						t.Fatal("there is room again, and nobody is told")
					}
				}
			},
		})
	})
}
