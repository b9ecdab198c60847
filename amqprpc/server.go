package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Server answers the requests of a queue. Set its fields, then call
// [Server.Serve], once; they must not be changed afterwards.
type Server struct {
	Broker

	Queue     string    // required
	QueueType QueueType // default QueueAuto
	Handler   Handler   // required

	// QueueExpires, where it is set, is for how long the broker keeps a queue that
	// the server declares while nobody consumes from it; then it deletes it with what is in
	// it (x-expires, in whole milliseconds, ten years at most). A queue that is there already has to have
	// been declared with the same, unless the type is QueueAuto. Default 0, for ever.
	QueueExpires time.Duration

	// Prefetch is how many requests the broker may hand to this server before it
	// has acked the first. 1 spreads slow work fairly over servers; for quick work it
	// costs a round trip for each request: use 64 or more. A negative number means no
	// limit, and then no bound on this server's memory. Default Concurrency, or 1 where
	// that is not set either.
	Prefetch int
	// Concurrency is how many handlers may run at once; never more than Prefetch do.
	// Default Prefetch, or 64 where that is without a limit.
	Concurrency int

	// Replay is how many replies to store, so that a request that was answered
	// before (the same correlation ID and body, redelivered or sent again) gets the
	// stored reply and is not executed a second time by this server. Other servers
	// know nothing of it. Default 0, none. ReplayFor bounds their age; default 10
	// minutes. Error replies, and those over 64 KiB, are not stored.
	Replay    int
	ReplayFor time.Duration

	// Backoff is how a lost connection is tried for again.
	Backoff Backoff

	// Logger is told of refusals, redeliveries, undeliverable replies, handler
	// failures and lost connections, with correlation IDs: of the events that begin with
	// [LogConsuming]. A caller can cause any number of them, so a log that is kept needs a
	// bound, and one that blocks holds up the connection. nil means nobody is told.
	Logger *slog.Logger
	// Serving is called, in a goroutine of its own, each time the server has begun to
	// consume, after a reconnect too; may be nil.
	Serving func(ConnectionInfo)
	Hooks   ServerHooks

	counts serverCounts
	state  struct {
		sync.Mutex
		serving  bool
		draining chan struct{} // closed by Shutdown
		stopped  chan struct{} // closed when Serve has returned
		abort    context.CancelCauseFunc
	}
}

// A service is a Server at work: its fields with the defaults filled in, so that the
// caller's are only ever read.
type service struct {
	*Server // a copy, but for counts
	counts  *serverCounts
	slots   chan struct{} // a token for each running handler, over all connections
	turn    int           // of which URL it is to be tried first; used by one connect at a time
	// published says that a broker has taken a reply from this server.
	published atomic.Bool
	replay    struct {
		sync.Mutex
		*memory[replayKey, Message]
	}
}

// ServerStats counts what a server did since it began to serve.
type ServerStats struct {
	Requests      int64 // deliveries from the request queue
	Redelivered   int64 // of those, delivered before to some server
	Answered      int64 // replied to with a result
	Errors        int64 // replied to with an error
	Panics        int64 // of those, because the handler panicked
	Replayed      int64 // replied to with a stored reply
	Refused       int64 // rejected: they name no reply_to, or a forged one
	Expired       int64 // dropped unanswered: their deadline had passed
	Undeliverable int64 // replies that the broker returned: nobody was left to take them (never told of direct reply-to)
	Nacked        int64 // replies that the broker refused
	GivenBack     int64 // requests given back to the queue: no handler had begun when Shutdown came, or their reply was nacked
	Reconnects    int64
}

type serverCounts struct {
	requests, redelivered, answered, errors, panics, replayed,
	refused, expired, undeliverable, nacked, givenBack, reconnects atomic.Int64
}

// Stats may be called at any time.
func (s *Server) Stats() ServerStats {
	c := &s.counts
	return ServerStats{
		Requests: c.requests.Load(), Redelivered: c.redelivered.Load(), Answered: c.answered.Load(),
		Errors: c.errors.Load(), Panics: c.panics.Load(), Replayed: c.replayed.Load(),
		Refused: c.refused.Load(), Expired: c.expired.Load(), Undeliverable: c.undeliverable.Load(),
		Nacked: c.nacked.Load(), GivenBack: c.givenBack.Load(), Reconnects: c.reconnects.Load(),
	}
}

// service checks the fields and makes a service of them.
func (s *Server) service() (*service, error) {
	filled := &Server{
		Broker: s.Broker, Queue: s.Queue, QueueType: s.QueueType, QueueExpires: s.QueueExpires, Handler: s.Handler,
		Prefetch: s.Prefetch, Concurrency: s.Concurrency, Replay: s.Replay, ReplayFor: s.ReplayFor,
		Backoff: s.Backoff, Logger: s.Logger, Serving: s.Serving, Hooks: s.Hooks,
	}
	if err := filled.setDefaults(); err != nil {
		return nil, err
	}
	sv := &service{Server: filled, counts: &s.counts, slots: make(chan struct{}, filled.Concurrency)}
	sv.replay.memory = newMemory[replayKey, Message](filled.Replay, filled.ReplayFor)
	return sv, nil
}

// mostExpires is the longest that RabbitMQ takes: ten years.
const mostExpires = 10 * 365 * 24 * time.Hour

func (s *Server) setDefaults() error {
	if err := s.Broker.setDefaults(); err != nil {
		return err
	}
	switch {
	case s.Queue == "":
		return fmt.Errorf("%w: a server needs a Queue", ErrInvalidConfig)
	case s.Handler == nil:
		return fmt.Errorf("%w: a server needs a Handler", ErrInvalidConfig)
	case s.QueueExpires < 0 || s.QueueExpires > 0 && s.QueueExpires < time.Millisecond || s.QueueExpires > mostExpires:
		return fmt.Errorf("%w: a queue cannot expire after %v", ErrInvalidConfig, s.QueueExpires)
	case s.Prefetch > 65535:
		return fmt.Errorf("%w: a prefetch of %d is more than AMQP's 65535", ErrInvalidConfig, s.Prefetch)
	case s.Concurrency < 0:
		return fmt.Errorf("%w: a negative concurrency", ErrInvalidConfig)
	}
	if err := CheckQueueName(s.Queue); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
	}
	if s.QueueType == "" {
		s.QueueType = QueueAuto
	}
	if _, err := ParseQueueType(string(s.QueueType)); err != nil {
		return err
	}
	if s.Prefetch == 0 {
		s.Prefetch = min(max(1, s.Concurrency), 65535)
	}
	if s.Concurrency == 0 {
		s.Concurrency = s.Prefetch
		if s.Prefetch < 0 {
			s.Concurrency = 64
		}
	}
	if s.ReplayFor == 0 {
		s.ReplayFor = 10 * time.Minute
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Backoff = s.Backoff.orDefaults()
	return nil
}

// Serve connects, declares the queue as QueueType says, and answers requests until
// [Server.Shutdown], when it returns nil, or until ctx ends, when it drops
// everything at once and returns the context's cause: requests not yet acked go
// back to the queue. So do not give it a context that a signal ends; let the signal
// call Shutdown.
//
// An error while first connecting or declaring is returned: [ErrInvalidConfig],
// [*DialError]s. So is a [*PermissionError], in a DialError, where the first reply could not be
// published for want of a permission. A connection lost later is tried for again for
// ever. Serve may be called once, whatever it returned.
func (s *Server) Serve(ctx context.Context) error {
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	s.state.Lock()
	if s.state.serving {
		s.state.Unlock()
		return fmt.Errorf("%w: Serve was called before", ErrInvalidConfig)
	}
	s.state.serving = true
	s.state.abort = abort
	draining, stopped := s.lifeline()
	s.state.Unlock()
	defer close(stopped)
	sv, err := s.service()
	if err != nil {
		return err
	}
	return sv.serve(ctx, draining)
}

// serve runs one session after another.
func (s *service) serve(ctx context.Context, draining <-chan struct{}) error {
	// A dial that is under way does not hold up a Shutdown.
	dialing, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-draining:
			cancel()
		case <-dialing.Done():
		}
	}()
	wait := newBackoff(s.Backoff)
	connections := 0
	for tries := 1; ; tries++ {
		began := time.Now()
		ss, err := s.connect(dialing)
		if err == nil {
			if connections++; connections > 1 {
				s.counts.reconnects.Add(1)
			}
			s.logConsuming(ss.info, connections, tries)
			tries = 0
			if s.Serving != nil {
				go s.Serving(ss.info)
			}
			if err = ss.run(ctx, draining); err == nil {
				return nil // drained
			}
		}
		if ctx.Err() != nil { // also where Shutdown came first and ran out of time
			return context.Cause(ctx)
		}
		var denied *PermissionError
		if ss != nil && errors.As(err, &denied) && !s.published.Load() {
			// It never could, and each try would execute a request again for nothing.
			return &DialError{Address: ss.info.Address, Err: fmt.Errorf("publish a reply: %w", err), Connected: true}
		}
		select {
		case <-draining:
			return nil
		default:
		}
		if connections == 0 && (tries == 5 || !errors.Is(err, errQueueStarting)) {
			return err
		}
		delay := time.Duration(0)
		if ss != nil && denied == nil && time.Since(began) > time.Second {
			wait.Reset()
		} else {
			delay = wait.NextBackOff()
		}
		s.logLost(ss, err, connections, tries, delay)
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-dialing.Done():
		}
		timer.Stop()
	}
}

// lifeline returns the channels that tie Serve and Shutdown together. s.state is
// locked.
func (s *Server) lifeline() (draining, stopped chan struct{}) {
	if s.state.draining == nil {
		s.state.draining, s.state.stopped = make(chan struct{}), make(chan struct{})
	}
	return s.state.draining, s.state.stopped
}

// Shutdown stops consuming, gives back requests that no handler has begun (at once, or with more
// than 64 of them after 0.2 s at most, which may save a frame for each), waits
// for the running handlers, their replies' confirms and their acks, and closes the
// connections. It returns nil when [Server.Serve] has returned, and at once where Serve
// was not called: a later Serve returns nil too.
//
// When ctx ends first, the handlers' contexts are canceled, everything is dropped
// (unacked requests go back to the queue), and ctx's error is returned. Serve
// returns soon after; a handler that ignores its context may outlive it.
func (s *Server) Shutdown(ctx context.Context) error {
	s.state.Lock()
	draining, stopped := s.lifeline()
	select {
	case <-draining:
	default:
		close(draining)
	}
	serving, abort := s.state.serving, s.state.abort
	s.state.Unlock()
	if !serving {
		return nil
	}
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		abort(ErrClosed)
		return ctx.Err()
	}
}
