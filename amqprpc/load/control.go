package load

import (
	"time"
)

// Pause starts no more calls until [Load.Resume], and stops the load's clock: the
// duration does not run out and intended times are put off, so that a pause is no
// latency. Outstanding calls go on. A load can be paused before it runs; pausing
// one that no longer starts calls does nothing.
func (l *Load) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused || l.stopped || l.phase >= Draining {
		return
	}
	l.paused = true
	if l.sending {
		// What has come due since the last look is backlog, and waits.
		l.clock.pause(time.Now())
	}
	l.poke()
}

// Resume ends a pause.
func (l *Load) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.paused {
		return
	}
	l.paused = false
	if l.sending {
		l.clock.resume(time.Now())
	}
	l.rouse()
	l.poke()
}

// Stop ends the load gracefully: no more calls are started, outstanding ones end
// as they would have ended, then Run returns. It does not wait for that. After a
// Stop before Run, Run makes no calls.
func (l *Load) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.paused = false
	l.endSending(time.Now())
}

// SetConcurrency changes the number of workers of a closed loop (1 to
// [MaxConcurrency]) or the greatest number of outstanding calls of an open model
// (0, meaning MaxConcurrency, to MaxConcurrency). More is at once; fewer is when
// calls end. Its error is an [ErrInvalidPlan].
func (l *Load) SetConcurrency(n int) error {
	least := 1
	if l.open {
		least = 0
	}
	if err := validConcurrency(n, least); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.concurrency = n
	if l.living > l.limit() {
		l.rouse() // idle workers go first
	}
	l.staff()
	return nil
}

// SetRate changes the rate of an open model, in calls per second. Calls that are
// due keep their intended times. Its error is an [ErrInvalidPlan]: a closed loop
// has no rate.
func (l *Load) SetRate(rate float64) error {
	if !l.open {
		return invalid("a closed loop has no rate")
	}
	if err := validRate(rate); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = rate
	if l.sending && !l.closing {
		l.sched.setRate(l.clock.at(time.Now()), rate)
		l.poke()
	}
	return nil
}

// Progress returns how far the load is. It is cheap enough to ask many times a
// second.
func (l *Load) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Progress{
		Phase: l.phase, Paused: l.paused,
		Count: l.count, Duration: l.duration,
		Started: l.result.Started, Completed: l.result.Completed, Failed: l.result.Failed,
		Outstanding: l.outstanding(), Wrong: l.result.Wrong,
		Concurrency: l.concurrency, Rate: l.rate,
	}
	switch l.phase {
	case Ready:
		p.Count, p.Duration = l.plan.Count, l.plan.Duration
		return p
	case WarmUp:
		p.Count = 0
	default:
		p.Count = l.plan.Count
	}
	p.Elapsed = l.result.Elapsed
	if l.phase != Done {
		p.Elapsed = l.clock.at(time.Now())
	}
	if l.sending && l.open {
		p.Backlog = max(l.dueAt(p.Elapsed)-p.Started, 0)
	}
	return p
}
