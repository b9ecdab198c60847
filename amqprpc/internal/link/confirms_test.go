package link

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The broker may confirm in any order: each publish is confirmed once, those of one confirm in order. Len
// counts from the first that waits.
func TestEachPublishIsConfirmedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Confirms[uint64]
		var open []uint64 // unconfirmed tags, in order
		published := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 10, 100}).Draw(t, "n") {
					published++
					c.Add(published)
					open = append(open, published)
				}
			},
			"confirm": func(t *rapid.T) {
				// Confirmed already or never published tags, too.
				tag := uint64(rapid.IntRange(0, int(published)+2).Draw(t, "tag"))
				multiple := rapid.Bool().Draw(t, "multiple")
				var want []uint64
				switch {
				case multiple && tag == 0:
					want = slices.Clone(open)
				case tag > published || tag == 0:
				case multiple:
					want = slices.DeleteFunc(slices.Clone(open), func(o uint64) bool { return o > tag })
				case slices.Contains(open, tag):
					want = []uint64{tag}
				}
				var got []uint64
				c.Confirm(tag, multiple, func(of uint64) { got = append(got, of) })
				if !slices.Equal(got, want) {
					t.Fatalf("a confirm of %d (multiple %v) covers %v, want %v of %v", tag, multiple, got, want, open)
				}
				open = slices.DeleteFunc(open, func(o uint64) bool { return slices.Contains(want, o) })
			},
			"": func(t *rapid.T) {
				want := 0
				if len(open) > 0 {
					want = int(published + 1 - open[0])
				}
				if c.Len() != want {
					t.Fatalf("Len is %d, want %d", c.Len(), want)
				}
			},
		})
	})
}
