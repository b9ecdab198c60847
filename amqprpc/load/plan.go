package load

import (
	"context"
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

// A Caller makes one call and waits for its outcome, as the method Call of an amqprpc.Client does. It must return soon
// after ctx has ended.
type Caller func(ctx context.Context, req amqprpc.Request) (amqprpc.Reply, error)

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

	// Check, if set, returns an error if the reply to a completed call is wrong.
	Check func(amqprpc.Request, amqprpc.Reply) error
	// OnResult, if set, is called with each call that has ended, except in the warm-up. It must not keep the Call.
	OnResult func(*Call)
	// OnWarm, if set, is called at the end of a warm-up: all its calls have ended and no call that counts has begun.
	OnWarm func(at time.Time)
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

// An invalidError is an amqprpc.ErrInvalidConfig without a prefix: a screen shows it below the input.
type invalidError string

func (e invalidError) Error() string        { return string(e) }
func (e invalidError) Is(target error) bool { return target == amqprpc.ErrInvalidConfig }

// Invalidf returns an amqprpc.ErrInvalidConfig without a prefix.
func Invalidf(format string, args ...any) error { return invalidError(fmt.Sprintf(format, args...)) }

func (p *Plan) validate() error {
	switch {
	case p.Count < 0:
		return Invalidf("count %d is negative", p.Count)
	case p.Duration < 0:
		return Invalidf("duration %v is negative", p.Duration)
	case p.Warmup < 0:
		return Invalidf("warm-up %v is negative", p.Warmup)
	case p.Rate != 0 && CheckRate(p.Rate) != nil:
		return CheckRate(p.Rate)
	}
	return CheckConcurrency(p.Concurrency, 0)
}

// CheckRate returns an error if a load cannot have this rate.
func CheckRate(rate float64) error {
	if rate >= MinRate && rate <= MaxRate {
		return nil
	}
	return Invalidf("rate %v per second is not from %.6f to %.0f", rate, MinRate, MaxRate)
}

// CheckConcurrency returns an error if n is not from min to [MaxConcurrency].
func CheckConcurrency(n, min int) error {
	if n < min || n > MaxConcurrency {
		return Invalidf("concurrency %d is not from %d to %d", n, min, MaxConcurrency)
	}
	return nil
}
