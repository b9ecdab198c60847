package amqprpc

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A memory holds the last puts, as many and as old as its bounds allow.
func TestMemoryForgetsOldest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			key, value int
			at         time.Time
		}
		limit := rapid.IntRange(-1, 100).Draw(t, "limit")
		age := time.Duration(rapid.IntRange(0, 20).Draw(t, "age"))
		m := newMemory[int, int](limit, age)
		now := time.Now()
		var model []entry
		value := 0
		t.Repeat(map[string]func(*rapid.T){
			"pass": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "for"))) },
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "n") {
					value++
					e := entry{rapid.IntRange(0, 150).Draw(t, "key"), value, now}
					m.put(e.key, e.value, now)
					model = append(model, e)
				}
			},
			"": func(t *rapid.T) {
				if m.puts.Len() > max(limit, 0) || len(m.entries) > max(limit, 0) {
					t.Fatalf("%d puts and %d entries, for at most %d", m.puts.Len(), len(m.entries), limit)
				}
				held := 0
				for r := range m.puts.Iter() {
					if r.value != 0 {
						held++
					}
				}
				if held != len(m.entries) {
					t.Fatalf("%d values are held for %d keys", held, len(m.entries))
				}
				recent := model[max(0, len(model)-max(limit, 0)):]
				for key := range 151 {
					want, known := entry{}, false
					for _, e := range recent {
						if e.key == key {
							want, known = e, now.Sub(e.at) <= age
						}
					}
					got, ok := m.get(key, now)
					if ok != known || ok && (got.value != want.value || !got.at.Equal(want.at)) {
						t.Fatalf("key %d: got %+v, %v; want %+v, %v", key, got, ok, want, known)
					}
				}
			},
		})
	})
}
