package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// tick is the least time between two looks at the schedule of an open model.
const tick = 100 * time.Microsecond

// A Load runs a [Plan], once. Make one with [New].
type Load struct {
	caller Caller
	plan   Plan
	open   bool // which model; never changes

	wake    chan struct{} // has Run look again; buffers one
	workers sync.WaitGroup

	mu   sync.Mutex
	cond sync.Cond // idle workers wait here
	ctx  context.Context

	// What the user asked for.
	concurrency int
	rate        float64
	paused      bool
	stopped     bool

	// The present phase. Workers never outlive it.
	phase    Phase
	count    int64         // calls to start; math.MaxInt64 if that is not the end
	duration time.Duration // 0 where that is not the end
	clock    clock
	sending  bool          // calls may be started
	quit     chan struct{} // closed when sending ends
	sched    schedule      // open model
	due      int64         // open model: how many calls may have been started by now
	last     int64         // sending ends when so many have been started
	closing  bool          // open model: the duration is over, last is final

	living int // workers that have not decided to exit
	idle   int // of those, the ones that wait on cond
	waking int // of those, the ones that are on their way to take a call

	result Result // the counts are always up to date
	fatal  error  // what ended the run before its time
}

// New returns a load that makes the plan's calls by way of caller. Its error lists
// everything that is wrong with the plan; it is an [ErrInvalidPlan].
func New(caller Caller, plan Plan) (*Load, error) {
	err := plan.validate()
	if caller == nil {
		err = errors.Join(invalid("no Caller to make calls"), err)
	}
	if err != nil {
		return nil, err
	}
	l := &Load{caller: caller, plan: plan, open: plan.Rate > 0, rate: plan.Rate, concurrency: plan.Concurrency}
	if !l.open && l.concurrency == 0 {
		l.concurrency = 1
	}
	l.wake = make(chan struct{}, 1)
	l.cond.L = &l.mu
	return l, nil
}

// Run makes the calls and returns when the last of them has returned; see the
// package documentation for when that is. It can be called once.
//
// The result is valid whatever the error, which is nil after [Load.Stop] and when
// the plan's count or duration was reached; the context's cause when ctx ended
// first; the error of a call after which it made no sense to go on; [ErrRan].
//
// ctx is also the context of every call: to end a run after some time use
// Plan.Duration, for a deadline of ctx would make the last calls time out.
func (l *Load) Run(ctx context.Context) (Result, error) {
	l.mu.Lock()
	if l.ctx != nil {
		l.mu.Unlock()
		return Result{}, ErrRan
	}
	l.ctx = ctx
	l.mu.Unlock()

	inWarmUp := false
	if l.plan.Warmup > 0 {
		l.run(WarmUp, 0, l.plan.Warmup)
		l.mu.Lock()
		inWarmUp = l.fatal != nil || l.stopped || ctx.Err() != nil
		l.mu.Unlock()
		if l.plan.Observer != nil {
			l.plan.Observer.Reset(time.Now())
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

// run runs one phase, from its begin to the return of its last call.
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
	l.workers.Wait()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Elapsed = l.clock.at(time.Now())
}

// begin makes everything ready for a phase and sets a closed loop's workers going.
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
		l.sched = newSchedule(l.rate)
	}
	l.result = Result{}
	l.sending, l.quit = true, make(chan struct{})
	if l.fatal != nil || l.stopped || l.ctx.Err() != nil {
		l.endSending(now)
		l.result.Missed = 0 // the first call had not come due: there was no time
		return
	}
	l.staff()
}

// step does what is to be done now. It returns how long that will do, unless
// something wakes it (negative: until then), and whether more calls will be
// started.
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
		// What is due and finds a place is started, even though this look at the
		// schedule comes a little late; nothing else is.
		l.closing = true
		places := max(int64(l.limit())-l.outstanding(), 0)
		l.last = l.result.Started + min(l.due-l.result.Started, places)
	}
	if l.result.Started == l.last {
		l.endSending(now)
		return -1, false
	}
	l.staff()
	switch {
	case over:
		return -1, true
	case l.due == l.count && l.duration == 0:
		return -1, true
	case l.due == l.count:
		return l.duration - e, true
	}
	wait = max(l.sched.next(l.due)-e, tick)
	if l.duration > 0 {
		wait = min(wait, l.duration-e)
	}
	return wait, true
}

// staff sees to it that there are workers for what is to be done. It needs mu.
func (l *Load) staff() {
	if !l.sending {
		return
	}
	if !l.open {
		for l.living < l.limit() {
			l.hire()
		}
		return
	}
	need := min(l.due, l.last) - l.result.Started - int64(l.waking)
	for ; need > 0 && l.idle > 0; need-- {
		l.idle--
		l.waking++
		l.cond.Signal()
	}
	for ; need > 0 && l.living < l.limit(); need-- {
		l.hire()
	}
}

// hire starts a worker. It needs mu.
func (l *Load) hire() {
	l.living++
	l.waking++
	w := newWorker(l)
	l.workers.Go(w.run)
}

// rouse has all idle workers look again. It needs mu.
func (l *Load) rouse() {
	l.waking += l.idle
	l.idle = 0
	l.cond.Broadcast()
}

// endSending ends the part of the phase in which calls are started. It needs mu.
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
	close(l.quit)
	l.rouse()
	l.poke()
}

// dueAt returns how many calls of an open model are meant to have been started at
// load time e. It needs mu.
func (l *Load) dueAt(e time.Duration) int64 {
	if l.duration > 0 {
		e = min(e, l.duration-1) // a call at the very end is one too many
	}
	return min(l.sched.due(e), l.count)
}

// limit is the greatest number of workers. It needs mu.
func (l *Load) limit() int {
	if l.open && l.concurrency == 0 {
		return MaxConcurrency
	}
	return l.concurrency
}

// outstanding is the number of calls that have not ended. It needs mu.
func (l *Load) outstanding() int64 {
	return l.result.Started - l.result.Completed - l.result.Failed
}

// poke has Run look again.
func (l *Load) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// stop ends the run because of a call's error. It needs mu.
func (l *Load) stop(k int64, err error) {
	// Whoever ends the context may well close the client next: that is no news.
	if l.fatal == nil && l.ctx.Err() == nil {
		l.fatal = fmt.Errorf("load: call %d: %w", k, err)
	}
	l.endSending(time.Now())
}
