package replay

import (
	"math"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A wish is where somebody wants to go.
type wish struct {
	words string // what is being looked for
	goal  goalOf
	// found says what has been found there; nil if that is a place and nothing else.
	found func(*cursor) *lab.Found
	// What later wishes add to: where it leads, as far as that is known.
	events int
	until  time.Duration
}

// A goalOf finds the goal of a wish in an index. Known is false where the index does not go
// so far yet; why, where it is set, is why there is none.
type goalOf func(x *index, at *cursor) (g goal, known bool, why string)

// wants replaces what was wished for before. Mu is held.
func (p *Player) wants(w wish) {
	p.wish, p.goal, p.moving, p.found = &w, nil, nil, nil
	p.resolve() // now, where it can be: what is wished for next may depend on it
	p.wakeUp()
}

func (p *Player) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Toggle plays, or stops playing. At the end it plays from the beginning.
func (p *Player) Toggle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.playing {
		p.playing = false
		return
	}
	if p.at.atEnd() && p.wish == nil && p.goal == nil {
		p.toBegin()
	}
	p.playing, p.played, p.head = true, time.Now(), p.now
	p.wakeUp()
}

// SetSpeed sets the speed, from [MinSpeed] to [MaxSpeed], or [FullSpeed]. What is beyond is
// taken for the nearest of them.
func (p *Player) SetSpeed(speed float64) {
	if speed != FullSpeed {
		speed = min(max(speed, MinSpeed), MaxSpeed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed, p.head = speed, p.now
	p.wakeUp()
}

// Step goes so many events on, or back where it is below zero, and pauses.
func (p *Player) Step(events int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.at.events
	switch {
	case p.goal != nil && !p.goal.byTime():
		from = p.goal.events
	case p.wish != nil && p.wish.events > 0:
		from = p.wish.events
	}
	p.playing = false
	to := max(from+events, 1)
	p.wants(wish{words: "an event", events: to, goal: func(x *index, at *cursor) (goal, bool, string) {
		return afterEvents(to), to <= max(x.events, at.events+1) || x.done, ""
	}})
}

// Seek goes by so much time, back where it is below zero.
func (p *Player) Seek(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.now
	switch {
	case p.goal != nil && p.goal.byTime():
		from = p.goal.until
	case p.wish != nil && p.wish.until > 0:
		from = p.wish.until
	}
	if by > 0 && from > math.MaxInt64-by {
		by = math.MaxInt64 - from
	}
	p.toTime(max(from+by, 0), "a time")
}

// SeekBegin goes to the first event, SeekEnd to the last one.
func (p *Player) SeekBegin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toBegin()
}

func (p *Player) toBegin() {
	p.wants(wish{words: "the beginning", goal: func(*index, *cursor) (goal, bool, string) { return afterEvents(1), true, "" }})
}

// SeekEnd goes to the last event.
func (p *Player) SeekEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toTime(math.MaxInt64, "the end")
}

// toTime goes to a time. Mu is held.
func (p *Player) toTime(d time.Duration, words string) {
	p.wants(wish{words: words, until: d, goal: func(x *index, _ *cursor) (goal, bool, string) {
		return afterTime(min(d, x.now)), d <= x.now || x.done, ""
	}})
}

// names of the incidents, for people.
var names = map[lab.Incident]string{
	lab.DuplicateReply: "duplicate", lab.OrphanedReply: "orphan", lab.FailedCall: "failure",
}

// Next goes to where the next incident of that kind has just happened, and pauses.
func (p *Player) Next(kind lab.Incident) {
	p.toIncident(kind, "the next "+names[kind], func(x *index, n int) (int, bool) {
		found := x.marks.of(kind).after(n)
		return found, found > 0 || x.done
	}, "no further "+names[kind])
}

// Previous goes to where the last one before has just happened, and pauses.
func (p *Player) Previous(kind lab.Incident) {
	p.toIncident(kind, "the "+names[kind]+" before", func(x *index, n int) (int, bool) {
		return x.marks.of(kind).before(n), n <= x.events
	}, "no "+names[kind]+" before")
}

func (p *Player) toIncident(kind lab.Incident, words string, find func(x *index, from int) (int, bool), none string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if names[kind] == "" {
		return
	}
	p.playing = false
	from := p.at.events
	if p.goal != nil && !p.goal.byTime() { // on the way to another one
		from = p.goal.events
	}
	p.wants(wish{words: words, found: incidentAt, goal: func(x *index, _ *cursor) (goal, bool, string) {
		found, known := find(x, from)
		if found < 1 {
			return goal{}, known, none
		}
		return afterEvents(found), known, ""
	}})
}

// incidentAt is the incident that has just happened.
func incidentAt(c *cursor) *lab.Found {
	found := &lab.Found{ID: c.last.id}
	if c.last.kind != amqprpc.EventReply || c.last.class == amqprpc.Answer {
		return found
	}
	newest := c.books.Snapshot(ledger.Query{Duplicates: 1, Orphans: 1})
	rows := newest.Orphans
	if c.last.class == amqprpc.Duplicate {
		rows = newest.Duplicates
	}
	if len(rows) > 0 {
		found.Seq = rows[0].Seq
	}
	return found
}

// GoTo goes to the last event that tells what became of a correlation ID, and pauses. As long
// as the recording has not been read to its end, that is the last one so far.
func (p *Player) GoTo(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.playing = false
	p.wants(wish{
		words: "an ID",
		goal: func(x *index, _ *cursor) (goal, bool, string) {
			event := x.ids.last(id)
			if event == 0 {
				return goal{}, x.done, "no event of that ID in the recording"
			}
			return afterEvents(event), true, ""
		},
		found: func(*cursor) *lab.Found { return &lab.Found{ID: id} },
	})
}
