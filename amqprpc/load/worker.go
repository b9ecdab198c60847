package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rpcscope/amqprpc"
)

const (
	// minDelay and maxDelay bound the time from the start of a failed call to the start of the next one, for a
	// worker of a closed loop.
	minDelay = time.Millisecond
	maxDelay = 100 * time.Millisecond
)

// A worker makes one call at a time.
type worker struct {
	load     *Load
	measured bool // its calls count

	pcg rand.PCG
	rng *rand.Rand

	call    Call
	started bool // call has started and is not counted yet

	delay time.Duration // after a failed call
}

// newWorker returns a worker. mu of the load is held.
func newWorker(l *Load) *worker {
	w := &worker{load: l, measured: l.phase == Measuring}
	w.rng = rand.New(&w.pcg)
	return w
}

// run makes calls until the worker is not needed any more.
func (w *worker) run() {
	l := w.load
	c := &w.call
	for w.next() {
		intended := c.Request.Intended
		c.Request = l.plan.Source(c.K, w.seed(l.plan.Seed, c.K))
		c.Request.Intended = intended
		c.Reply, c.Err = l.caller(l.ctx, c.Request)
		c.Wrong = nil
		if c.Err == nil && l.plan.Check != nil {
			c.Wrong = l.plan.Check(c.Request, c.Reply)
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
}

// seed returns the random numbers of call k.
func (w *worker) seed(seed uint64, k int64) *rand.Rand {
	// The first numbers of a PCG are related if its seeds differ in few bits, so k is spread over all bits by the
	// finalizer of SplitMix64.
	z := uint64(k) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	w.pcg.Seed(seed, z^z>>31)
	return w.rng
}

// next counts the last call and begins the next one. It returns false if there is none for this worker.
func (w *worker) next() bool {
	l := w.load
	canceled := l.ctx.Err() != nil
	l.mu.Lock()
	defer l.mu.Unlock()
	w.countCall()
	now := time.Now()
	if canceled {
		l.endSending(now)
	}
	intended, ok := l.ready(now)
	if !ok || l.workers > l.maxWorkers() {
		l.workers--
		return false
	}
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

// ready reports whether the next call may start, and when it was meant to. mu is held.
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

// countCall adds the worker's last call to the result. mu is held.
func (w *worker) countCall() {
	if !w.started {
		return
	}
	w.started = false
	r, c := &w.load.result, &w.call
	if c.Err != nil {
		r.Failed++
		return
	}
	r.Completed++
	if c.Wrong != nil {
		r.Wrong++
		if len(r.Wrongs) < maxWrongs {
			r.Wrongs = append(r.Wrongs, fmt.Errorf("call %d: %w", c.K, c.Wrong))
		}
	}
}

// failed counts a failed call, ends the run if every other call would fail alike, and delays the next call of a
// closed loop.
func (w *worker) failed() {
	l, c := w.load, &w.call
	fatal := errors.Is(c.Err, amqprpc.ErrInvalidRequest) || errors.Is(c.Err, amqprpc.ErrClosed)
	_, answered := errors.AsType[*amqprpc.RemoteError](c.Err)

	l.mu.Lock()
	w.countCall()
	if fatal {
		l.fail(c.K, c.Err)
	}
	sent := l.sent
	l.mu.Unlock()

	if answered || l.open {
		w.delay = 0
		return
	}
	w.delay = min(max(2*w.delay, minDelay), maxDelay)
	select {
	case <-time.After(w.delay - time.Since(c.Request.Intended)):
	case <-sent:
	case <-l.ctx.Done():
	}
}
