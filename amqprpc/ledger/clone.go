package ledger

import "slices"

// Clone returns a copy of l that shares no memory with it. The copy does not change with l, and the same
// events make it equal to l again.
//
// Clone holds up the events while it copies: some milliseconds with the default bounds and few calls in
// flight.
func (l *Ledger) Clone() *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Ledger{
		cfg: l.cfg, clock: l.clock, counts: l.counts, start: l.start, lastEnd: l.lastEnd, seq: l.seq,
		wrongs: slices.Clone(l.wrongs), byID: make(map[string]*record, len(l.byID)),
		response: l.response.clone(), service: l.service.clone(),
		rates: slices.Clone(l.rates), servers: l.servers.clone(), conn: l.conn,
	}
	c.conn.events = slices.Clone(l.conn.events)
	copies := make(map[*record]*record, len(l.byID))
	copyOf := func(r *record) *record {
		if r == nil || copies[r] != nil {
			return copies[r]
		}
		own := *r
		own.list, own.prev, own.next = nil, nil, nil
		own.story = slices.Clone(r.story)
		copies[r] = &own
		if l.byID[r.id] == r { // the ID of an ended call may find a later one
			c.byID[r.id] = &own
		}
		return &own
	}
	for _, lane := range []struct{ to, from *list }{
		{&c.inFlight, &l.inFlight}, {&c.completed, &l.completed}, {&c.failed, &l.failed},
	} {
		for r := lane.from.first; r != nil; r = r.next {
			lane.to.push(copyOf(r))
		}
	}
	c.duplicates, c.orphans = l.duplicates, l.orphans
	for _, in := range []*ring{&c.duplicates, &c.orphans} {
		in.slots = slices.Clone(in.slots)
		for i := range in.slots {
			s := &in.slots[i]
			s.event, s.call = slices.Clone(s.event), copyOf(s.call)
		}
	}
	return c
}

func (l latency) clone() latency {
	l.hist = l.hist.Clone()
	return l
}

func (s servers) clone() servers {
	byName := make(map[string]*server, len(s.byName))
	for name, v := range s.byName {
		own := *v
		byName[name] = &own
	}
	s.byName = byName
	return s
}
