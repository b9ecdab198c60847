package load

import "time"

// Pause starts no more calls until [Load.Resume], and stops the load's clock: the duration does not run out and
// intended times are postponed, so a pause does not count as latency. Outstanding calls go on. A load may be paused
// before it runs. Pause has no effect on a load that starts no more calls.
func (l *Load) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused || l.stopped || l.phase >= Draining {
		return
	}
	l.paused = true
	if l.sending {
		l.clock.pause(time.Now())
	}
	l.wakeRun()
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
	l.ensureWorkers()
	l.wakeRun()
}

// Stop ends the load gracefully: no more calls are started, and Run returns when the outstanding ones have ended.
// Stop does not wait for that. After a Stop before Run, Run makes no calls.
func (l *Load) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.paused = false
	l.endSending(time.Now())
}

// SetConcurrency changes the number of workers of a closed loop (1 to [MaxConcurrency]) or the maximum of outstanding
// calls of an open model (0, meaning MaxConcurrency, to MaxConcurrency). A lower number takes effect as calls end.
// Its error is an amqprpc.ErrInvalidConfig.
func (l *Load) SetConcurrency(n int) error {
	min := 1
	if l.open {
		min = 0
	}
	if err := CheckConcurrency(n, min); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.concurrency = n
	l.ensureWorkers()
	return nil
}

// SetRate changes the rate of an open model, in calls per second. Calls that are due keep their intended times. It
// returns an error for a closed loop, too.
func (l *Load) SetRate(rate float64) error {
	if !l.open {
		return Invalidf("a closed loop has no rate")
	}
	if err := CheckRate(rate); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = rate
	if l.sending && !l.closing {
		l.sched.setRate(l.clock.at(time.Now()), rate)
		l.wakeRun()
	}
	return nil
}

// Progress returns the progress of the load. It is cheap.
func (l *Load) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Progress{
		Phase: l.phase, Paused: l.paused,
		Count: l.plan.Count, Duration: l.duration, Elapsed: l.result.Elapsed,
		Started: l.result.Started, Completed: l.result.Completed, Failed: l.result.Failed,
		Outstanding: l.outstanding(), Wrong: l.result.Wrong,
		Concurrency: l.concurrency, Rate: l.rate,
	}
	switch l.phase {
	case Ready:
		p.Duration = l.plan.Duration
		return p
	case WarmUp:
		p.Count = 0
	}
	if l.phase != Done {
		p.Elapsed = l.clock.at(time.Now())
	}
	if l.sending && l.open {
		p.Backlog = max(l.dueAt(p.Elapsed)-p.Started, 0)
	}
	return p
}
