package replay

import (
	"context"
	"time"
)

const (
	// turn is the time between two batches of events while the player plays.
	turn = 20 * time.Millisecond
	// maxLag is how far playing may fall behind, in real time. Beyond that it plays slower than asked.
	maxLag = 250 * time.Millisecond
)

// drive is the goroutine that changes the position.
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

// advance works for about a millisecond. It returns the time until there is more to do, or a negative
// one if there is nothing to do before the next control.
func (p *Player) advance(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	passed := min(now.Sub(p.played), maxLag)
	switch {
	case p.seek != nil:
		p.played = now
		if !p.seek.known && !p.findGoal() {
			return turn
		}
		if p.seek != nil {
			p.continueSeek()
		}
		return 0
	case p.playing:
		p.played = now
		if p.play(passed) {
			return 0
		}
		return turn
	}
	return -1
}

// play plays for a period of real time, but no more than a batch of events. It reports whether it is
// behind.
func (p *Player) play(passed time.Duration) (behind bool) {
	c, batch := p.at, p.index.grain.batch
	if p.speed != FullSpeed {
		p.head += time.Duration(float64(passed) * p.speed)
	}
	n := 0
	for ; n < batch && !c.atEnd() && (p.speed == FullSpeed || c.due <= p.head); n++ {
		c.step()
	}
	switch {
	case c.atEnd():
		p.playing = false
		p.now = c.now
		p.head = p.now
		return false
	case n == batch:
		p.now = max(p.now, c.now)
		p.head = min(p.head, p.now+time.Duration(float64(maxLag)*p.speed))
		return true
	}
	p.now = p.head
	return false
}
