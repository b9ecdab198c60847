package replay

import (
	"math"
	"time"

	"rpcscope/tui/lab"
)

func (p *Player) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Toggle plays or pauses. At the end it plays from the beginning.
func (p *Player) Toggle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.playing {
		p.playing = false
		return
	}
	if p.at.atEnd() && p.seek == nil {
		p.seekBegin()
	}
	p.playing, p.played, p.head = true, time.Now(), p.now
	p.wakeUp()
}

// SetSpeed sets the speed to [FullSpeed], or to the nearest one from [MinSpeed] to [MaxSpeed].
func (p *Player) SetSpeed(speed float64) {
	if speed != FullSpeed {
		speed = min(max(speed, MinSpeed), MaxSpeed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed, p.head = speed, p.now
	p.wakeUp()
}

// Step pauses and moves by a number of events, back if it is negative.
func (p *Player) Step(events int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.playing = false
	to := max(p.eventAfterSeek()+events, 1)
	p.startSeek(seek{words: "an event", goal: afterEvents(to), find: func(x *index, at *cursor) (goal, bool, string) {
		return afterEvents(to), to <= max(x.events, at.events+1) || x.done, ""
	}})
}

// eventAfterSeek returns the number of events before the current position, or before the goal of a seek
// to an event.
func (p *Player) eventAfterSeek() int {
	if p.seek != nil && p.seek.goal.events > 0 {
		return p.seek.goal.events
	}
	return p.at.events
}

// Seek moves by a duration, back if it is negative.
func (p *Player) Seek(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.now
	if p.seek != nil && p.seek.goal.byTime() {
		from = p.seek.goal.until
	}
	if by > 0 {
		by = min(by, math.MaxInt64-from)
	}
	p.seekTime(max(from+by, 0), "a time")
}

// SeekBegin moves to the first event.
func (p *Player) SeekBegin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seekBegin()
}

func (p *Player) seekBegin() {
	p.startSeek(seek{words: "the beginning", find: func(*index, *cursor) (goal, bool, string) { return afterEvents(1), true, "" }})
}

// SeekEnd moves to the last event.
func (p *Player) SeekEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seekTime(math.MaxInt64, "the end")
}

func (p *Player) seekTime(d time.Duration, words string) {
	p.startSeek(seek{words: words, goal: afterTime(d), find: func(x *index, _ *cursor) (goal, bool, string) {
		return afterTime(min(d, x.now)), d <= x.now || x.done, ""
	}})
}

// Next pauses and moves to the next incident of a kind.
func (p *Player) Next(kind lab.Incident) {
	p.seekIncident(kind, "the next "+incidentNames[kind], "no more "+incidentNames[kind], func(x *index, from int) (int, bool) {
		n := x.marks.after(kind, from)
		return n, n > 0 || x.done
	})
}

// Previous pauses and moves to the previous incident of a kind.
func (p *Player) Previous(kind lab.Incident) {
	p.seekIncident(kind, "the previous "+incidentNames[kind], "no earlier "+incidentNames[kind], func(x *index, from int) (int, bool) {
		return x.marks.before(kind, from), from <= x.events
	})
}

func (p *Player) seekIncident(kind lab.Incident, words, none string, find func(x *index, from int) (event int, known bool)) {
	if incidentNames[kind] == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.playing = false
	from := p.eventAfterSeek()
	p.startSeek(seek{words: words, found: foundIncident, find: func(x *index, _ *cursor) (goal, bool, string) {
		event, known := find(x, from)
		if event < 1 {
			return goal{}, known, none
		}
		return afterEvents(event), known, ""
	}})
}

// GoTo pauses and moves to the last event of a correlation ID. While the index is
// being read, that is the last one so far.
func (p *Player) GoTo(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.playing = false
	p.startSeek(seek{
		words: "an ID",
		find: func(x *index, _ *cursor) (goal, bool, string) {
			event := x.ids[id]
			if event == 0 {
				return goal{}, x.done, "no event of that ID in the recording"
			}
			return afterEvents(event), true, ""
		},
		found: func(*cursor) *lab.Found { return &lab.Found{ID: id} },
	})
}
