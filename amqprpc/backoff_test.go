package amqprpc

import (
	"cmp"
	"math"
	"testing"
	"time"
)

// The first delay is from half of First to First, the last ones from half of Max to Max, and none is longer.
func TestBackoffIsBounded(t *testing.T) {
	for _, b := range []Backoff{
		{}, {First: time.Second, Max: time.Millisecond}, {First: time.Millisecond, Max: time.Minute},
		{First: math.MaxInt64}, {Max: math.MaxInt64},
	} {
		first := cmp.Or(b.First, 100*time.Millisecond)
		last := max(first, cmp.Or(b.Max, 10*time.Second))
		const tolerance = 2048 // ns: the precision of a float64 for three centuries
		within := func(which string, d, of time.Duration) {
			if d < of/2-tolerance || d-tolerance > of {
				t.Fatalf("%+v: the %s delay is %v", b, which, d)
			}
		}
		for range 1000 {
			e := b.start()
			within("first", e.NextBackOff(), first)
			for range 70 { // 2^63 is beyond any duration
				if d := e.NextBackOff(); d <= 0 || d-tolerance > last {
					t.Fatalf("%+v: a delay of %v", b, d)
				}
			}
			within("last", e.NextBackOff(), last)
		}
	}
}
