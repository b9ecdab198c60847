package ledger

import "slices"

// Clone returns a copy of the books that shares no memory with them: it stays as it is
// while l goes on, and given the same events it becomes what l becomes. A screen that
// looks at a clone has a picture that stands still and can be inspected for ever.
//
// It copies all that is remembered under one hold of the lock, and so holds up the events.
// At the default bounds and with few calls in flight that is about 2 ms and a few MB. Both
// grow with the calls in flight, which have no bound here: with 65,000 about 25 ms and 35 MB.
// Until the clone has forgotten what it began with, it may hold on to as much memory again
// as [Config.MaxBytes] says.
func (l *Ledger) Clone() *Ledger {
	k := l.copyAll()
	k.to.byID = make(map[string]*record, len(k.records)) // with the lock let go
	for i, named := range k.named {
		if named {
			k.to.byID[k.records[i].id] = &k.records[i]
		}
	}
	return k.to
}

// copyAll makes a clone of l that lacks byID.
func (l *Ledger) copyAll() *copier {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Ledger{
		cfg: l.cfg, clock: l.clock, counts: l.counts, start: l.start, lastEnd: l.lastEnd, seq: l.seq,
		wrongs:   slices.Clone(l.wrongs),
		response: l.response.clone(), service: l.service.clone(),
		rates: l.rates.clone(), servers: l.servers.clone(), conn: l.conn.clone(),
	}
	// What only a discarded reply remembers is in no lane.
	n := l.inFlight.len + l.completed.len + l.failed.len
	for _, in := range []*ring{&l.duplicates, &l.orphans} {
		for i := range in.slots {
			if r := in.slots[i].call; r != nil && r.list == nil {
				n++
			}
		}
	}
	k := &copier{from: l, to: c, records: make([]record, 0, n), named: make([]bool, 0, n), held: make(map[*record]*record)}
	k.lane(&c.inFlight, &l.inFlight)
	k.lane(&c.completed, &l.completed)
	k.lane(&c.failed, &l.failed)
	c.duplicates, c.orphans = k.ring(&l.duplicates), k.ring(&l.orphans)
	return k
}

// A copier copies the records of a ledger. It takes memory in large pieces, so that the
// lock is not held for thousands of small ones.
type copier struct {
	from, to *Ledger
	records  []record            // room for all there are
	named    []bool              // which of them are found by their IDs
	bytes    []byte              // room for stories
	held     map[*record]*record // the copies of those that discarded replies belong to
}

// piece is how much memory for stories is taken at once, in bytes. The last story in a
// piece keeps all of it.
const piece = 64 << 10

func (k *copier) copy(b []byte) []byte {
	if cap(k.bytes)-len(k.bytes) < len(b) {
		k.bytes = make([]byte, 0, max(piece, len(b)))
	}
	from := len(k.bytes)
	k.bytes = append(k.bytes, b...)
	return k.bytes[from:len(k.bytes):len(k.bytes)]
}

func (k *copier) record(r *record) *record {
	k.records = append(k.records, *r)
	c := &k.records[len(k.records)-1]
	c.list, c.prev, c.next = nil, nil, nil
	c.story = k.copy(r.story)
	// An ended call may have lost its name to a later one.
	k.named = append(k.named, r.inFlight() || k.from.byID[r.id] == r)
	if r.holders > 0 {
		k.held[r] = c
	}
	return c
}

func (k *copier) lane(to, from *list) {
	for r := from.first; r != nil; r = r.next {
		to.push(k.record(r))
	}
}

func (k *copier) ring(from *ring) ring {
	to := *from
	to.slots = slices.Clone(from.slots)
	for i := range to.slots {
		s := &to.slots[i]
		s.event = k.copy(s.event)
		if r := s.call; r != nil {
			if s.call = k.held[r]; s.call == nil {
				s.call = k.record(r)
			}
		}
	}
	return to
}

func (l *latency) clone() latency {
	c := *l
	c.hist, c.spread = l.hist.Clone(), slices.Clone(l.spread)
	return c
}

func (r *rates) clone() rates {
	c := *r
	c.ring = slices.Clone(r.ring)
	return c
}

func (s *servers) clone() servers {
	c := *s
	c.byName = make(map[string]*server, len(s.byName))
	for name, v := range s.byName {
		own := *v
		c.byName[name] = &own
	}
	return c
}

func (c *connection) clone() connection {
	n := *c
	n.ring = slices.Clone(c.ring)
	for i := range n.ring {
		if info := n.ring[i].Connection; info != nil {
			own := *info
			n.ring[i].Connection = &own
		}
	}
	return n
}
