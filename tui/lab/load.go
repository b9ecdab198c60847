package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/report"
)

// mostInFlight leaves room for a full load, as many calls of bursts, and some by hand.
const mostInFlight = 2*load.MaxConcurrency + 1024

// newLoad stops the load and begins another. mu is held.
func (l *Lab) newLoad(rate float64, concurrency int) error {
	next, err := load.New(load.CallerFunc(l.call), load.Plan{
		Source: l.request, Seed: l.cfg.Seed, Rate: rate, Concurrency: concurrency, Check: l.check,
		OnResult: func(c *load.Call) { l.failed(c.Err) },
	})
	if err != nil {
		return err
	}
	if l.state.Paused || l.state.Waiting {
		next.Pause()
	}
	if err := l.startLocked(func() { l.run(next) }); err != nil {
		return err
	}
	if l.load != nil {
		l.load.Stop() // its calls in flight end by themselves
	}
	l.load = next
	l.loads = append(l.loads, next)
	l.state.Rate, l.state.Concurrency = rate, concurrency
	return nil
}

// run is the goroutine of one load.
func (l *Lab) run(one *load.Load) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.loads = slices.DeleteFunc(l.loads, func(o *load.Load) bool { return o == one })
		if l.closed && len(l.loads) == 0 {
			close(l.drained)
		}
	}()
	if _, err := one.Run(l.ctx); err != nil && l.ctx.Err() == nil {
		l.notes.add(Failure, "the load has ended: "+err.Error(), "")
	}
}

// call makes a call of the load.
func (l *Lab) call(ctx context.Context, req amqprpc.Request) (reply amqprpc.Reply, err error) {
	err = amqprpc.ErrClosed // where it panics: the load need not go on
	defer l.catch()
	return l.client.Call(ctx, req)
}

// request makes a request as the load's state says at present.
func (l *Lab) request(k int64, rng *rand.Rand) amqprpc.Request {
	req := (*l.work.Load()).Request(k, rng)
	req.Timeout = time.Duration(l.timeout.Load())
	return req
}

// check tells the books, and whoever else is told of events, of answers that are not right.
func (l *Lab) check(req amqprpc.Request, reply amqprpc.Reply) error {
	defer l.catch()
	err := (*l.work.Load()).Check(req, reply)
	if err != nil {
		l.all.Wrong(time.Now(), reply.CorrelationID, err.Error())
	}
	return err
}

// failed passes on what a failed call says.
func (l *Lab) failed(err error) {
	defer l.catch()
	if l.cfg.OnFailure != nil && HasDetail(err) {
		l.cfg.OnFailure(err)
	}
}

// SaysMore reports whether the error of a call has more to say than its outcome, which
// is counted anyway.
func HasDetail(err error) bool {
	var failed *amqprpc.CallError
	return errors.As(err, &failed) && failed.Err != nil && failed.Outcome != amqprpc.Canceled
}

// change changes what the load does, with mu held, and leaves a note of it.
func (l *Lab) change(done string, f func() error) error {
	l.mu.Lock()
	err := ErrClosed
	if !l.closed {
		err = f()
	}
	l.mu.Unlock()
	return l.note(done, err)
}

// SetFib changes what is asked for, from the next request on: a number, or a range such
// as 20-35. It is an error where a [Service] is asked.
func (l *Lab) SetFib(fib string) error {
	f, err := ParseFib(fib)
	if err != nil {
		return l.note("", prefixed("fib ", err))
	}
	if l.cfg.Service != nil {
		return l.note("", invalid("the load does not ask for fib"))
	}
	return l.change(fmt.Sprintf("the load asks for fib(%s)", fib), func() error {
		l.ask(f)
		return nil
	})
}

// SetBody changes the template of requests' bodies, from the next request on. It is an
// error where there is no [Service] to send them to.
func (l *Lab) SetBody(template string) error {
	service := l.cfg.Service
	if service == nil {
		return l.note("", invalid("the load asks for fib, its bodies are numbers"))
	}
	body, err := ParseTemplate(template, service.Body.n)
	if err != nil {
		return l.note("", prefixed("the body: ", err))
	}
	done := "the load sends " + template
	if template == "" {
		done = "the load sends empty bodies"
	}
	return l.change(done, func() error {
		l.ask(service.with(body))
		return nil
	})
}

// ask has requests ask for that from now on. mu is held.
func (l *Lab) ask(w Workload) {
	l.work.Store(&w)
	var c report.RunConfig
	w.Describe(&c)
	l.state.Fib = c.Fib
	l.state.Body, l.state.Custom = c.Custom()
}

// SetConcurrency makes the load a closed loop of n calls in flight, 1 to
// [load.MaxConcurrency]. An open model before it drains by itself.
func (l *Lab) SetConcurrency(n int) error {
	if err := validConcurrency(n, 1); err != nil {
		return l.note("", err)
	}
	return l.change(fmt.Sprintf("closed loop: %d in flight", n), func() error {
		if l.state.Rate > 0 {
			return l.newLoad(0, n)
		}
		l.state.Concurrency = n
		return l.load.SetConcurrency(n)
	})
}

// SetRate makes the load an open model of so many calls per second, [load.MinRate] to
// [load.MaxRate]. A closed loop before it drains by itself.
func (l *Lab) SetRate(perSecond float64) error {
	if err := validRate(perSecond); err != nil {
		return l.note("", err)
	}
	return l.change(fmt.Sprintf("open model: %g calls per second", perSecond), func() error {
		if l.state.Rate == 0 {
			return l.newLoad(perSecond, 0)
		}
		l.state.Rate = perSecond
		return l.load.SetRate(perSecond)
	})
}

// SetTimeout changes the timeout of later requests.
func (l *Lab) SetTimeout(d time.Duration) error {
	if err := validTimeout(d); err != nil {
		return l.note("", err)
	}
	return l.change(fmt.Sprintf("timeout %v from the next call on", d), func() error {
		l.timeout.Store(int64(d))
		l.state.Timeout = d
		return nil
	})
}

// Pause starts no more calls of the load until [Lab.Resume]. Those in flight go on.
func (l *Lab) Pause() {
	l.change("the load is paused", func() error { //nolint:errcheck // it is in the note
		l.state.Paused, l.state.PausedBy = true, ""
		l.hold()
		return nil
	})
}

// Resume ends a pause. A load that waits for a server goes on waiting.
func (l *Lab) Resume() {
	l.change("the load goes on", func() error { //nolint:errcheck // it is in the note
		l.state.Paused, l.state.PausedBy = false, ""
		l.hold()
		return nil
	})
}

// Begin begins a load that waits for a server, without one.
func (l *Lab) Begin() {
	l.change("the load begins without waiting for a server", func() error { //nolint:errcheck // it is in the note
		l.state.Waiting = false
		l.hold()
		return nil
	})
}

// hold has the load run if nothing is against it. mu is held.
func (l *Lab) hold() {
	if l.state.Paused || l.state.Waiting {
		l.load.Pause()
	} else {
		l.load.Resume()
	}
}
