package tour

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// QueuePrefix begins the names of all queues of the tour.
const QueuePrefix = "rpcscope.tour."

// A Lab is the part of [lab.Lab] that scenarios use.
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
	StartServer(ctx context.Context, flags ...string) (name string, err error)
	StopServer(ctx context.Context, name string) error
	UnknownReply(ctx context.Context) (id string, err error)
	DropConnection()
}

// A Config configures the sessions of a tour.
type Config struct {
	// Broker, StandIn, Backoff and Pool are those of a [lab.Config].
	Broker  amqprpc.ConnConfig
	StandIn string
	Backoff amqprpc.Backoff
	Pool    pool.Config
	// Pace is the time that a user who watches gets for each step, 1 for the usual time; 0 does not wait.
	Pace float64
	// Intercept, if set, returns the lab that a scenario uses in place of its own, for tests.
	Intercept func(Lab) Lab
}

// A Session is a lab in which one scenario is played once.
type Session struct {
	Scenario *Scenario
	Lab      *lab.Lab

	cfg    Config
	skip   chan struct{}                           // a receive ends a wait
	folder string                                  // for files of servers, or ""
	denied atomic.Pointer[amqprpc.PermissionError] // of the first call that failed for it

	mu    sync.Mutex
	steps []Step
}

// loadConcurrency is the calls in flight of a scenario's load.
const loadConcurrency = 16

// Open opens a lab for a scenario, with its own queue, no servers and a paused load. It blocks until
// connected; ctx bounds only that. The error is that of [lab.Open].
func Open(ctx context.Context, s *Scenario, cfg Config) (*Session, error) {
	session := &Session{Scenario: s, cfg: cfg, skip: make(chan struct{})}
	var service *lab.Service
	if s.body != "" {
		body, err := lab.ParseTemplate(s.body, nil)
		if err != nil {
			return nil, err
		}
		service = &lab.Service{Body: body, ContentType: "text/plain"}
	}
	var err error
	session.Lab, err = lab.Open(ctx, lab.Config{
		Broker: cfg.Broker, StandIn: cfg.StandIn, Backoff: cfg.Backoff, Pool: cfg.Pool,
		Queue: QueuePrefix + uuid.NewString()[:8], OwnQueue: true,
		Concurrency: loadConcurrency, Fib: "20", Service: service, Timeout: 30 * time.Second, Seed: 1, ServerSeed: 1, Paused: true,
		OnFailure: func(err error) {
			if denied, ok := errors.AsType[*amqprpc.PermissionError](err); ok {
				session.denied.CompareAndSwap(nil, denied)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if s.folder {
		if session.folder, err = os.MkdirTemp("", "rpcscope-tour-"); err != nil {
			return nil, errors.Join(err, session.Lab.Close(ctx))
		}
	}
	return session, nil
}

// SkipWait ends a wait. It never blocks.
func (s *Session) SkipWait() {
	select {
	case s.skip <- struct{}{}:
	default: // the step runs
	}
}

// Play plays the scenario and checks its claim. It blocks for a few seconds and the waits for
// the user, or until ctx ends; the result has its cause then.
func (s *Session) Play(ctx context.Context) (r Result) {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, time.Minute+s.paced(100*pause))
	defer cancel()
	p := &player{Session: s, ctx: bounded, lab: s.Lab}
	if s.cfg.Intercept != nil {
		p.lab = s.cfg.Intercept(s.Lab)
	}
	defer func() {
		if v := recover(); v != nil {
			p.err = lab.NewPanicError(v)
		}
		r = Result{Scenario: s.Scenario, Facts: p.facts, Err: p.err, Elapsed: time.Since(began)}
		if p.err != nil && ctx.Err() != nil {
			r.Err = context.Cause(ctx)
		}
	}()
	s.Scenario.play(p)
	p.endSteps()
	if p.err == nil {
		p.checkInvariants()
	}
	return r
}

// Close closes the lab and deletes the scenario's queue and files. It blocks as [lab.Lab.Close] does.
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

// closeTimeout bounds the close of a session.
const closeTimeout = 10 * time.Second

// Check plays scenarios in turn, each in a session of its own, and calls report with each result. It
// ends early with an error if ctx ends, if a session cannot be opened or closed, or if the user may
// not make calls (*[amqprpc.PermissionError]). A claim that does not hold is no error.
func Check(ctx context.Context, cfg Config, scenarios []*Scenario, report func(Result)) error {
	for _, s := range scenarios {
		if err := check(ctx, cfg, s, report); err != nil {
			return err
		}
	}
	return nil
}

func check(ctx context.Context, cfg Config, s *Scenario, report func(Result)) error {
	session, err := Open(ctx, s, cfg)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	}
	result := session.Play(ctx)
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err = session.Close(closeCtx) // after it OnFailure has seen all calls
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if denied := session.denied.Load(); denied != nil {
		result.Facts, result.Err = nil, denied // it explains all facts that do not hold
		err = errors.Join(fmt.Errorf("ended early: %w", denied), err)
	}
	report(result)
	return err
}
