package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"rpcscope/amqprpc"
)

// A Config configures a [Service]. The zero value is the tutorial's server with a limit.
type Config struct {
	Algorithm Algorithm
	// MaxN is the greatest n that is computed. The default is Algorithm.DefaultMaxN.
	MaxN int
	// Delay is added to every computation, as work that needs no CPU.
	Delay time.Duration
	// Counter, if set, makes the service add n to it instead of computing fib(n).
	Counter *Counter
	// Faults are injected. Seed decides which requests they hit; servers with the same seed
	// misbehave alike.
	Faults Faults
	Seed   int64
	// OnRequest, if set, is called with each request before any work on it, from the handlers'
	// goroutines. The request waits until it returns.
	OnRequest func(Call)
	// Die is called by the crash faults; the default is [Die]. If it returns, the reply is not
	// published (crash-before-reply), or the request is acked after all (crash-before-ack).
	Die func()
}

// A Call describes a request to [Config.OnRequest].
type Call struct {
	Request *amqprpc.Request
	N       int
	// Err is why the request is refused, if it is. N is 0 then.
	Err error

	verb string
}

// String returns "fib(30)", or "add(30)" with a counter. The body stands in place of an n that
// is refused, cut and quoted.
func (c Call) String() string {
	if c.Err != nil {
		return c.verb + "(" + quote(c.Request.Body) + ")"
	}
	return fmt.Sprintf("%s(%d)", c.verb, c.N)
}

// A Service computes Fibonacci numbers for an amqprpc.Server. Create one with [New].
type Service struct {
	config Config

	mu      sync.Mutex
	streams []*rand.Rand // one for each fault; nil without faults
}

// New returns a service. It fails if the algorithm cannot compute MaxN.
func New(c Config) (*Service, error) {
	if limit := c.Algorithm.LimitN(); c.MaxN > limit {
		return nil, fmt.Errorf("max-n %d is too great: the %v algorithm goes to %d", c.MaxN, c.Algorithm, limit)
	}
	if c.MaxN == 0 {
		c.MaxN = c.Algorithm.DefaultMaxN()
	}
	if c.Die == nil {
		c.Die = Die
	}
	s := &Service{config: c}
	if c.Faults != (Faults{}) {
		s.streams = newStreams(c.Seed)
	}
	return s, nil
}

// MaxN returns the greatest n that the service computes.
func (s *Service) MaxN() int { return s.config.MaxN }

// Handle is an amqprpc.Handler. It reads n from the body with [ParseN] and answers with the
// decimal digits of fib(n), or with the sum if there is a Counter. It returns the context's
// error if that ends first.
//
// Faults are injected into invalid requests too, in this order: slow, panic, error. A request
// with early-ack is not computed here.
func (s *Service) Handle(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	n, invalid := ParseN(req.Body, s.config.MaxN)
	if s.config.OnRequest != nil {
		call := Call{Request: req, N: n, Err: invalid, verb: "fib"}
		if s.config.Counter != nil {
			call.verb = "add"
		}
		s.config.OnRequest(call)
	}
	if s.hits(slow) {
		ctx = context.WithoutCancel(ctx)
		time.Sleep(s.config.Faults.SlowFor)
	}
	panics, fails, acksEarly := s.hits(injectedPanic), s.hits(injectedError), s.hits(earlyAck)
	if panics {
		panic("injected panic")
	}
	if fails {
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInternal, "injected error")
	}
	if invalid != nil {
		return amqprpc.Response{}, invalid
	}
	if acksEarly {
		return amqprpc.Response{ContentType: ackedEarly}, nil // the hook acks, works and never replies
	}
	if s.config.Delay > 0 {
		select {
		case <-time.After(s.config.Delay):
		case <-ctx.Done():
			return amqprpc.Response{}, ctx.Err()
		}
	}
	if s.config.Counter != nil {
		sum, err := s.config.Counter.Add(req.CorrelationID, n)
		return amqprpc.Response{Body: strconv.AppendInt(nil, int64(sum), 10), ContentType: "text/plain"}, err
	}
	x, err := s.config.Algorithm.Fib(ctx, n)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return amqprpc.Response{}, err
	}
	return amqprpc.Response{Body: x.Append(nil, 10), ContentType: "text/plain"}, nil
}
