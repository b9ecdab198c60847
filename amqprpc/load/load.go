package load

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// tick is the minimum time between two looks at the schedule of an open model.
const tick = 100 * time.Microsecond

// A Load runs a [Plan] once. Make one with [New].
type Load struct {
	caller Caller
	plan   Plan
	open   bool // the model

	wake     chan struct{} // wakes Run; buffers one
	workerWG sync.WaitGroup

	ctx context.Context // of Run

	mu sync.Mutex

	// The user's settings.
	concurrency int
	rate        float64
	paused      bool
	stopped     bool

	// The present phase. Workers end with it.
	phase    Phase
	count    int64         // of calls to start, math.MaxInt64 if there is no limit
	duration time.Duration // 0 if there is no limit
	clock    clock
	sending  bool          // calls may be started
	sent     chan struct{} // closed when sending ends
	sched    schedule      // open model
	due      int64         // open model: number of calls that may have been started by now
	last     int64         // sending ends when so many calls have been started
	closing  bool          // open model: the duration is over, last does not change any more

	workers int // workers that have not decided to exit

	result Result // its counts are up to date
	fatal  error  // the error that ended the run early
}

// New returns a load that makes the plan's calls with caller. Its error is an amqprpc.ErrInvalidConfig.
func New(caller Caller, plan Plan) (*Load, error) {
	if err := plan.validate(); err != nil {
		return nil, err
	}
	l := &Load{
		caller: caller, plan: plan, open: plan.Rate > 0, rate: plan.Rate, concurrency: plan.Concurrency,
		wake: make(chan struct{}, 1),
	}
	if !l.open && l.concurrency == 0 {
		l.concurrency = 1
	}
	return l, nil
}

// Run makes the calls and returns when the last of them has returned, see the package documentation. It can be
// called once.
//
// The result is valid whatever the error is: nil after [Load.Stop] or if the plan's count or duration was reached,
// the context's cause if ctx ended first, or the error of a call after which it made no sense to go on.
//
// ctx is also the context of every call. To end a run after some time use Plan.Duration: a deadline of ctx would
// make the last calls time out.
func (l *Load) Run(ctx context.Context) (Result, error) {
	l.ctx = ctx
	inWarmUp := false
	if l.plan.Warmup > 0 {
		l.run(WarmUp, 0, l.plan.Warmup)
		l.mu.Lock()
		inWarmUp = l.fatal != nil || l.stopped || ctx.Err() != nil
		l.mu.Unlock()
		if l.plan.OnWarm != nil {
			l.plan.OnWarm(time.Now())
		}
	}
	l.run(Measuring, l.plan.Count, l.plan.Duration)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = Done
	l.result.InWarmUp = inWarmUp
	switch {
	case l.fatal != nil:
		return l.result, l.fatal
	case ctx.Err() != nil:
		return l.result, context.Cause(ctx)
	}
	return l.result, nil
}

// run runs one phase, from its beginning to the return of its last call.
func (l *Load) run(phase Phase, count int64, duration time.Duration) {
	l.begin(phase, count, duration)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, more := l.step()
		if !more {
			break
		}
		var expired <-chan time.Time
		if wait >= 0 {
			timer.Reset(wait)
			expired = timer.C
		}
		select {
		case <-expired:
		case <-l.wake:
		case <-l.ctx.Done():
		}
	}
	l.workerWG.Wait()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Elapsed = l.clock.at(time.Now())
}

// begin initializes a phase and starts the workers of a closed loop.
func (l *Load) begin(phase Phase, count int64, duration time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.phase, l.count, l.duration = phase, count, duration
	if count == 0 {
		l.count = math.MaxInt64
	}
	l.last, l.due, l.closing = l.count, 0, false
	l.clock = clock{origin: now}
	if l.paused {
		l.clock.pause(now)
	}
	if l.open {
		l.sched.segments = []segment{{rate: l.rate}}
	}
	l.result = Result{}
	l.sending, l.sent = true, make(chan struct{})
	if l.fatal != nil || l.stopped || l.ctx.Err() != nil {
		l.endSending(now)
		l.result.Missed = 0 // the phase did not last long enough for a call
		return
	}
	l.ensureWorkers()
}

// step starts the calls that are due and ends sending if it is time. It returns the time until the next step,
// negative if only l.wake ends the wait, and whether more calls will be started.
func (l *Load) step() (wait time.Duration, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.ctx.Err() != nil {
		l.endSending(now)
	}
	if !l.sending || l.paused {
		return -1, l.sending
	}
	e := l.clock.at(now)
	over := l.duration > 0 && e >= l.duration
	if !l.open {
		switch {
		case over:
			l.endSending(now)
		case l.duration > 0:
			return l.duration - e, true
		}
		return -1, l.sending
	}

	l.due = l.dueAt(e)
	if over && !l.closing {
		// Calls that are due still start, as far as concurrency allows: this step may be late.
		l.closing = true
		free := max(int64(l.maxWorkers())-l.outstanding(), 0)
		l.last = l.result.Started + min(l.due-l.result.Started, free)
	}
	if l.result.Started == l.last {
		l.endSending(now)
		return -1, false
	}
	l.ensureWorkers()
	switch {
	case over, l.due == l.count && l.duration == 0:
		return -1, true
	case l.due == l.count:
		return l.duration - e, true
	}
	wait = max(l.sched.last().offset(l.due)-e, tick)
	if l.duration > 0 {
		wait = min(wait, l.duration-e)
	}
	return wait, true
}

// ensureWorkers starts the workers that are needed. Workers exit if there is no call for them. mu is held.
func (l *Load) ensureWorkers() {
	if !l.sending || l.paused {
		return
	}
	need := int64(l.maxWorkers())
	if l.open {
		// Workers without a call ask for one next.
		need = min(l.due, l.last) - l.result.Started - (int64(l.workers) - l.outstanding())
	}
	for ; need > 0 && l.workers < l.maxWorkers(); need-- {
		l.workers++
		l.workerWG.Go(newWorker(l).run)
	}
}

// wakeRun makes Run take the next step.
func (l *Load) wakeRun() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// endSending ends the part of the phase in which calls are started. mu is held.
func (l *Load) endSending(now time.Time) {
	if !l.sending {
		return
	}
	l.sending = false
	l.clock.resume(now)
	l.result.Sending = l.clock.at(now)
	if l.open {
		l.result.Missed = l.dueAt(l.result.Sending) - l.result.Started
	}
	if l.phase == Measuring {
		l.phase = Draining
		l.paused = false
	}
	close(l.sent)
	l.wakeRun()
}

// fail ends the run because of a call's error. mu is held.
func (l *Load) fail(k int64, err error) {
	// If the context has ended, the client may just have been closed with it.
	if l.fatal == nil && l.ctx.Err() == nil {
		l.fatal = fmt.Errorf("load: call %d: %w", k, err)
	}
	l.endSending(time.Now())
}

// dueAt returns the number of calls of an open model that are due at load time e. mu is held.
func (l *Load) dueAt(e time.Duration) int64 {
	if l.duration > 0 {
		e = min(e, l.duration-1) // a call at the very end is one too many
	}
	return min(l.sched.due(e), l.count)
}

// maxWorkers returns the maximum of workers. mu is held.
func (l *Load) maxWorkers() int {
	if l.open && l.concurrency == 0 {
		return MaxConcurrency
	}
	return l.concurrency
}

// outstanding returns the number of calls that have not ended. mu is held.
func (l *Load) outstanding() int64 {
	return l.result.Started - l.result.Completed - l.result.Failed
}
