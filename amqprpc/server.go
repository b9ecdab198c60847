package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Server answers the requests of a queue. Set its fields, then call
// [Server.Serve], once; they must not be changed afterwards.
type Server struct {
	ConnConfig

	// Queue and Handler are the first queue to consume, and the handler of its requests. [Server.Handle]
	// adds others.
	Queue     string
	Handler   Handler
	QueueType QueueType // of all queues; default QueueAuto

	// QueueExpires, where it is set, is for how long the broker keeps a queue that
	// the server declares while nobody consumes from it; then it deletes it with what is in
	// it (x-expires, in whole milliseconds, ten years at most). A queue that is there already has to have
	// been declared with the same, unless the type is QueueAuto. Default 0, for ever.
	QueueExpires time.Duration

	// Prefetch is how many requests of a queue the broker may hand to this server before it
	// has acked the first. 1 spreads slow work fairly over servers; for quick work it
	// costs a round trip for each request: use 64 or more. A negative number means no
	// limit, and then no bound on this server's memory. Default Concurrency, or 1 where
	// that is not set either.
	Prefetch int
	// Concurrency is how many handlers may run at once, for all queues.
	// Default Prefetch, or 64 where that is without a limit.
	Concurrency int

	// Replay is how many replies to store, so that a request that was answered
	// before (the same correlation ID and body, redelivered or sent again) gets the
	// stored reply and is not executed a second time by this server. Other servers
	// know nothing of it. Default 0, none. ReplayFor bounds their age; default 10
	// minutes. Error replies, and those over 64 KiB, are not stored.
	Replay    int
	ReplayFor time.Duration

	// ConfirmReplies acks a request only after the broker has confirmed its reply. By default the ack
	// follows the reply on the same channel, in one write: a broker handles them in order, so it never sees
	// an ack without having routed the reply. That is enough for reply queues that go with their
	// callers. ConfirmReplies is for those that outlive them, and for clusters whose links break; a
	// server with a prefetch of 1 gets its next request a round trip later.
	ConfirmReplies bool

	// Backoff controls the delay between reconnect attempts.
	Backoff Backoff

	// Observer is told what becomes of requests and connections; may be nil. [LogObserver] makes one.
	Observer Observer
	Hooks    ServerHooks

	routes []*route
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
	ctx     context.Context // that of Serve
	turn    int             // the URL to try first; used by one connect at a time
	// maxMessage is the limit of what is sent, in bytes: MaxMessage, or what the broker was found to
	// take. A reply above it would cost the connection, and again when its request comes back.
	maxMessage atomic.Int64

	observing sync.Mutex // held during Observer.Observe; no other lock is taken under it

	mu      sync.Mutex
	session *serverSession // nil while disconnected
	running int            // handlers, over all connections; Concurrency at most

	replay struct {
		sync.Mutex
		*memory[replayKey, Message]
	}
}

// confirms reports whether an ack waits for the confirm of its reply.
func (s *service) confirms() bool { return s.ConfirmReplies || s.Hooks.BeforeAck != nil }

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
	Undeliverable int64 // replies that the broker returned: nobody was left to take them (never known of direct reply-to)
	Nacked        int64 // replies that the broker refused (known with ConfirmReplies)
	Requeued      int64 // requests requeued: no handler had begun when Shutdown came, or their reply was nacked
	Reconnects    int64
}

type serverCounts struct {
	requests, redelivered, answered, errors, panics, replayed,
	refused, expired, undeliverable, nacked, requeued, reconnects atomic.Int64
}

// A route is a queue to consume, and the handler of its requests.
type route struct {
	queue   string
	handler Handler
}

// Handle adds a queue to consume on the same connection. It must be called before Serve.
func (s *Server) Handle(queue string, h Handler) {
	s.routes = append(s.routes, &route{queue, h})
}

// consumerTag returns the consumer tag of a route. Tags are local to a channel.
func (s *service) consumerTag(i int) string {
	if i == 0 {
		return s.ConsumerTag
	}
	return fmt.Sprintf("%s (%d)", s.ConsumerTag, i+1)
}

// routeOf returns the route of a consumer tag.
func (s *service) routeOf(consumerTag string) *route {
	for i, r := range s.routes {
		if s.consumerTag(i) == consumerTag {
			return r
		}
	}
	return s.routes[0]
}

// Stats may be called at any time.
func (s *Server) Stats() ServerStats {
	c := &s.counts
	return ServerStats{
		Requests: c.requests.Load(), Redelivered: c.redelivered.Load(), Answered: c.answered.Load(),
		Errors: c.errors.Load(), Panics: c.panics.Load(), Replayed: c.replayed.Load(),
		Refused: c.refused.Load(), Expired: c.expired.Load(), Undeliverable: c.undeliverable.Load(),
		Nacked: c.nacked.Load(), Requeued: c.requeued.Load(), Reconnects: c.reconnects.Load(),
	}
}

// service checks the fields and makes a service of them.
func (s *Server) service() (*service, error) {
	filled := &Server{
		ConnConfig: s.ConnConfig, Queue: s.Queue, QueueType: s.QueueType, QueueExpires: s.QueueExpires, Handler: s.Handler,
		Prefetch: s.Prefetch, Concurrency: s.Concurrency, Replay: s.Replay, ReplayFor: s.ReplayFor,
		ConfirmReplies: s.ConfirmReplies, Backoff: s.Backoff, routes: slices.Clone(s.routes), Observer: s.Observer, Hooks: s.Hooks,
	}
	if err := filled.setDefaults(); err != nil {
		return nil, err
	}
	sv := &service{Server: filled, counts: &s.counts}
	sv.maxMessage.Store(int64(filled.MaxMessage))
	sv.replay.memory = newMemory[replayKey, Message](filled.Replay, filled.ReplayFor)
	return sv, nil
}

// maxExpires is the longest that RabbitMQ takes: ten years.
const maxExpires = 10 * 365 * 24 * time.Hour

func (s *Server) setDefaults() error {
	if s.Queue != "" || s.Handler != nil {
		s.routes = slices.Insert(s.routes, 0, &route{queue: s.Queue, handler: s.Handler})
	}
	if err := s.ConnConfig.setDefaults(); err != nil {
		return err
	}
	switch {
	case len(s.routes) == 0:
		return fmt.Errorf("%w: a server needs a Queue", ErrInvalidConfig)
	case s.QueueExpires < 0 || s.QueueExpires > 0 && s.QueueExpires < time.Millisecond || s.QueueExpires > maxExpires:
		return fmt.Errorf("%w: a queue cannot expire after %v", ErrInvalidConfig, s.QueueExpires)
	case s.Prefetch > 65535:
		return fmt.Errorf("%w: a prefetch of %d is more than AMQP's 65535", ErrInvalidConfig, s.Prefetch)
	case s.Concurrency < 0:
		return fmt.Errorf("%w: a negative concurrency", ErrInvalidConfig)
	}
	for i, r := range s.routes {
		if err := CheckQueueName(r.queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
		}
		if r.handler == nil {
			return fmt.Errorf("%w: the queue %q has no handler", ErrInvalidConfig, r.queue)
		}
		if slices.ContainsFunc(s.routes[:i], func(other *route) bool { return other.queue == r.queue }) {
			return fmt.Errorf("%w: the queue %q has two handlers", ErrInvalidConfig, r.queue)
		}
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
// [*DialError]s, with a [*PermissionError] if the user may not declare, consume or publish. Once it
// has served it reconnects for ever. Serve may be called once, whatever it returned.
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
	s.ctx = ctx
	wait := newBackoff(s.Backoff)
	connections := 0
	for tries := 1; ; tries++ {
		began := time.Now()
		ss, err := s.connect(dialing)
		if err == nil {
			if connections++; connections > 1 {
				s.counts.reconnects.Add(1)
			}
			s.observe(Event{Kind: EventConnected, Epoch: connections, Attempt: tries, Connection: ss.info})
			tries = 0
			if err = ss.run(ctx, draining); err == nil {
				return nil // drained
			}
			learnMaxMessage(&s.maxMessage, err)
		}
		if ctx.Err() != nil { // also where Shutdown came first and ran out of time
			return context.Cause(ctx)
		}
		select {
		case <-draining:
			return nil
		default:
		}
		if connections == 0 && !errors.Is(err, ErrBlocked) && (tries == 5 || !errors.Is(err, errQueueStarting)) {
			return err
		}
		delay := time.Duration(0)
		if ss != nil && time.Since(began) > time.Second {
			wait.Reset()
		} else {
			delay = wait.NextBackOff()
		}
		if ss != nil {
			s.observe(Event{Kind: EventDisconnected, Epoch: connections, Code: brokerCode(err), Text: errorText(err),
				Delay: delay, Connection: ss.info})
			err = nil
		}
		s.observe(Event{Kind: EventReconnecting, Epoch: connections, Attempt: tries, Text: errorText(err), Delay: delay})
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-dialing.Done():
		}
		timer.Stop()
	}
}

// observe tells the observer of an event.
func (s *service) observe(e Event) {
	if s.Observer == nil {
		return
	}
	if e.Queue == "" {
		e.Queue = s.routes[0].queue
	}
	s.observing.Lock()
	defer s.observing.Unlock()
	e.Time = time.Now() // with the lock held: times do not go back
	s.Observer.Observe(e)
}

// observeRequest tells the observer of an event about a request.
func (s *service) observeRequest(j *job, e Event) {
	if s.Observer == nil {
		return
	}
	e.ID, e.Queue, e.Request, e.Attempt = j.delivery.Properties.CorrelationId, j.route.queue, j.request, j.request.Attempt
	s.observe(e)
}

// lifeline returns the channels that tie Serve and Shutdown together. s.state is
// locked.
func (s *Server) lifeline() (draining, stopped chan struct{}) {
	if s.state.draining == nil {
		s.state.draining, s.state.stopped = make(chan struct{}), make(chan struct{})
	}
	return s.state.draining, s.state.stopped
}

// Shutdown stops consuming, requeues requests that no handler has begun, waits for the running handlers,
// their replies and acks, and closes the connection. It returns nil when [Server.Serve] has returned, and
// at once if Serve was not called: a later Serve returns nil too.
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
