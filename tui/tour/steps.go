package tour

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

func (s *Session) addStep(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, Step{Text: text})
}

// setPhase sets the phase of the last step, if there is one.
func (s *Session) setPhase(p Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.steps); n > 0 {
		s.steps[n-1].Phase = p
	}
}

// Steps returns the steps so far, the current one last. It never blocks.
func (s *Session) Steps() []Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.steps)
}

// wait waits for d at a pace of 1, or until the wait is skipped or ctx ends.
func (s *Session) wait(ctx context.Context, d time.Duration) (skipped bool) {
	if s.cfg.Pace == 0 {
		return false
	}
	select {
	case <-time.After(s.paced(d)):
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
	if len(p.Steps()) > 0 {
		p.setPhase(Done)
		skipped = p.wait(p.ctx, pause)
	}
	p.addStep(text)
	if !skipped {
		p.wait(p.ctx, time.Duration(len(strings.Fields(text)))*timePerWord)
	}
	p.setPhase(Running)
	p.checkTime()
}

func (s *Session) paced(d time.Duration) time.Duration {
	return time.Duration(s.cfg.Pace * float64(d))
}

// endSteps ends the last step and waits.
func (p *player) endSteps() {
	if p.err == nil {
		p.setPhase(Done)
		p.wait(p.ctx, pause)
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
