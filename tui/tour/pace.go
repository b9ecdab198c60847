package tour

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Pace is the time that a person gets to follow a scenario. Each step is told, then there is time to read
// that, then it is done, and then there is time to look at what has come of it. The zero value is for when
// nobody looks on: no step waits.
type Pace struct {
	Word  time.Duration // for each word of a step
	Pause time.Duration // at what has come of a step
}

// Followed is a pace at which most can follow.
var DefaultPace = Pace{Word: 220 * time.Millisecond, Pause: 1200 * time.Millisecond}

// Times is the same pace with so many times the time.
func (p Pace) Scale(x float64) Pace {
	return Pace{Word: time.Duration(x * float64(p.Word)), Pause: time.Duration(x * float64(p.Pause))}
}

// none reports whether nobody looks on.
func (p Pace) none() bool { return p == Pace{} }

// read is how long it takes to read a text.
func (p Pace) read(text string) time.Duration {
	return time.Duration(len(strings.Fields(text))) * p.Word
}

// A Phase is how far a step has come.
type Phase int

const (
	Pending Phase = iota // it is told, and about to be done
	Running              // it is being done
	Done                 // it is done
)

// A Step is a part of what happens in a scenario.
type Step struct {
	Text  string
	Phase Phase
}

// steps are those of a play that have been told, for whoever looks on.
type steps struct {
	hurry chan struct{} // whoever receives goes on at once

	mu   sync.Mutex
	told []Step
}

func newSteps() *steps { return &steps{hurry: make(chan struct{})} }

func (s *steps) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, Step{Text: text})
}

// reach says how far the last step has come. It reports whether there is one.
func (s *steps) reach(p Phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.told) - 1
	if last >= 0 {
		s.told[last].Phase = p
	}
	return last >= 0
}

func (s *steps) all() []Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// wait lets the time pass, until somebody is in a hurry or ctx ends.
func (s *steps) wait(ctx context.Context, d time.Duration) (hurried bool) {
	if d <= 0 {
		return false
	}
	pass := time.NewTimer(d)
	defer pass.Stop()
	select {
	case <-pass.C:
	case <-ctx.Done():
	case <-s.hurry:
		return true
	}
	return false
}

// step tells what is done next, and gives a person the time to look at what was done before and to read that.
// Whoever is in a hurry skips both.
func (p *play) step(format string, args ...any) {
	if p.err != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	hurried := p.steps.reach(Done) && p.steps.wait(p.ctx, p.pace.Pause)
	p.steps.tell(text)
	if !hurried {
		p.steps.wait(p.ctx, p.pace.read(text))
	}
	p.steps.reach(Running)
	p.inTime()
}

// lastLook gives a person the time to look at what has come of the last step.
func (p *play) lastLook() {
	if p.err == nil {
		p.steps.reach(Done)
		p.steps.wait(p.ctx, p.pace.Pause)
		p.inTime()
	}
}

// inTime is an error where no time is left.
func (p *play) inTime() {
	if p.ctx.Err() != nil {
		p.err = fmt.Errorf("no time is left: %w", context.Cause(p.ctx))
	}
}

// time is one time if nobody looks on, and another if a person does.
func (p *play) time(unseen, seen time.Duration) time.Duration {
	if p.pace.none() {
		return unseen
	}
	return seen
}

// delay is the flag for how long a server works on each request: for so long that a person sees it, if one looks on.
func (p *play) delay(unseen, seen time.Duration) string {
	return "--delay=" + p.time(unseen, seen).String()
}
