package amqprpc

import "time"

// memory remembers values by key, bounded by count and by age. It forgets the
// oldest first. The client's memory of ended calls and the server's of stored
// replies are memories. It is not safe for concurrent use.
//
// The values are in the ring and not in the map, which takes about twice its keys' room once they
// come and go: see PERFORMANCE.md.
type memory[K comparable, V any] struct {
	most    int
	age     time.Duration
	entries map[K]uint64       // the number of the put that holds the key's value
	order   []remembered[K, V] // a ring of len most once full; oldest at head
	head    int
	n       int
	puts    uint64 // the number of the newest; they are without gaps
}

type remembered[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

func newMemory[K comparable, V any](most int, age time.Duration) *memory[K, V] {
	return &memory[K, V]{most: most, age: age, entries: make(map[K]uint64)}
}

// put remembers v under k. An older value under k is replaced.
func (m *memory[K, V]) put(k K, v V, now time.Time) {
	if m.most <= 0 {
		return
	}
	for m.n > 0 && (m.n == m.most || m.stale(m.order[m.head].at, now)) {
		m.forgetOldest()
	}
	if older, ok := m.entries[k]; ok {
		m.slot(older).value = *new(V) // it may be large, and its slot is kept until its time comes
	}
	if m.n == len(m.order) {
		m.grow()
	}
	m.n++
	m.puts++
	m.entries[k] = m.puts
	*m.slot(m.puts) = remembered[K, V]{k, v, now}
}

// get returns what is remembered under k, and since when.
func (m *memory[K, V]) get(k K, now time.Time) (remembered[K, V], bool) {
	put, ok := m.entries[k]
	if !ok || m.stale(m.slot(put).at, now) {
		return remembered[K, V]{}, false
	}
	return *m.slot(put), true
}

// slot is where the put of that number is in the ring.
func (m *memory[K, V]) slot(put uint64) *remembered[K, V] {
	age := int(m.puts - put)
	return &m.order[(m.head+m.n-1-age)%len(m.order)]
}

func (m *memory[K, V]) stale(at, now time.Time) bool { return now.Sub(at) > m.age }

func (m *memory[K, V]) forgetOldest() {
	oldest := &m.order[m.head]
	if put := m.puts - uint64(m.n-1); m.entries[oldest.key] == put {
		delete(m.entries, oldest.key)
	}
	*oldest = remembered[K, V]{}
	m.head = (m.head + 1) % len(m.order)
	m.n--
}

// grow doubles the ring: an idle client does not pay for a busy one's memory.
func (m *memory[K, V]) grow() {
	bigger := make([]remembered[K, V], min(m.most, max(64, 2*len(m.order))))
	for i := range m.n {
		bigger[i] = m.order[(m.head+i)%len(m.order)]
	}
	m.order, m.head = bigger, 0
}
