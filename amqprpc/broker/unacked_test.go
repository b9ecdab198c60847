package broker

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestUnacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u unacked
		var model []uint64
		next := uint64(0)
		tags := func(all []delivery) (tags []uint64) {
			for _, d := range all {
				if d.m.seq != d.tag {
					t.Fatalf("delivery %d has the wrong message", d.tag)
				}
				tags = append(tags, d.tag)
			}
			return tags
		}
		anyTag := func() uint64 { // mostly one that exists
			return rapid.Uint64Range(0, next+1).Draw(t, "tag")
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "deliveries") {
					next += rapid.Uint64Range(1, 3).Draw(t, "step") // some deliveries need no ack
					u.add(delivery{tag: next, m: &message{seq: next}})
					model = append(model, next)
				}
			},
			"take": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "times") {
					tag := anyTag()
					d, ok := u.take(tag)
					i, want := slices.BinarySearch(model, tag)
					if ok != want || ok && (d.tag != tag || d.m.seq != tag) {
						t.Fatalf("take(%d): %v, %v, want %v", tag, d, ok, want)
					}
					if ok {
						model = slices.Delete(model, i, i+1)
					}
				}
			},
			"takeTo": func(t *rapid.T) {
				tag := anyTag()
				n, want := len(model), true
				if tag != 0 {
					if n, want = slices.BinarySearch(model, tag); want {
						n++
					} else {
						n = 0
					}
				}
				all, ok := u.takeTo(tag)
				if got := tags(all); ok != want || !slices.Equal(got, model[:n]) {
					t.Fatalf("takeTo(%d): %v, %v, want %v, %v", tag, got, ok, model[:n], want)
				}
				model = model[n:]
			},
			"": func(t *rapid.T) {
				if got := tags(u); !slices.Equal(got, model) {
					t.Fatalf("unacked are %v, want %v", got, model)
				}
			},
		})
	})
}

// In-order acks do not keep the memory of acked deliveries.
func TestUnackedMemory(t *testing.T) {
	var u unacked
	for tag := uint64(1); tag < 100_000; tag++ {
		u.add(delivery{tag: tag, m: &message{}})
		if tag > 10 {
			if _, ok := u.take(tag - 10); !ok {
				t.Fatalf("delivery %d is not there", tag-10)
			}
		}
	}
	if len(u) != 10 || cap(u) > 100 {
		t.Errorf("%d deliveries, room for %d", len(u), cap(u))
	}
}
