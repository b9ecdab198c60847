package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rpcscope/amqprpc"
)

const (
	// maxIdle is how many workers of an open model are kept for the next calls.
	maxIdle = 256

	// A worker of a closed loop waits between firstDelay and lastDelay from the
	// begin of a failed call to the begin of its next one.
	firstDelay = time.Millisecond
	lastDelay  = 100 * time.Millisecond
)

// A worker makes one call at a time.
type worker struct {
	load     *Load
	measured bool // its calls count

	pcg rand.PCG
	rng *rand.Rand

	call    Call
	started bool // call has begun and is not in the counts yet
	fresh   bool // it has not asked for a call yet

	delay time.Duration // after the last call's failure; 0 if it did not fail
	timer *time.Timer
}

// newWorker needs the load's mu.
func newWorker(l *Load) *worker {
	w := &worker{load: l, measured: l.phase == Measuring, fresh: true}
	w.rng = rand.New(&w.pcg)
	return w
}

// run makes calls until there is nothing to do for this worker.
func (w *worker) run() {
	l := w.load
	c := &w.call
	for w.next() {
		intended := c.Request.Intended
		c.Request = l.plan.Source(c.K, w.seed(l.plan.Seed, c.K))
		c.Request.Intended = intended
		c.Reply, c.Err = l.caller.Call(l.ctx, c.Request)
		c.Wrong = nil
		if c.Err == nil && l.plan.Check != nil {
			c.Wrong = l.plan.Check(c.Request, c.Reply)
		}
		if c.Wrong != nil && l.plan.Observer != nil {
			l.plan.Observer.Wrong(time.Now(), c.Reply.CorrelationID, ofCall(c.K, c.Wrong).Error())
		}
		if w.measured && l.plan.OnResult != nil {
			l.plan.OnResult(c)
		}
		if c.Err != nil {
			w.failed()
		} else {
			w.delay = 0
		}
	}
	if w.timer != nil {
		w.timer.Stop()
	}
}

// seed makes the random numbers for call k, which depend on nothing else.
func (w *worker) seed(seed uint64, k int64) *rand.Rand {
	// A PCG whose seeds differ in few bits begins with related numbers: spread k
	// over all bits first (the finalizer of SplitMix64).
	z := uint64(k) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	w.pcg.Seed(seed, z^z>>31)
	return w.rng
}

// next puts the last call into the counts and waits for the next one. It returns
// false when the worker is no longer needed.
func (w *worker) next() bool {
	l := w.load
	canceled := l.ctx.Err() != nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.fresh {
		w.fresh = false
		l.waking--
	}
	w.settle()
	for {
		now := time.Now()
		if canceled {
			l.endSending(now)
		}
		intended, ok := l.ready(now)
		if !l.sending || l.living > l.limit() {
			l.living--
			return false
		}
		if ok {
			w.call.K = l.result.Started
			w.call.Request.Intended = intended
			w.started = true
			l.result.Started++
			l.result.Behind = now.Sub(intended) // 0 in a closed loop
			if l.result.Started == l.last {
				l.endSending(now)
			}
			return true
		}
		if l.open && l.idle >= maxIdle {
			l.living--
			return false
		}
		l.idle++
		l.cond.Wait()
		l.waking--
		canceled = l.ctx.Err() != nil
	}
}

// ready reports whether the next call may start, and when it was meant to. It
// needs mu.
func (l *Load) ready(now time.Time) (intended time.Time, ok bool) {
	switch {
	case !l.sending || l.paused:
		return time.Time{}, false
	case l.open:
		if l.result.Started >= min(l.due, l.last) {
			return time.Time{}, false
		}
		return l.clock.wall(l.sched.start(l.result.Started)), true
	case l.duration > 0 && l.clock.at(now) >= l.duration:
		l.endSending(now)
		return time.Time{}, false
	}
	return now, true
}

// settle puts the worker's last call into the counts. It needs mu.
func (w *worker) settle() {
	if !w.started {
		return
	}
	w.started = false
	r, c := &w.load.result, &w.call
	switch {
	case c.Err != nil:
		r.Failed++
		r.Failures = keep(r.Failures, c.K, c.Err)
	case c.Wrong != nil:
		r.Completed++
		r.Wrong++
		r.Wrongs = keep(r.Wrongs, c.K, c.Wrong)
	default:
		r.Completed++
	}
}

// keep appends the error of call k unless there are enough.
func keep(errs []error, k int64, err error) []error {
	if len(errs) == firstErrors {
		return errs
	}
	return append(errs, ofCall(k, err))
}

// ofCall is the error of call k.
func ofCall(k int64, err error) error { return fmt.Errorf("call %d: %w", k, err) }

// failed deals with a failed call: it puts it into the counts, ends the run if no
// other call can do better, and in a closed loop waits before the next one.
func (w *worker) failed() {
	l, c := w.load, &w.call
	fatal := errors.Is(c.Err, amqprpc.ErrInvalidRequest) || errors.Is(c.Err, amqprpc.ErrClosed)
	_, began := errors.AsType[*amqprpc.CallError](c.Err)
	refused := !began && (fatal || errors.Is(c.Err, amqprpc.ErrTooManyInFlight))
	_, answered := errors.AsType[*amqprpc.RemoteError](c.Err)

	l.mu.Lock()
	w.settle()
	if refused {
		l.result.Refused++
	}
	if fatal {
		l.stop(c.K, c.Err)
	}
	quit := l.quit
	l.mu.Unlock()

	if answered || l.open {
		w.delay = 0
		return
	}
	w.delay = min(max(2*w.delay, firstDelay), lastDelay)
	wait := w.delay - time.Since(c.Request.Intended)
	if wait <= 0 {
		return
	}
	if w.timer == nil {
		w.timer = time.NewTimer(wait)
	} else {
		w.timer.Reset(wait)
	}
	select {
	case <-w.timer.C:
	case <-quit:
	case <-l.ctx.Done():
	}
}
