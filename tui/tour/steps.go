package tour

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Pace is how long a user gets to follow a scenario: to read each step before it runs, and to look
// at its effect after that. The zero value does not wait.
type Pace struct {
	Word  time.Duration // for each word of a step
	Pause time.Duration // after a step
}

// DefaultPace lets most users follow.
var DefaultPace = Pace{Word: 220 * time.Millisecond, Pause: 1200 * time.Millisecond}

// Scale returns the pace with its times multiplied by x.
func (p Pace) Scale(x float64) Pace {
	return Pace{Word: time.Duration(x * float64(p.Word)), Pause: time.Duration(x * float64(p.Pause))}
}

// A Phase is the state of a step.
type Phase int

const (
	Pending Phase = iota // it is shown before it runs
	Running
	Done
)

// A Step is one step of a scenario.
type Step struct {
	Text  string
	Phase Phase
}

// steps has the steps of a scenario so far.
type steps struct {
	skip chan struct{} // a receive ends a wait

	mu   sync.Mutex
	list []Step
}

func (s *steps) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, Step{Text: text})
}

// setPhase sets the phase of the last step, if there is one.
func (s *steps) setPhase(p Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.list); n > 0 {
		s.list[n-1].Phase = p
	}
}

func (s *steps) all() []Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// wait waits for d, or until the wait is skipped or ctx ends.
func (s *steps) wait(ctx context.Context, d time.Duration) (skipped bool) {
	if d <= 0 {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.skip:
		return true
	}
	return false
}

// step ends the last step and shows the next one. It waits so that the user can look at the effect of
// the last one and read the next one; a skip ends both waits.
func (p *player) step(format string, args ...any) {
	if p.err != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	skipped := false
	if len(p.steps.all()) > 0 {
		p.steps.setPhase(Done)
		skipped = p.steps.wait(p.ctx, p.cfg.Pace.Pause)
	}
	p.steps.add(text)
	if !skipped {
		p.steps.wait(p.ctx, time.Duration(len(strings.Fields(text)))*p.cfg.Pace.Word)
	}
	p.steps.setPhase(Running)
	p.checkTime()
}

// endSteps ends the last step and waits.
func (p *player) endSteps() {
	if p.err == nil {
		p.steps.setPhase(Done)
		p.steps.wait(p.ctx, p.cfg.Pace.Pause)
		p.checkTime()
	}
}

func (p *player) checkTime() {
	if p.ctx.Err() != nil {
		p.err = fmt.Errorf("no time is left: %w", context.Cause(p.ctx))
	}
}

// watched returns a time that depends on whether a user watches.
func (p *player) watched(no, yes time.Duration) time.Duration {
	if p.cfg.Pace == (Pace{}) {
		return no
	}
	return yes
}

// delay returns a --delay flag that depends on whether a user watches.
func (p *player) delay(no, yes time.Duration) string {
	return "--delay=" + p.watched(no, yes).String()
}
