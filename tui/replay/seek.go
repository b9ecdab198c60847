package replay

import (
	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A seek is a change of position that has not been completed.
type seek struct {
	words string // describes the target
	find  goalFinder
	// found returns the call or reply at the goal; nil if the target is only a place.
	found func(*cursor) *lab.Found
	// goal is the place to go to. Before it is known, it is an estimate for later relative seeks, or
	// zero.
	goal   goal
	known  bool
	cursor *cursor // on its way to the goal; nil before it starts
}

// A goalFinder finds a goal in an index. It returns false if the index has not been read far enough, and
// the reason if there is no such goal.
type goalFinder func(x *index, at *cursor) (g goal, known bool, reason string)

// startSeek replaces the current seek. p.mu is held.
func (p *Player) startSeek(s seek) {
	p.seek, p.found = &s, nil
	p.findGoal() // at once if possible: the next seek may be relative to this one
	p.wakeUp()
}

// findGoal finds the goal of the seek. If there is none, it ends the seek with a note. It returns false
// if the index has not been read far enough. p.mu is held.
func (p *Player) findGoal() bool {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	g, known, reason := p.seek.find(p.index, p.at)
	switch {
	case !known:
		return false
	case reason != "":
		p.seek = nil
		p.note(lab.Info, reason)
	default:
		p.seek.goal, p.seek.known = g, true
	}
	return true
}

// continueSeek moves towards the goal, which is known, by one batch of events.
func (p *Player) continueSeek() {
	s, batch := p.seek, p.index.grain.batch
	g := s.goal
	if s.cursor == nil {
		s.cursor = p.seekFrom(g)
	}
	c := s.cursor
	for n := 0; n < batch && !g.reached(c); n++ {
		c.step()
	}
	switch {
	case g.reached(c):
		p.completeSeek(c)
	case c == p.at:
		p.now = max(p.now, c.now)
	}
}

// minJump is the least number of batches by which a checkpoint must be ahead of the current position to
// be worth the copy.
const minJump = 8

// seekFrom returns the nearest cursor before g: the current one, or a new one at a copy of a checkpoint.
func (p *Player) seekFrom(g goal) *cursor {
	p.index.mu.Lock()
	best := p.index.before(g)
	p.index.mu.Unlock()
	if g.passed(&p.at.checkpoint) || p.at.events+minJump*p.index.grain.batch < best.events {
		return p.file.open(best.clone())
	}
	return p.at
}

// completeSeek ends the seek. c has reached its goal.
func (p *Player) completeSeek(c *cursor) {
	s := p.seek
	p.at, p.now, p.seek = c, c.now, nil
	if s.found != nil {
		p.found = s.found(c)
	}
	if s.goal.byTime() && !c.atEnd() {
		p.now = max(p.now, s.goal.until)
	}
	p.head = p.now
}

// foundIncident returns the incident that is the last event.
func foundIncident(c *cursor) *lab.Found {
	found := &lab.Found{ID: c.last.id}
	if c.last.kind != amqprpc.EventReply || c.last.class == amqprpc.Answer {
		return found
	}
	newest := c.state.Snapshot(ledger.Query{Duplicates: 1, Orphans: 1})
	rows := newest.Orphans
	if c.last.class == amqprpc.Duplicate {
		rows = newest.Duplicates
	}
	if len(rows) > 0 {
		found.Seq = rows[0].Seq
	}
	return found
}
