package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/report"
)

// maxInFlight leaves room for a full load, as many calls of bursts, and single calls.
const maxInFlight = 2*load.MaxConcurrency + 1024

// newLoad stops the load and starts another. mu is held.
func (l *Lab) newLoad(rate float64, concurrency int) error {
	next, err := load.New(l.call, load.Plan{
		Source: l.request, Seed: l.cfg.Seed, Rate: rate, Concurrency: concurrency, Check: l.check,
		OnResult: func(c *load.Call) { l.reportFailure(c.Err) },
	})
	if err != nil {
		return err
	}
	if l.state.Paused || l.state.Waiting {
		next.Pause()
	}
	l.loads.Add(1)
	if err := l.startLocked(func() { l.run(next) }); err != nil {
		l.loads.Done()
		return err
	}
	if l.load != nil {
		l.load.Stop() // its calls in flight go on
	}
	l.load = next
	l.state.Rate, l.state.Concurrency = rate, concurrency
	return nil
}

// run is the goroutine of one load.
func (l *Lab) run(ld *load.Load) {
	defer l.loads.Done()
	if _, err := ld.Run(l.ctx); err != nil && l.ctx.Err() == nil {
		l.notes.add(Failure, "the load has ended: "+err.Error(), "")
	}
}

// call makes a call of the load.
func (l *Lab) call(ctx context.Context, req amqprpc.Request) (reply amqprpc.Reply, err error) {
	err = amqprpc.ErrClosed // if it panics, the load ends
	defer l.catch()
	return l.client.Call(ctx, req)
}

// request returns a request of the current workload.
func (l *Lab) request(k int64, rng *rand.Rand) amqprpc.Request {
	req := (*l.workload.Load()).Request(k, rng)
	req.Timeout = time.Duration(l.timeout.Load())
	return req
}

// check reports a wrong answer to the observers.
func (l *Lab) check(req amqprpc.Request, reply amqprpc.Reply) error {
	defer l.catch()
	err := (*l.workload.Load()).Check(req, reply)
	if err != nil {
		l.tee.Wrong(time.Now(), reply.CorrelationID, err.Error())
	}
	return err
}

// reportFailure calls Config.OnFailure, unless the error says no more than the call's outcome.
func (l *Lab) reportFailure(err error) {
	defer l.catch()
	var failed *amqprpc.CallError
	if l.cfg.OnFailure != nil && errors.As(err, &failed) && failed.Err != nil && failed.Outcome != amqprpc.Canceled {
		l.cfg.OnFailure(err)
	}
}

// change calls f with mu held and adds a note of the result.
func (l *Lab) change(success string, f func() error) error {
	l.mu.Lock()
	err := ErrClosed
	if !l.closed {
		err = f()
	}
	l.mu.Unlock()
	return l.noteResult(success, err)
}

// SetFib sets n, or its range such as 20-35, from the next request on. It fails if the lab calls a
// [Service].
func (l *Lab) SetFib(fib string) error {
	f, err := ParseFib(fib)
	if err != nil {
		return l.noteResult("", fmt.Errorf("fib %w", err))
	}
	if l.cfg.Service != nil {
		return l.noteResult("", invalid("the load does not ask for fib"))
	}
	return l.change(fmt.Sprintf("the load asks for fib(%s)", fib), func() error {
		l.setWorkload(f)
		return nil
	})
}

// SetBody sets the template of the bodies, from the next request on. It fails if the lab calls fib.
func (l *Lab) SetBody(template string) error {
	service := l.cfg.Service
	if service == nil {
		return l.noteResult("", invalid("the load asks for fib, its bodies are numbers"))
	}
	body, err := ParseTemplate(template, service.Body.n)
	if err != nil {
		return l.noteResult("", fmt.Errorf("the body: %w", err))
	}
	return l.change("the load sends "+cmp.Or(template, "empty bodies"), func() error {
		next := *service
		next.Body = body
		l.setWorkload(&next)
		return nil
	})
}

// setWorkload sets the workload of the next requests. mu is held, or the lab is not shared yet.
func (l *Lab) setWorkload(w Workload) {
	l.workload.Store(&w)
	var c report.RunConfig
	w.Describe(&c)
	l.state.Fib = c.Fib
	l.state.Body, l.state.Custom = c.Custom()
}

// SetConcurrency makes the load a closed loop with n calls in flight, 1 to [load.MaxConcurrency].
// Calls of an open model before it go on.
func (l *Lab) SetConcurrency(n int) error {
	if err := load.CheckConcurrency(n, 1); err != nil {
		return l.noteResult("", err)
	}
	return l.change(fmt.Sprintf("closed loop: %d in flight", n), func() error {
		if l.state.Rate > 0 {
			return l.newLoad(0, n)
		}
		l.state.Concurrency = n
		return l.load.SetConcurrency(n)
	})
}

// SetRate makes the load an open model, with [load.MinRate] to [load.MaxRate] calls per second.
// Calls of a closed loop before it go on.
func (l *Lab) SetRate(perSecond float64) error {
	if err := load.CheckRate(perSecond); err != nil {
		return l.noteResult("", err)
	}
	return l.change(fmt.Sprintf("open model: %g calls per second", perSecond), func() error {
		if l.state.Rate == 0 {
			return l.newLoad(perSecond, 0)
		}
		l.state.Rate = perSecond
		return l.load.SetRate(perSecond)
	})
}

// SetTimeout sets the timeout of later requests.
func (l *Lab) SetTimeout(d time.Duration) error {
	if err := validTimeout(d); err != nil {
		return l.noteResult("", err)
	}
	return l.change(fmt.Sprintf("timeout %v from the next call on", d), func() error {
		l.timeout.Store(int64(d))
		l.state.Timeout = d
		return nil
	})
}

// Pause pauses the load until [Lab.Resume]. Calls in flight go on.
func (l *Lab) Pause() {
	l.change("the load is paused", func() error { //nolint:errcheck // the note has it
		l.state.Paused, l.state.PausedBy = true, ""
		l.pauseOrResume()
		return nil
	})
}

// Resume ends a pause. A load that waits for a server still waits.
func (l *Lab) Resume() {
	l.change("the load is running again", func() error { //nolint:errcheck // the note has it
		l.state.Paused, l.state.PausedBy = false, ""
		l.pauseOrResume()
		return nil
	})
}

// Begin starts a load that waits for a server.
func (l *Lab) Begin() {
	l.change("the load begins without waiting for a server", func() error { //nolint:errcheck // the note has it
		l.state.Waiting = false
		l.pauseOrResume()
		return nil
	})
}

// pauseOrResume applies the load's state. mu is held.
func (l *Lab) pauseOrResume() {
	if l.state.Paused || l.state.Waiting {
		l.load.Pause()
	} else {
		l.load.Resume()
	}
}
