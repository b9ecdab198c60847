package amqprpc

import "time"

// memory remembers values by key, bounded by count and by age. It forgets the
// oldest first. The client's memory of ended calls and the server's of stored
// replies are memories. It is not safe for concurrent use.
type memory[K comparable, V any] struct {
	most    int
	age     time.Duration
	entries map[K]remembered[V]
	order   []memorized[K] // a ring of len most once full; oldest at head
	head    int
	n       int
	puts    uint64
}

type remembered[V any] struct {
	value V
	at    time.Time
	put   uint64
}

type memorized[K comparable] struct {
	key K
	at  time.Time
	put uint64 // tells an entry from a later one with the same key
}

func newMemory[K comparable, V any](most int, age time.Duration) *memory[K, V] {
	return &memory[K, V]{most: most, age: age, entries: make(map[K]remembered[V])}
}

// put remembers v under k. An older value under k is replaced.
func (m *memory[K, V]) put(k K, v V, now time.Time) {
	if m.most <= 0 {
		return
	}
	for m.n > 0 && (m.n == m.most || m.stale(m.order[m.head].at, now)) {
		m.forgetOldest()
	}
	m.puts++
	m.entries[k] = remembered[V]{v, now, m.puts}
	slot := memorized[K]{k, now, m.puts}
	if m.n == len(m.order) && m.n < m.most {
		m.grow()
	}
	m.order[(m.head+m.n)%len(m.order)] = slot
	m.n++
}

// get returns what is remembered under k, and since when.
func (m *memory[K, V]) get(k K, now time.Time) (remembered[V], bool) {
	e, ok := m.entries[k]
	if !ok || m.stale(e.at, now) {
		return remembered[V]{}, false
	}
	return e, true
}

func (m *memory[K, V]) stale(at, now time.Time) bool { return now.Sub(at) > m.age }

func (m *memory[K, V]) forgetOldest() {
	oldest := m.order[m.head]
	m.order[m.head] = memorized[K]{}
	m.head = (m.head + 1) % len(m.order)
	m.n--
	if e, ok := m.entries[oldest.key]; ok && e.put == oldest.put {
		delete(m.entries, oldest.key)
	}
}

// grow doubles the ring: an idle client does not pay for a busy one's memory.
func (m *memory[K, V]) grow() {
	bigger := make([]memorized[K], min(m.most, max(64, 2*len(m.order))))
	for i := range m.n {
		bigger[i] = m.order[(m.head+i)%len(m.order)]
	}
	m.order, m.head = bigger, 0
}
