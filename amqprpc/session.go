package amqprpc

import (
	"context"
	"errors"
	"fmt"
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
//	deliveries → work (Concurrency of them) → publish → settleConfirms → ack
//
// so confirms are awaited and acks are sent for many requests at once, and each of
// the two sockets sees few and large writes.
type session struct {
	*pair
	server     *service
	deliveries <-chan amqp.Delivery

	outgoing handover[*job]
	confirms chan unconfirmed[*job]
	acks     handover[settlement]

	workers   sync.WaitGroup
	delivered atomic.Int64   // requests that workers have taken
	allTaken  atomic.Bool    // the workers are done: delivered grows no more
	drained   chan struct{}  // closed when all that was delivered is settled
	wg        sync.WaitGroup // the goroutines beyond the workers
}

// A job is a request on its way through the session.
type job struct {
	delivery amqp.Delivery
	request  *Request
	replies  []Message
	left     int  // replies not yet confirmed; used by settle alone
	refused  bool // the broker nacked one of them
}

// A handover collects what one side offers until the other side takes all of it.
type handover[T any] struct {
	mu      sync.Mutex
	waiting []T
	wake    chan struct{}
}

func newHandover[T any]() handover[T] { return handover[T]{wake: make(chan struct{}, 1)} }

func (h *handover[T]) offer(v T) {
	h.mu.Lock()
	h.waiting = append(h.waiting, v)
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
	clear(used)
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

const consumerTag = "rpc" // tags are local to a channel

// connect opens a session on the first broker that answers, and begins to consume.
func (s *service) connect(ctx context.Context) (*session, error) {
	ss := &session{
		server:   s,
		outgoing: newHandover[*job](),
		confirms: make(chan unconfirmed[*job], mostUnacked),
		acks:     newHandover[settlement](),
		drained:  make(chan struct{}),
	}
	var err error
	ss.pair, err = s.Broker.connect(ctx, "reply", "serve", true, func(p *pair) error {
		p.info.Queue = s.Queue
		if err := s.QueueType.declare(p.consumer.Connection, s.Queue); err != nil {
			return fmt.Errorf("declare the queue %q: %w", s.Queue, withPermission(err, "configure"))
		}
		if err := p.sub.Qos(max(0, s.Prefetch), 0, false); err != nil {
			return fmt.Errorf("set the prefetch: %w", err)
		}
		var err error
		if ss.deliveries, err = p.sub.Consume(s.Queue, consumerTag, false, false, false, false, nil); err != nil {
			err = fmt.Errorf("consume the queue %q: %w", s.Queue, withPermission(err, "read"))
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
	for range ss.server.Concurrency {
		ss.workers.Go(func() { ss.work(handling, draining) })
	}
	ss.wg.Go(ss.publish)
	ss.wg.Go(func() { settleConfirms(ss.pair, ss.confirms, ss.returned, ss.confirmed) })
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
		ss.consumer.wire.Close() // Cancel may be waiting for a broker that does not answer
	})
	defer stop()
	if err := ss.sub.Cancel(consumerTag, false); err != nil {
		ss.end(fmt.Errorf("stop consuming: %w", err))
		return false
	}
	go func() { // the delivery channel closes after a cancel, so the workers end
		// They may be busy for long: what no handler has begun goes back without them.
		for d := range ss.deliveries {
			ss.delivered.Add(1)
			ss.acks.offer(settlement{d.DeliveryTag, requeue})
		}
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

// publish publishes replies: the one goroutine that uses the publishing channel.
func (ss *session) publish() {
	var batch []*job
	for {
		select {
		case <-ss.outgoing.wake:
		case <-ss.over:
			return
		}
		runtime.Gosched() // see gatherConn
		batch = ss.outgoing.take(batch)
		if err := ss.publishAll(batch); err != nil {
			ss.broken(err)
			return
		}
	}
}

func (ss *session) publishAll(batch []*job) error {
	for len(batch) > 0 {
		part := batch[:min(len(batch), publishBatch)]
		batch = batch[len(part):]
		ss.publisher.wire.hold()
		err := ss.publishPart(part)
		if werr := ss.publisher.wire.release(); err == nil {
			err = werr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (ss *session) publishPart(part []*job) error {
	for _, j := range part {
		for i := range j.replies {
			m := &j.replies[i]
			// RabbitMQ returns every mandatory reply to a direct reply-to address, even
			// one that it has delivered.
			mandatory := !strings.HasPrefix(m.RoutingKey, directReplyTo)
			dc, err := ss.pub.PublishWithDeferredConfirm(m.Exchange, m.RoutingKey, mandatory, false, m.publishing())
			if err != nil {
				return err
			}
			if !await(ss.pair, ss.confirms, unconfirmed[*job]{j, dc}) {
				return nil
			}
		}
	}
	return nil
}

// returned counts a reply that nobody was left to take. The request is acked all
// the same: to answer it again would change nothing.
func (ss *session) returned(r amqp.Return) {
	ss.server.counts.undeliverable.Add(1)
	ss.server.Logger.Warn("undeliverable reply", "correlation_id", r.CorrelationId, "reply_to", r.RoutingKey, "code", r.ReplyCode, "reason", r.ReplyText)
}

// confirmed counts a confirm. After the last one of its replies a job is settled.
func (ss *session) confirmed(j *job, acked bool) {
	ss.server.published.Store(true)
	if !acked {
		j.refused = true
		ss.server.counts.nacked.Add(1)
		ss.server.Logger.Warn("the broker refused a reply", "correlation_id", j.request.CorrelationID, "reply_to", j.request.ReplyTo)
	}
	if j.left--; j.left == 0 {
		ss.done(j)
	}
}

// done sends a job on to be acked.
func (ss *session) done(j *job) {
	if j.refused && !j.delivery.Redelivered {
		ss.acks.offer(settlement{j.delivery.DeliveryTag, requeue}) // once more, perhaps by another server
		return
	}
	done := settlement{j.delivery.DeliveryTag, accept}
	if hook := ss.server.Hooks.BeforeAck; hook != nil {
		go func() { // it may block, this goroutine must not
			hook(j.request)
			ss.acks.offer(done)
		}()
		return
	}
	ss.acks.offer(done)
}
