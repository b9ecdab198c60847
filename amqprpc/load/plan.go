package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"rpcscope/amqprpc"
)

// What a [Plan] may ask for.
const (
	// MaxConcurrency is the greatest number of calls outstanding at a time.
	MaxConcurrency = 1 << 16
	// MinRate and MaxRate bound the rate of an open model, in calls per second.
	MinRate = 1e-6
	MaxRate = 1e6
)

// Errors of this package. Use errors.Is.
var (
	// ErrInvalidPlan is returned when a [Plan], or a change to it, makes no sense.
	ErrInvalidPlan = errors.New("invalid load")
	// ErrRan is returned by [Load.Run] when it has been called before.
	ErrRan = errors.New("load: has been run before")
)

// A Caller makes one call and waits for its outcome. An *amqprpc.Client is one.
// Call must return soon after ctx has ended.
type Caller interface {
	Call(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error)
}

// CallerFunc makes a [Caller] of a function.
type CallerFunc func(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error)

// Call calls f(ctx, req).
func (f CallerFunc) Call(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error) {
	return f(ctx, req)
}

// A Source makes the request of call k; the first call has k = 0. It must depend
// on nothing but k and rng, which it must not keep. Many goroutines call it at the
// same time. What it puts into Intended is overwritten.
type Source func(k int64, rng *rand.Rand) amqprpc.Request

// A Plan says what a [Load] does. Only Source is required: the zero value of
// everything else is one call after the other until the context ends.
type Plan struct {
	// Source makes the requests.
	Source Source
	// Seed is what the random numbers given to Source depend on, besides k.
	Seed uint64

	// Rate, in calls per second, makes this an open model when it is not 0. It is
	// from [MinRate] to [MaxRate].
	Rate float64
	// Concurrency is the number of workers of a closed loop; 0 means 1. In the
	// open model it is the greatest number of outstanding calls; 0 means
	// [MaxConcurrency].
	Concurrency int

	// Count ends the run when so many calls have been started; 0 means no such
	// end. Where Duration is set too, the run ends with whichever comes first.
	Count int64
	// Duration ends the run; 0 means no such end. Pauses do not count. An open
	// model starts the calls that are meant to start before it is over, so that
	// 1000 per second for 2 s is 2000 calls; see Result.Missed for those which
	// Concurrency kept from starting.
	Duration time.Duration
	// Warmup is the time for which the same load runs before anything counts.
	Warmup time.Duration

	// Check, where it is set, judges each completed call. Calls whose answer it
	// returns an error for are counted as wrong, and told to Observer.
	Check func(amqprpc.Request, amqprpc.Reply) error
	// OnResult, where it is set, is told of each call that has ended, those of the
	// warm-up left out. The Call belongs to it only until it returns.
	OnResult func(*Call)
	// Observer, if it is set, is told of what the client's own observer cannot know.
	Observer Observer
}

// An Observer is told of a run by the goroutines of Run and of the calls, and without the
// client's lock: it must be safe for concurrent use. A ledger.Ledger and a ledger.Tee are.
type Observer interface {
	// Wrong is called for each answer that Plan.Check finds wrong, those of the warm-up included. id is
	// the call's correlation ID, and text says why.
	Wrong(at time.Time, id, text string)
	// Reset is called when a warm-up is over, also one that was cut short: all its calls have
	// ended and the first that counts has not begun.
	Reset(at time.Time)
}

// A Call is one call that has ended.
type Call struct {
	// K is its number, from 0.
	K int64
	// Request is what was sent; Request.Intended is when it was meant to start.
	Request amqprpc.Request
	// Reply is the answer, where Err is nil.
	Reply amqprpc.Reply
	// Err is what the Caller returned.
	Err error
	// Wrong is what Plan.Check returned; nil where Err is not.
	Wrong error
}

// invalid describes one thing wrong with a plan.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidPlan, fmt.Sprintf(format, args...))
}

// validate returns everything that is wrong with the plan.
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

func validConcurrency(n, least int) error {
	if n < least || n > MaxConcurrency {
		return invalid("concurrency %d is not from %d to %d", n, least, MaxConcurrency)
	}
	return nil
}
