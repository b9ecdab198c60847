package tour

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// QueuePrefix is what the names of all queues of the tour begin with.
const QueuePrefix = "rpcscope.tour."

// A Lab is what a scenario looks at and drives: a [lab.Lab].
type Lab interface {
	Snapshot(lab.Query) lab.Snapshot
	Inspect(id string) (ledger.Story, bool)
	Call() (id string)
	CallWith(body string) (id string)
	Burst(n int) error
	SetTimeout(d time.Duration) error
	Pause()
	Resume()
	SetFault(list string) error
	StartServerWith(ctx context.Context, flags ...string) (name string, err error)
	StopServer(ctx context.Context, name string) error
	UnknownReply(ctx context.Context) (id string, err error)
	DropConnection()
}

// A Config says where the tour takes place.
type Config struct {
	// Broker, StandIn, Backoff and Pool are those of a [lab.Config].
	Broker  amqprpc.ConnConfig
	StandIn string
	Backoff amqprpc.Backoff
	Pool    pool.Config
	// Pace is for a person who looks on; the zero value is for nobody.
	Pace Pace
	// Patience bounds how long one scenario may take; 0 means a minute, and besides a hundred
	// times what the Pace has for a look. Scenarios wait for what must happen, so this matters
	// only where something is broken.
	Timeout time.Duration
	// Between, where it is set, comes between a scenario and its lab: a test that breaks
	// what the scenario goes by returns a lab that does something else.
	Intercept func(Lab) Lab
}

// A Stage is where one scenario is played, once.
type Session struct {
	Scenario *Scenario
	Lab      *lab.Lab

	cfg    Config
	steps  *steps
	folder string                                   // for files of servers; "" for none
	denied *atomic.Pointer[amqprpc.PermissionError] // what a call failed for first
}

// loadOf is the load of a scenario that lets it run: so many calls in flight.
const loadOf = 16

// Open sets the stage for a scenario: a lab on a queue of its own, without servers and with
// its load paused. It blocks until connected; ctx bounds that alone. The error is that of
// [lab.Open].
func Open(ctx context.Context, s *Scenario, cfg Config) (*Session, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute + 100*cfg.Pace.Pause
	}
	stage := &Session{Scenario: s, cfg: cfg, steps: newSteps(), denied: new(atomic.Pointer[amqprpc.PermissionError])}
	var service *lab.Service
	if s.body != "" {
		body, err := lab.ParseTemplate(s.body, nil)
		if err != nil {
			return nil, err
		}
		service = &lab.Service{Body: body, ContentType: "text/plain"}
	}
	var err error
	stage.Lab, err = lab.Open(ctx, lab.Config{
		Broker: cfg.Broker, StandIn: cfg.StandIn, Backoff: cfg.Backoff, Pool: cfg.Pool,
		Queue: QueuePrefix + uuid.NewString()[:8], OwnQueue: true,
		Concurrency: loadOf, Fib: "20", Service: service, Timeout: 30 * time.Second, Seed: 1, ServerSeed: 1, Paused: true,
		OnFailure: func(err error) {
			if why, ok := errors.AsType[*amqprpc.PermissionError](err); ok {
				stage.denied.CompareAndSwap(nil, why)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if s.folder {
		if stage.folder, err = os.MkdirTemp("", "rpcscope-tour-"); err != nil {
			return nil, errors.Join(err, stage.Lab.Close(ctx))
		}
	}
	return stage, nil
}

// Steps returns the steps that have been told, the present one last. It never blocks.
func (s *Session) Steps() []Step { return s.steps.all() }

// Hurry goes on with the next step at once, where only the [Pace] makes it wait. It never blocks.
func (s *Session) SkipWait() {
	select {
	case s.steps.hurry <- struct{}{}:
	default: // it is being done
	}
}

// Play plays the scenario and checks its claim. It blocks until that is done, which takes
// a few seconds and what its Pace takes, or ctx ends, whose cause is then in the result.
func (s *Session) Play(ctx context.Context) (r Result) {
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	p := &play{ctx: within, lab: s.Lab, folder: s.folder, pace: s.cfg.Pace, steps: s.steps, denied: s.denied}
	if s.cfg.Intercept != nil {
		p.lab = s.cfg.Intercept(s.Lab)
	}
	defer func() {
		if v := recover(); v != nil {
			p.err = lab.NewPanicError(v)
		}
		r = Result{Scenario: s.Scenario, Facts: p.facts, Err: p.err, Elapsed: time.Since(began)}
		switch {
		case p.err != nil && ctx.Err() != nil:
			r.Err = context.Cause(ctx)
		case p.err == nil && len(p.facts) == 0:
			r.Err = errNothing
		}
	}()
	s.Scenario.play(p)
	p.lastLook()
	if p.err == nil {
		p.alwaysTrue()
	}
	return r
}

// Close ends what the scenario has begun, by whomever: its servers, its calls, its queue and
// its files. It blocks as [lab.Lab.Close] does.
func (s *Session) Close(ctx context.Context) error {
	err := s.Lab.Close(ctx)
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	if err != nil {
		return fmt.Errorf("scenario %d: %w", s.Scenario.Number, err)
	}
	return nil
}

// closeWait bounds how long a stage may take to close.
const closeWait = 10 * time.Second

// Check plays scenarios, one after the other, each on a stage of its own, and tells of
// each result. It ends early where ctx ends, whose cause it returns then, where a stage
// cannot be opened, or not be closed as it should be, or where the user may not make calls
// (*[amqprpc.PermissionError]). A claim that does not hold is no error.
func Check(ctx context.Context, cfg Config, scenarios []*Scenario, tell func(Result)) error {
	for _, s := range scenarios {
		if err := check(ctx, cfg, s, tell); err != nil {
			return err
		}
	}
	return nil
}

func check(ctx context.Context, cfg Config, s *Scenario, tell func(Result)) (err error) {
	stage, err := Open(ctx, s, cfg)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	}
	result := stage.Play(ctx)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
	defer cancel()
	err = stage.Close(ending) // all calls have been heard of then
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if why := stage.denied.Load(); why != nil {
		result.Facts, result.Err = nil, why                        // it explains all that does not hold
		err = errors.Join(fmt.Errorf("ended early: %w", why), err) // the others would fail alike
	}
	tell(result)
	return err
}
