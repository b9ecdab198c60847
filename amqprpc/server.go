package amqprpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Server answers the requests of a queue. Set its fields, then call [Server.Serve], once. The fields must not be
// changed afterwards.
type Server struct {
	ConnConfig

	// Queue and Handler are the first queue to consume, and the handler of its requests. [Server.Handle] adds
	// others.
	Queue     string
	Handler   Handler
	QueueType QueueType // of all queues; default QueueAuto

	// QueueExpires is how long the broker keeps a queue that the server declares while nobody consumes from it;
	// then it deletes the queue and its messages (x-expires, in whole milliseconds, ten years at most). A queue
	// that exists must have been declared with the same, unless the type is QueueAuto. Default 0, for ever.
	QueueExpires time.Duration

	// Prefetch bounds the unacked requests of each queue. 1 spreads slow work fairly over servers; for quick work
	// it costs a round trip for each request: use 64 or more. A negative number means no limit, and then no bound
	// on this server's memory. Default Concurrency, else 1.
	Prefetch    int
	Concurrency int // bounds the running handlers, for all queues; default Prefetch, or 64 if that has no limit

	// Replay is how many replies to store, for ReplayFor (default 10 minutes). A request that this server has
	// answered before, with the same correlation ID and body, gets the stored reply and is not executed again.
	// Error replies, and those over 64 KiB, are not stored.
	Replay    int
	ReplayFor time.Duration

	// ConfirmReplies acks a request only after the broker has confirmed its reply. By default the ack follows the
	// reply in one write, and a broker handles them in this order: enough for reply queues that are deleted with
	// their callers. ConfirmReplies is for those that outlive them, and for clusters whose links break. It costs a
	// server with a prefetch of 1 a round trip for each request.
	ConfirmReplies bool

	Backoff  Backoff  // between reconnect attempts
	Observer Observer // may be nil; [LogObserver] makes one
	Hooks    ServerHooks

	// Set by Serve, which only reads the exported fields.
	conn                  ConnConfig // with its defaults, as the following
	queueType             QueueType
	prefetch, concurrency int

	routes  []route
	nextURL int // the index of the URL to try first; used by one connect at a time
	// maxMessage is MaxMessage, or the broker's own limit once it is known to be lower. A reply above it would cost
	// the connection, and again when its request is redelivered.
	maxMessage atomic.Int64

	life struct {
		sync.Mutex
		draining bool               // Shutdown was called
		drain    context.CancelFunc // tells Serve of it; nil before Serve
		abort    context.CancelCauseFunc
		stopped  chan struct{} // closed when Serve has returned
	}

	mu      sync.Mutex     // guards what follows, and the sessions
	session *serverSession // nil while disconnected
	running int            // handlers, over all connections; Concurrency at most
	replies *memory[replayKey, Message]

	observing sync.Mutex // held during Observer.Observe; no other lock is taken under it
	counting  sync.Mutex // guards stats; no other lock is taken under it
	stats     ServerStats
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
	Undeliverable int64 // replies that the broker returned: nobody was left to take them (never known of direct reply-to)
	Nacked        int64 // replies that the broker refused (known with ConfirmReplies)
	Requeued      int64 // requests requeued: no handler had begun when Shutdown came, or their reply was nacked
	Reconnects    int64
}

// Stats may be called at any time.
func (s *Server) Stats() ServerStats {
	s.counting.Lock()
	defer s.counting.Unlock()
	return s.stats
}

// count adds n to one of the stats.
func (s *Server) count(counter *int64, n int) {
	s.counting.Lock()
	defer s.counting.Unlock()
	*counter += int64(n)
}

// A route is a queue to consume, and the handler of its requests.
type route struct {
	queue   string
	handler Handler
}

// Handle adds a queue to consume on the same connection. It must be called before Serve.
func (s *Server) Handle(queue string, h Handler) {
	s.routes = append(s.routes, route{queue, h})
}

// consumerTag returns the consumer tag of a route. Tags are local to a channel.
func (s *Server) consumerTag(i int) string {
	if i == 0 {
		return s.conn.ConsumerTag
	}
	return fmt.Sprintf("%s (%d)", s.conn.ConsumerTag, i+1)
}

// routeOf returns the route of a consumer tag.
func (s *Server) routeOf(consumerTag string) *route {
	for i := range s.routes {
		if s.consumerTag(i) == consumerTag {
			return &s.routes[i]
		}
	}
	return &s.routes[0]
}

// maxExpires is the longest x-expires that RabbitMQ takes: ten years.
const maxExpires = 10 * 365 * 24 * time.Hour

// prepare checks the fields and sets the defaults.
func (s *Server) prepare() error {
	if s.Queue != "" || s.Handler != nil {
		s.routes = slices.Insert(s.routes, 0, route{s.Queue, s.Handler})
	}
	s.conn = s.ConnConfig
	if err := s.conn.setDefaults(); err != nil {
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
		if slices.ContainsFunc(s.routes[:i], func(other route) bool { return other.queue == r.queue }) {
			return fmt.Errorf("%w: the queue %q has two handlers", ErrInvalidConfig, r.queue)
		}
	}
	var err error
	if s.queueType, err = ParseQueueType(string(cmp.Or(s.QueueType, QueueAuto))); err != nil {
		return err
	}
	s.prefetch = cmp.Or(s.Prefetch, min(max(1, s.Concurrency), 65535))
	s.concurrency = cmp.Or(s.Concurrency, s.prefetch)
	if s.concurrency < 0 {
		s.concurrency = 64
	}
	s.maxMessage.Store(int64(s.conn.MaxMessage))
	s.replies = newMemory[replayKey, Message](s.Replay, cmp.Or(s.ReplayFor, 10*time.Minute))
	return nil
}

// waitsForConfirm reports whether an ack waits for the confirm of its reply.
func (s *Server) waitsForConfirm() bool { return s.ConfirmReplies || s.Hooks.BeforeAck != nil }

// freeSlot may begin the next request, of this session or the one after it.
func (s *Server) freeSlot() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if s.session != nil {
		s.session.startHandlers()
	}
}

// Serve connects, declares the queue as QueueType says, and answers requests until [Server.Shutdown], when it
// returns nil, or until ctx ends, when it drops everything at once and returns the context's cause: requests not
// yet acked are requeued. So a signal should call Shutdown rather than end ctx.
//
// An error while first connecting or declaring is returned: [ErrInvalidConfig], [*DialError]s, with a
// [*PermissionError] if the user may not declare, consume or publish. Once it has served it reconnects for ever.
// Serve may be called once, whatever it returned.
func (s *Server) Serve(ctx context.Context) error {
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	draining, drain := context.WithCancel(ctx) // a dial that is under way does not hold up a Shutdown
	defer drain()
	stopped := make(chan struct{})
	defer close(stopped)
	s.life.Lock()
	if s.life.drain != nil {
		s.life.Unlock()
		return fmt.Errorf("%w: Serve was called before", ErrInvalidConfig)
	}
	s.life.abort, s.life.drain, s.life.stopped = abort, drain, stopped
	if s.life.draining {
		drain()
	}
	s.life.Unlock()
	if err := s.prepare(); err != nil {
		return err
	}
	return s.serve(ctx, draining)
}

// serve runs one session after another. draining ends when Shutdown is called, or with ctx.
func (s *Server) serve(ctx, draining context.Context) error {
	wait := s.Backoff.start()
	connections := 0
	for tries := 1; ; tries++ {
		began := time.Now()
		ss, err := s.connect(ctx, draining)
		if err == nil {
			if connections++; connections > 1 {
				s.count(&s.stats.Reconnects, 1)
			}
			s.observe(Event{Kind: EventConnected, Epoch: connections, Attempt: tries, Connection: ss.info})
			tries = 0
			if err = ss.run(ctx, draining); err == nil {
				return nil // drained
			}
			learnMaxMessage(&s.maxMessage, err)
		}
		switch {
		case ctx.Err() != nil: // also if Shutdown came first and ran out of time
			return context.Cause(ctx)
		case draining.Err() != nil:
			return nil
		case connections == 0 && !errors.Is(err, ErrBlocked) && (tries == 5 || !errors.Is(err, errQueueStarting)):
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
		select {
		case <-time.After(delay):
		case <-draining.Done():
		}
	}
}

// Shutdown stops consuming, requeues requests that no handler has begun, waits for the running handlers, their
// replies and acks, and closes the connection. It returns nil when [Server.Serve] has returned, and at once if
// Serve was not called: a later Serve returns nil too.
//
// If ctx ends first, the handlers' contexts are canceled, everything is dropped (unacked requests are requeued),
// and ctx's error is returned. Serve returns soon after; a handler that ignores its context may outlive it.
func (s *Server) Shutdown(ctx context.Context) error {
	s.life.Lock()
	s.life.draining = true
	drain, abort, stopped := s.life.drain, s.life.abort, s.life.stopped
	s.life.Unlock()
	if drain == nil {
		return nil
	}
	drain()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		abort(ErrClosed)
		return ctx.Err()
	}
}

// observe tells the observer of an event.
func (s *Server) observe(e Event) {
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
func (s *Server) observeRequest(j *job, e Event) {
	e.ID, e.Queue, e.Request, e.Attempt = j.delivery.Properties.CorrelationId, j.route.queue, j.request, j.request.Attempt
	s.observe(e)
}
