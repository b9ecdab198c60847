package tour

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// At a pace of 1 most users can follow.
const (
	timePerWord = 220 * time.Millisecond  // of a step, to read it before it runs
	pause       = 1200 * time.Millisecond // after a step, to look at its effect
)

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
		skipped = p.steps.wait(p.ctx, p.paced(pause))
	}
	p.steps.add(text)
	if !skipped {
		p.steps.wait(p.ctx, p.paced(time.Duration(len(strings.Fields(text)))*timePerWord))
	}
	p.steps.setPhase(Running)
	p.checkTime()
}

func (s *Session) paced(d time.Duration) time.Duration {
	return time.Duration(s.cfg.Pace * float64(d))
}

// endSteps ends the last step and waits.
func (p *player) endSteps() {
	if p.err == nil {
		p.steps.setPhase(Done)
		p.steps.wait(p.ctx, p.paced(pause))
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
	if p.cfg.Pace == 0 {
		return no
	}
	return yes
}

// delay returns a --delay flag that depends on whether a user watches.
func (p *player) delay(no, yes time.Duration) string {
	return "--delay=" + p.watched(no, yes).String()
}
