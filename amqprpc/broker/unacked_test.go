package broker

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is taken in whatever order, what is there is what was added and not taken.
func TestUnacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u unacked
		var model []uint64
		next := uint64(0)
		tags := func(all []delivery) (tags []uint64) {
			for _, d := range all {
				if d.m == nil || d.m.seq != d.tag {
					t.Fatalf("delivery %d has the wrong message", d.tag)
				}
				tags = append(tags, d.tag)
			}
			return tags
		}
		some := func() uint64 { // mostly one that was given out
			return rapid.Uint64Range(0, next+1).Draw(t, "tag")
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "deliveries") {
					next += rapid.Uint64Range(1, 3).Draw(t, "step") // some need no ack
					u.add(delivery{tag: next, m: &message{seq: next}})
					model = append(model, next)
				}
			},
			"take": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "times") {
					tag := some()
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
				tag := some()
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
				if u.live != len(model) {
					t.Fatalf("%d live, want %d", u.live, len(model))
				}
			},
		})
		all, _ := u.takeTo(0)
		if got := tags(all); !slices.Equal(got, model) {
			t.Fatalf("left are %v, want %v", got, model)
		}
	})
}

// One delivery that is never acked keeps no others, and a channel that had many un-acked once
// does not keep the memory for them.
func TestUnackedForgets(t *testing.T) {
	var u unacked
	u.add(delivery{tag: 1, m: &message{}})
	const many = 100_000
	for tag := uint64(2); tag < many; tag++ {
		u.add(delivery{tag: tag, m: &message{}})
		if _, ok := u.take(tag); !ok {
			t.Fatalf("delivery %d is not there", tag)
		}
	}
	if u.list.Len() > 100 || u.list.Cap() > 1000 {
		t.Errorf("%d entries, room for %d, for one delivery", u.list.Len(), u.list.Cap())
	}
	for name, empty := range map[string]func(){
		"from the back":  func() { takeBackwards(t, &u, 2*many) },
		"all at once":    func() { u.takeTo(0) },
		"from the front": func() { takeForwards(t, &u) },
	} {
		for tag := uint64(many); tag <= 2*many; tag++ {
			u.add(delivery{tag: tag, m: &message{}})
		}
		empty()
		u.takeTo(0)
		if u.live != 0 || u.list.Cap() > 1000 {
			t.Errorf("%s: %d live, room for %d", name, u.live, u.list.Cap())
		}
	}
}

func takeBackwards(t *testing.T, u *unacked, last uint64) {
	for ; u.live > 0; last-- {
		u.take(last)
		if last == 0 {
			t.Fatalf("%d cannot be taken", u.live)
		}
	}
}

func takeForwards(t *testing.T, u *unacked) {
	for u.live > 0 {
		if _, ok := u.take(u.list.Front().tag); !ok {
			t.Fatal("the first cannot be taken")
		}
	}
}
