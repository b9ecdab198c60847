package server

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"rpcscope/amqprpc"
)

// Config configures a [Service]. The zero value is the tutorial's server, with a limit.
type Config struct {
	Algorithm Algorithm
	// MaxN is the greatest n that is computed; 0 means Algorithm.DefaultMaxN.
	MaxN int
	// Delay is added to every computation, as work that needs no CPU.
	Delay time.Duration
	// Counter, if set, is what n is added to, instead of computing fib(n).
	Counter *Counter
	// Faults are injected, and decided by Seed. Any seed is as good as any other, 0
	// included; servers that are to differ need different ones.
	Faults Faults
	Seed   int64
	// OnRequest, where not nil, is told of each request before any work on it. It is
	// called from the handlers' goroutines and holds up the request while it runs.
	OnRequest func(Call)
	// Die is what a crash fault calls; nil means [Die]. A test puts something milder
	// here. Where it returns, the reply is not published (crash-before-reply) or the
	// request is acked after all (crash-before-ack).
	Die func()
}

// A Call is what [Config.OnRequest] is told.
type Call struct {
	Request *amqprpc.Request
	N       int
	// Err says why the request is refused, in which case N is 0.
	Err error
	// Faults names the injected faults that this request was dealt, comma separated.
	Faults string

	verb string // what is asked for; "" is fib
}

// String returns "fib(30)", or what the caller sent instead of a number, shortened and quoted.
func (c Call) String() string {
	verb := cmp.Or(c.verb, "fib")
	if c.Err != nil {
		return verb + "(" + quote(c.Request.Body) + ")"
	}
	return fmt.Sprintf("%s(%d)", verb, c.N)
}

// A Service computes Fibonacci numbers for an amqprpc.Server. Make one with [New].
type Service struct {
	config Config
	dealer *dealer // nil where no faults are injected
	memory memory
}

// New checks the config. It refuses a MaxN below 0 or above what the algorithm can
// do, a negative delay, and faults that are no probabilities.
func New(c Config) (*Service, error) {
	if !c.Algorithm.valid() {
		return nil, fmt.Errorf("no such algorithm: %v", c.Algorithm)
	}
	if limit := c.Algorithm.LimitN(); c.MaxN < 0 {
		return nil, fmt.Errorf("max-n must not be negative, and %d is", c.MaxN)
	} else if c.MaxN > limit && c.Algorithm == Recursive {
		return nil, fmt.Errorf("max-n %d is too great: fib(%d) is the last that the recursive algorithm can hold (use iterative or doubling)", c.MaxN, limit)
	} else if c.MaxN > limit {
		return nil, fmt.Errorf("max-n %d is too great: a reply longer than fib(%d) is more than the 16 MiB that RabbitMQ takes", c.MaxN, limit)
	}
	if c.Delay < 0 {
		return nil, fmt.Errorf("the delay %v is negative", c.Delay)
	}
	if err := c.Faults.validate(); err != nil {
		return nil, err
	}
	if c.MaxN == 0 {
		c.MaxN = c.Algorithm.DefaultMaxN()
	}
	if c.Die == nil {
		c.Die = Die
	}
	s := &Service{config: c}
	if c.Faults != (Faults{}) {
		s.dealer = newDealer(c.Faults, c.Seed)
	}
	return s, nil
}

// MaxN is the greatest n that the service computes.
func (s *Service) MaxN() int { return s.config.MaxN }

// Handle is the amqprpc.Handler: it reads n from the body, as [ParseN] does, and
// answers with the decimal digits of fib(n) as text/plain. It blocks while it computes. With a
// Counter it adds n to that and answers with the sum.
//
// It returns the context's error when the context ends first.
//
// Faults hit invalid requests as well as valid ones. Those that meet in one request
// happen in this order: slow, panic, error. A request with early-ack is not computed here.
func (s *Service) Handle(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	hit := s.deal(req)
	n, invalid := ParseN(req.Body, s.config.MaxN)
	if s.config.OnRequest != nil {
		call := Call{Request: req, N: n, Err: invalid, Faults: hit.String()}
		if s.config.Counter != nil {
			call.verb = "add"
		}
		s.config.OnRequest(call)
	}
	if hit&slow != 0 {
		ctx = context.WithoutCancel(ctx)
		time.Sleep(s.config.Faults.SlowFor)
	}
	if hit&injectedPanic != 0 {
		panic("injected panic")
	}
	if hit&injectedError != 0 {
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInternal, "injected error")
	}
	if invalid != nil {
		return amqprpc.Response{}, invalid
	}
	if hit&earlyAck != 0 {
		return amqprpc.Response{}, nil // the work comes after the ack, and the reply never
	}
	if err := sleep(ctx, s.config.Delay); err != nil {
		return amqprpc.Response{}, err
	}
	if s.config.Counter != nil {
		sum, err := s.config.Counter.Add(req.CorrelationID, n)
		return amqprpc.Response{Body: strconv.AppendInt(nil, int64(sum), 10), ContentType: "text/plain"}, err
	}
	return s.compute(ctx, n)
}

func (s *Service) compute(ctx context.Context, n int) (amqprpc.Response, error) {
	x, err := s.config.Algorithm.Fib(ctx, n)
	if err != nil {
		return amqprpc.Response{}, err
	}
	digits, err := decimal(ctx, x)
	if err != nil {
		return amqprpc.Response{}, err
	}
	return amqprpc.Response{Body: digits, ContentType: "text/plain"}, nil
}

// deal draws the request's faults, once, and keeps those that the hooks must know.
func (s *Service) deal(req *amqprpc.Request) drawn {
	if s.dealer == nil {
		return 0
	}
	hit := s.dealer.next()
	if hit&forHooks != 0 {
		s.memory.put(req, hit)
	}
	return hit
}

// sleep waits for d or for the context's end, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
