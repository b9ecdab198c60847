package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rpcscope/amqprpc"
)

// Bounds of a [Plan].
const (
	// MaxConcurrency is the maximum of outstanding calls.
	MaxConcurrency = 1 << 16
	// MinRate and MaxRate bound the rate of an open model, in calls per second.
	MinRate = 1e-6
	MaxRate = 1e6
)

// Errors of this package. Use errors.Is.
var (
	// ErrInvalidPlan is returned for a [Plan], or a change to it, that makes no sense.
	ErrInvalidPlan = errors.New("invalid load")
	// ErrRan is returned by the second [Load.Run].
	ErrRan = errors.New("load: has been run before")
)

// A Caller makes one call and waits for its outcome, as an *amqprpc.Client does. Call must return soon after ctx has
// ended.
type Caller interface {
	Call(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error)
}

// CallerFunc makes a [Caller] of a function.
type CallerFunc func(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error)

// Call calls f(ctx, req).
func (f CallerFunc) Call(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error) {
	return f(ctx, req)
}

// A Source makes the request of call k, from 0. It must depend on k and rng alone, must not keep rng, and is called
// concurrently. Intended of the request is overwritten.
type Source func(k int64, rng *rand.Rand) amqprpc.Request

// A Plan configures a [Load]. Only Source is required: with the zero values, one call is made after the other until
// the context ends.
type Plan struct {
	// Source makes the requests.
	Source Source
	// Seed determines the random numbers of Source, together with k.
	Seed uint64

	// Rate, in calls per second, makes the load an open model if it is not 0. It is from [MinRate] to [MaxRate].
	Rate float64
	// Concurrency is the number of workers of a closed loop, 0 meaning 1, or the maximum of outstanding calls of an
	// open model, 0 meaning [MaxConcurrency].
	Concurrency int

	// Count, if not 0, ends the run when so many calls have been started.
	Count int64
	// Duration, if not 0, ends the run after this time without pauses. An open model starts the calls that are meant
	// to start before: 1000 per second for 2 s is 2000 calls. See Result.Missed for the others.
	Duration time.Duration
	// Warmup is the time for which the load runs before calls count.
	Warmup time.Duration

	// Check, if set, returns an error if the reply to a completed call is wrong. Wrong answers are counted, and
	// reported to Observer.
	Check func(amqprpc.Request, amqprpc.Reply) error
	// OnResult, if set, is called with each call that has ended, except in the warm-up. It must not keep the Call.
	OnResult func(*Call)
	// Observer, if set, is told of the events that the client's own observer cannot see.
	Observer Observer
}

// An Observer is called by the goroutines of Run and of the calls: it must be safe for concurrent use, as a
// ledger.Ledger and a ledger.Tee are.
type Observer interface {
	// Wrong is called for each wrong answer, also in the warm-up, with the call's correlation ID and the error's text.
	Wrong(at time.Time, id, text string)
	// Reset is called at the end of a warm-up: all its calls have ended and no call that counts has begun.
	Reset(at time.Time)
}

// A Call is a call that has ended.
type Call struct {
	// K is its number, from 0.
	K int64
	// Request is the request. Request.Intended is the time when the call was meant to start.
	Request amqprpc.Request
	// Reply is the answer, if Err is nil.
	Reply amqprpc.Reply
	// Err is the error that the Caller returned.
	Err error
	// Wrong is the error that Plan.Check returned, nil if Err is not.
	Wrong error
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidPlan, fmt.Sprintf(format, args...))
}

// validate returns all errors of the plan.
func (p *Plan) validate() error {
	var errs []error
	if p.Source == nil {
		errs = append(errs, invalid("no Source to make requests"))
	}
	if p.Rate != 0 {
		errs = append(errs, validRate(p.Rate))
	}
	errs = append(errs, validConcurrency(p.Concurrency, 0))
	if p.Count < 0 {
		errs = append(errs, invalid("count %d is negative", p.Count))
	}
	if p.Duration < 0 {
		errs = append(errs, invalid("duration %v is negative", p.Duration))
	}
	if p.Warmup < 0 {
		errs = append(errs, invalid("warm-up %v is negative", p.Warmup))
	}
	return errors.Join(errs...)
}

func validRate(rate float64) error {
	if rate >= MinRate && rate <= MaxRate {
		return nil
	}
	return invalid("rate %v per second is not from %v to %.0f", rate, MinRate, MaxRate)
}

func validConcurrency(n, min int) error {
	if n < min || n > MaxConcurrency {
		return invalid("concurrency %d is not from %d to %d", n, min, MaxConcurrency)
	}
	return nil
}
