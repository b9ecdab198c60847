package amqprpc

import (
	"time"

	"github.com/gammazero/deque"
)

// A memory remembers values by key, bounded by count and by age. It forgets the oldest first. It is not safe for
// concurrent use.
//
// The values are not in the map, which takes about twice its keys' room once they come and go: see PERFORMANCE.md.
type memory[K comparable, V any] struct {
	max     int
	maxAge  time.Duration
	entries map[K]uint64                  // the number of the put that holds the key's value
	puts    deque.Deque[remembered[K, V]] // oldest first
	first   uint64                        // the number of the oldest put
}

type remembered[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

func newMemory[K comparable, V any](limit int, maxAge time.Duration) *memory[K, V] {
	return &memory[K, V]{max: limit, maxAge: maxAge, entries: make(map[K]uint64)}
}

// put remembers v under k. An older value under k is replaced.
func (m *memory[K, V]) put(k K, v V, now time.Time) {
	if m.max <= 0 {
		return
	}
	for n := m.puts.Len(); n > 0 && (n == m.max || m.stale(m.puts.Front().at, now)); n = m.puts.Len() {
		if oldest := m.puts.PopFront(); m.entries[oldest.key] == m.first {
			delete(m.entries, oldest.key)
		}
		m.first++
	}
	if put, ok := m.entries[k]; ok { // the old value may be large, and its place is kept until its time comes
		m.puts.Set(int(put-m.first), remembered[K, V]{key: k, at: m.puts.At(int(put - m.first)).at})
	}
	m.entries[k] = m.first + uint64(m.puts.Len())
	m.puts.PushBack(remembered[K, V]{k, v, now})
}

// get returns the value under k and its time.
func (m *memory[K, V]) get(k K, now time.Time) (remembered[K, V], bool) {
	put, ok := m.entries[k]
	if !ok {
		return remembered[K, V]{}, false
	}
	r := m.puts.At(int(put - m.first))
	return r, !m.stale(r.at, now)
}

func (m *memory[K, V]) stale(at, now time.Time) bool { return now.Sub(at) > m.maxAge }
