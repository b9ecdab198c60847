package replay

import (
	"context"
	"time"

	"rpcscope/tui/lab"
)

const (
	// turn is how long the goroutine waits for the next thing to do.
	turn = 20 * time.Millisecond
	// mostLag is how far playing may be behind, in time that has really passed. What is
	// more than that is given up: playing is slower then than it should be.
	mostLag = 250 * time.Millisecond
	// far is a way, in batches, that is worth a checkpoint shortly before its end, for who
	// steps back from there.
	far = 8
)

// drive is the goroutine that changes what is shown.
func (p *Player) drive(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := p.advance(time.Now())
		switch {
		case wait == 0:
			continue
		case wait > 0:
			timer.Reset(wait)
		default:
			timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C:
		}
	}
}

// advance does a millisecond's work and returns when there is more to do: 0 is at once,
// and less than 0 when somebody asks for something.
func (p *Player) advance(wall time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wish != nil && !p.resolve() {
		p.played = wall
		return turn // the index goes on
	}
	switch {
	case p.goal != nil:
		if p.moving == nil {
			p.begin()
		}
		p.move()
		p.played = wall
		return 0
	case p.playing:
		passed := min(wall.Sub(p.played), mostLag)
		p.played = wall
		if p.play(passed) {
			return 0
		}
		return turn
	}
	return -1
}

// resolve makes a goal of the wish, or a note of why there is none. It returns false where
// the index does not go so far yet. Mu is held.
func (p *Player) resolve() bool {
	x := p.index
	x.mu.Lock()
	defer x.mu.Unlock()
	g, known, why := p.wish.goal(x, p.at)
	switch {
	case !known:
		return false
	case why != "":
		p.note(lab.Info, why)
	default:
		p.goal, p.to, p.finds = &g, p.wish.words, p.wish.found
	}
	p.wish = nil
	return true
}

// begin begins to go to the goal, from the best there is: the present position, or a
// checkpoint, whose books have to be copied first.
func (p *Player) begin() {
	g := *p.goal
	p.index.mu.Lock()
	best := p.index.before(g)
	p.index.mu.Unlock()
	if p.near != nil && !g.passed(p.near) && p.near.events > best.events {
		best = *p.near
	}
	if p.moving = p.at; g.passed(&p.at.checkpoint) || p.at.events+far*p.index.grain.batch < best.events {
		p.moving = p.file.open(best.clone())
	}
}

// move goes a batch of events towards the goal.
func (p *Player) move() {
	c, g, most := p.moving, *p.goal, p.index.grain.batch
	way := g.events - c.events
	for n := 0; n < most && !g.reached(c); n++ {
		c.step()
	}
	worth := p.near == nil || g.passed(p.near) || g.events-p.near.events > far*most
	switch {
	case g.reached(c):
		p.arrive(c, g)
	case c == p.at:
		p.now = max(p.now, c.now)
	case way > far/2*most && way <= (far/2+1)*most && worth:
		near := c.clone()
		p.near = &near
	}
}

// arrive shows what is at a goal, which has been reached.
func (p *Player) arrive(c *cursor, g goal) {
	p.at, p.now, p.goal, p.moving = c, c.now, nil, nil
	if p.finds != nil {
		p.found = p.finds(c)
	}
	if g.byTime() && !c.atEnd() {
		p.now = max(p.now, g.until)
	}
	p.head = p.now
}

// play lets so much time pass, a batch of events at most, and returns whether it is behind.
func (p *Player) play(passed time.Duration) (behind bool) {
	c, most := p.at, p.index.grain.batch
	if p.speed != FullSpeed {
		p.head += time.Duration(float64(passed) * p.speed)
	}
	n := 0
	for ; n < most && !c.atEnd() && (p.speed == FullSpeed || c.due <= p.head); n++ {
		c.step()
	}
	switch {
	case c.atEnd():
		p.playing = false
		p.now = c.now
		p.head = p.now
		return false
	case n == most:
		p.now = max(p.now, c.now)
		p.head = min(p.head, p.now+time.Duration(float64(mostLag)*p.speed))
		return true
	}
	p.now = p.head
	return false
}
