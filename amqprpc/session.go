package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A session is a server's time on one pair of connections. A request passes
// through it from goroutine to goroutine, each the owner of what it uses:
//
//	delivered → work (Concurrency of them) → publish → settled → ack
//
// so confirms are awaited and acks are sent for many requests at once, and each of
// the two sockets sees few and large writes.
type session struct {
	*pair
	server *service

	requests *backlog
	replies  handover[*job]
	confirms *confirms[*job]
	acks     handover[settlement]

	workers  sync.WaitGroup
	unbegun  unbegun
	taken    atomic.Int64   // requests taken out of the backlog
	allTaken atomic.Bool    // the workers are done: taken grows no more
	drained  chan struct{}  // closed when all that was delivered is settled
	wg       sync.WaitGroup // the goroutines beyond the workers
}

// A job is a request on its way through the session.
type job struct {
	delivery request
	request  *Request
	replies  []Message
	left     int  // replies not yet confirmed; used by settled alone
	refused  bool // the broker nacked one of them
}

// A handover collects what one side offers until the other side takes all of it.
type handover[T any] struct {
	mu      sync.Mutex
	waiting []T
	wake    chan struct{}
}

func newHandover[T any]() handover[T] { return handover[T]{wake: make(chan struct{}, 1)} }

func (h *handover[T]) offer(v ...T) {
	h.mu.Lock()
	h.waiting = append(h.waiting, v...)
	h.mu.Unlock()
	h.nudge()
}

// nudge wakes the taking side, even for nothing.
func (h *handover[T]) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// take returns all that waits. It swaps buffers with the offering side: what it
// returned last is reused.
func (h *handover[T]) take(used []T) []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.waiting
	h.waiting = used[:0]
	return taken
}

// errQueueStarting: RabbitMQ answers a consume of a quorum queue with 541 and a
// closed connection while the queue is still being made: servers that start
// together are all but one too early.
var errQueueStarting = errors.New("is the queue still being made?")

// connect opens a session on the first broker that answers, and begins to consume.
func (s *service) connect(ctx context.Context) (*session, error) {
	ss := &session{
		server:   s,
		requests: newBacklog(),
		replies:  newHandover[*job](),
		confirms: newConfirms[*job](),
		acks:     newHandover[settlement](),
		drained:  make(chan struct{}),
	}
	var err error
	ss.pair, err = s.Broker.connect(ctx, &s.turn, "reply", "serve", true, ss, func(p *pair) error {
		p.info.Queue = s.Queue
		if err := s.QueueType.declare(p.consumer.Connection, s.Queue, s.QueueExpires); err != nil {
			return fmt.Errorf("declare the queue %q: %w", s.Queue, WithPermission(err, "configure"))
		}
		if err := p.sub.Qos(max(0, s.Prefetch), 0, false); err != nil {
			return fmt.Errorf("set the prefetch: %w", err)
		}
		// Requests go to ss.delivered, so nothing comes through the channel that this returns.
		if _, err := p.sub.Consume(s.Queue, s.ConsumerTag, false, false, false, false, nil); err != nil {
			err = fmt.Errorf("consume the queue %q: %w", s.Queue, WithPermission(err, "read"))
			if e := (*amqp.Error)(nil); errors.As(err, &e) && e.Code == amqp.InternalError {
				err = errors.Join(err, errQueueStarting)
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ss, nil
}

// run serves until the session is drained, when it returns nil, or over.
func (ss *session) run(ctx context.Context, draining <-chan struct{}) error {
	handling, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrConnectionLost)
	workers := ss.server.Concurrency
	if most := ss.server.Prefetch; most > 0 {
		workers = min(workers, most) // the others would never get a request
	}
	for range workers {
		ss.workers.Go(func() { ss.work(handling, draining) })
	}
	ss.wg.Go(ss.publish)
	ss.wg.Go(ss.ack)
	ss.wg.Go(ss.lost)

	polite := 100 * time.Millisecond
	select {
	case <-draining:
		if ss.drain(ctx) {
			polite = 2 * time.Second
		}
	case <-ctx.Done():
		ss.end(context.Cause(ctx))
	case <-ss.over:
	}
	cancel(ErrConnectionLost)
	ss.requests.abandon()
	ss.close(polite)
	ss.wg.Wait()
	// Workers are not waited for: a handler that ignores its context keeps its slot,
	// not the server from reconnecting.
	return ss.cause
}

// drain stops consuming and waits until every request that was delivered has been
// answered and acked, or given back. It returns false when something came between.
func (ss *session) drain(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() {
		ss.end(context.Cause(ctx))
		ss.consumer.cut() // Cancel may be waiting for a broker that does not answer
	})
	defer stop()
	if err := ss.sub.Cancel(ss.server.ConsumerTag, false); err != nil {
		ss.end(fmt.Errorf("stop consuming: %w", err))
		return false
	}
	ss.requests.close() // nothing is delivered after the answer to a cancel
	go func() {
		// The workers may be busy for long: what no handler has begun goes back without them.
		for r, ok := ss.requests.take(); ok; r, ok = ss.requests.take() {
			ss.taken.Add(1)
			ss.unhandled(&r)
		}
		ss.acks.offer(ss.unbegun.all()...)
		ss.workers.Wait()
		ss.allTaken.Store(true)
		ss.acks.nudge()
	}()
	select {
	case <-ss.drained:
		ss.end(nil)
		return true
	case <-ss.over:
		return false
	}
}

// delivered takes a request.
func (ss *session) delivered(tag uint64, m Message) { ss.requests.put(request{tag, m}) }

// publish publishes replies: the one goroutine that writes to the publishing channel.
func (ss *session) publish() {
	out := outgoing{to: ss.publisher.wire, max: uint32(ss.publisher.Config.FrameSize)}
	var batch []*job
	for {
		select {
		case <-ss.replies.wake:
		case <-ss.over:
			return
		}
		runtime.Gosched() // see epoch.publish
		batch = ss.replies.take(batch)
		err := ss.gather(&out, batch)
		if err == nil {
			err = out.flush()
		}
		if err != nil {
			ss.broken(err)
			return
		}
		clear(batch) // a server that has nothing to do keeps no messages
	}
}

func (ss *session) gather(out *outgoing, batch []*job) error {
	for _, j := range batch {
		for i := range j.replies {
			if ss.pub.IsClosed() {
				return nil // why, lost is about to learn
			}
			if out.full() {
				if err := out.flush(); err != nil {
					return err
				}
			}
			m := &j.replies[i]
			p := m.publishing()
			if err := out.prepare(&p); err != nil {
				// To close the connection over it would be to get the request, and this, for ever.
				ss.server.log(slog.LevelError, LogUnsendable, j.request, "error", err)
				ss.confirms.instead(func() { ss.confirmed(j, true) })
				continue
			}
			for !ss.confirms.add(j) {
				// What was gathered must go out, or its confirms would never come.
				if err := out.flush(); err != nil {
					return err
				}
				select {
				case <-ss.confirms.room:
				case <-ss.over:
					return nil
				}
			}
			// RabbitMQ returns every mandatory reply to a direct reply-to address, even
			// one that it has delivered.
			mandatory := !strings.HasPrefix(m.RoutingKey, directReplyTo)
			out.publish(m.Exchange, m.RoutingKey, mandatory, p.Body)
		}
	}
	return nil
}

// returned counts a reply that nobody was left to take. The request is acked all
// the same: to answer it again would change nothing.
func (ss *session) returned(code int, text string, m Message) {
	ss.server.counts.undeliverable.Add(1)
	ss.server.Logger.Warn(LogUndeliverable, "queue", ss.server.Queue, "correlation_id", m.CorrelationID, "reply_to", m.RoutingKey, "code", code, "reason", text)
}

func (ss *session) settled(tag uint64, multiple, acked bool) {
	ss.confirms.settle(tag, multiple, func(j *job) { ss.confirmed(j, acked) })
}

// confirmed counts a confirm. After the last one of its replies a job is settled.
func (ss *session) confirmed(j *job, acked bool) {
	ss.server.published.Store(true)
	if !acked {
		j.refused = true
		ss.server.counts.nacked.Add(1)
		ss.server.log(slog.LevelWarn, LogNacked, j.request, "requeued", j.mayComeAgain())
	}
	if j.left--; j.left == 0 {
		ss.done(j)
	}
}

// mayComeAgain says whether a job whose reply was nacked is given back: not for ever.
func (j *job) mayComeAgain() bool { return !j.delivery.Redelivered }

// giveBack sends a request back to its queue.
func (ss *session) giveBack(r *request) {
	ss.server.counts.givenBack.Add(1)
	ss.acks.offer(settlement{r.tag, requeue})
}

// done sends a job on to be acked.
func (ss *session) done(j *job) {
	if j.refused && j.mayComeAgain() {
		ss.giveBack(&j.delivery) // once more, perhaps by another server
		return
	}
	done := settlement{j.delivery.tag, accept}
	if hook := ss.server.Hooks.BeforeAck; hook != nil {
		go func() { // it may block, this goroutine must not
			hook(j.request)
			ss.acks.offer(done)
		}()
		return
	}
	ss.acks.offer(done)
}
