package amqprpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gammazero/deque"
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
	"rpcscope/amqprpc/internal/wire"
)

// A serverSession is a server's time on one connection. It is the handler of its link, which pushes the requests:
//
//	link → Delivered → waiting, for a slot → work, in a goroutine → handle → Server.answer → end, respond, publishReply → link
//
// The reply and the ack are sent in one write.
type serverSession struct {
	*link.Link
	server   *Server
	info     *ConnectionInfo
	handlers context.Context // ends with the session
	wg       sync.WaitGroup  // its goroutines beside the link's and the handlers
	alarm    string          // its reason; "" without an alarm

	// Guarded by server.mu.
	waiting  deque.Deque[*job] // for a slot
	idle     chan *job         // to goroutines that have handled a request; unbuffered
	open     int               // requests that were started and are not yet settled; 1 more until cancelConsumers is done
	draining bool              // no request is started any more
	settled  chan struct{}     // closed when open is 0

	publishing  sync.Mutex // held, if the server waits for confirms, while replies are published and added
	unconfirmed link.Confirms[*job]
}

// A job is a request on its way through the session.
type job struct {
	delivery link.Delivery
	route    *route
	request  *Request
	meta     bool  // the request has the header x-rpc
	replayed bool  // the reply is a stored one
	hidden   error // the handler's, if its caller does not get it
	left     int   // replies whose confirm is outstanding; guarded by session.publishing
	nacked   bool  // one of them was; likewise
}

// errQueueStarting: RabbitMQ answers basic.consume with 541, and closes the connection, while another server's
// declaration of the quorum queue is in progress.
var errQueueStarting = errors.New("the queue may still be being declared")

// connect opens a session on the first broker that answers, and begins to consume. dialing bounds this, ctx the
// session.
func (s *Server) connect(ctx, dialing context.Context) (*serverSession, error) {
	handlers, cancel := context.WithCancelCause(ctx)
	ss := &serverSession{server: s, handlers: handlers, idle: make(chan *job), open: 1, settled: make(chan struct{})}
	l, info, err := s.conn.connect(dialing, &s.nextURL, ss, ss.prepare)
	if err != nil {
		if ss.alarm != "" { // the broker reads nothing that was published
			err = fmt.Errorf("%w: %s: %w", ErrBlocked, ss.alarm, err)
		}
		cancel(err)
		return nil, err
	}
	ss.Link, ss.info = l, &info
	ss.info.Queue = s.routes[0].queue
	ss.wg.Go(func() {
		<-l.Done()
		cancel(ErrConnectionLost)
	})
	return ss, nil
}

// prepare declares the queues and begins to consume.
func (ss *serverSession) prepare(l *link.Link) error {
	s := ss.server
	for _, r := range s.routes {
		if err := s.queueType.declare(l, r.queue, s.QueueExpires); err != nil {
			return fmt.Errorf("declare the queue %q: %w", r.queue, withPermission(err, "configure"))
		}
	}
	// A message to no queue, and an answer after it: a server that may not publish replies must not execute
	// requests, since they are redelivered without end.
	err := l.Channel.Publish("", "", false, false, amqp.Publishing{})
	if err == nil {
		err = l.Channel.Qos(max(0, s.prefetch), 0, false)
	}
	if err != nil {
		return fmt.Errorf("prepare to reply: %w", withPermission(err, "write"))
	}
	if s.waitsForConfirm() {
		if err := l.Channel.Confirm(false); err != nil {
			return fmt.Errorf("select confirms: %w", err)
		}
	}
	for i, r := range s.routes {
		// Requests go to ss.Delivered, so nothing comes through the channel that this returns.
		if _, err := l.Channel.Consume(r.queue, s.consumerTag(i), false, false, false, false, nil); err != nil {
			err = fmt.Errorf("consume the queue %q: %w", r.queue, withPermission(err, "read"))
			if amqpError(err).Code == amqp.InternalError {
				err = errors.Join(err, errQueueStarting)
			}
			return err
		}
	}
	return nil
}

// run serves until the session is drained, when it returns nil, or over.
func (ss *serverSession) run(ctx, draining context.Context) error {
	s := ss.server
	ss.wg.Go(ss.Watch)
	s.mu.Lock()
	s.session = ss
	ss.startHandlers()
	s.mu.Unlock()
	closeTimeout := 100 * time.Millisecond
	select {
	case <-draining.Done():
		if ctx.Err() != nil {
			ss.Fail(context.Cause(ctx))
		} else if ss.drain(ctx) {
			closeTimeout = 2 * time.Second
		}
	case <-ss.Done():
	}
	err := whyLost(ss.Err(), func(consumerTag string) string { return s.routeOf(consumerTag).queue })
	s.mu.Lock()
	s.session = nil
	ss.waiting.Clear() // the broker will deliver them again
	s.mu.Unlock()
	ss.Close(closeTimeout)
	ss.wg.Wait()
	// Handlers are not waited for: one that ignores its context keeps its slot, not the server from reconnecting.
	return err
}

// drain stops consuming, requeues the requests that wait, and waits until those that were started are settled. It
// returns false if the session failed meanwhile.
func (ss *serverSession) drain(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() {
		ss.Fail(context.Cause(ctx))
		ss.Cut() // cancelConsumers may be waiting for a broker that does not answer
	})
	defer stop()
	if err := ss.cancelConsumers(); err != nil {
		ss.Fail(err)
		return false
	}
	ss.requeueWaiting()
	select {
	case <-ss.settled:
		ss.Fail(nil)
		return true
	case <-ss.Done():
		return false
	}
}

// cancelConsumers waits until the broker delivers nothing any more. No handler begins from its call on.
func (ss *serverSession) cancelConsumers() error {
	ss.server.mu.Lock()
	ss.draining = true
	ss.server.mu.Unlock()
	for i := range ss.server.routes {
		if err := ss.Channel.Cancel(ss.server.consumerTag(i), false); err != nil {
			return fmt.Errorf("stop consuming: %w", err)
		}
	}
	ss.release()
	return nil
}

// requeueWait is how long requeueWaiting waits for the running handlers.
const requeueWait = 200 * time.Millisecond

// requeueWaiting requeues the requests that wait, in one frame if those before them are settled in time. To requeue
// each by itself is a command for each to a quorum queue, which loses acks that come on top of too many commands if
// the channel is closed then (seen on 3.10.8).
func (ss *serverSession) requeueWaiting() {
	select {
	case <-ss.settled:
	case <-time.After(requeueWait):
	case <-ss.Done():
	}
	ss.server.mu.Lock()
	n := ss.waiting.Len()
	ss.server.count(&ss.server.stats.Requeued, n)
	if ss.open == 0 && n > 0 {
		ss.RequeueUpTo(ss.waiting.Back().delivery.Tag)
	} else {
		for j := range ss.waiting.Iter() {
			ss.Requeue(j.delivery.Tag)
		}
	}
	ss.waiting.Clear()
	ss.server.mu.Unlock()
	ss.Flush()
}

// Delivered takes a request that the broker has pushed.
func (ss *serverSession) Delivered(d link.Delivery) {
	s := ss.server
	s.mu.Lock()
	defer s.mu.Unlock()
	ss.waiting.PushBack(&job{delivery: d, route: s.routeOf(d.ConsumerTag)})
	ss.startHandlers()
}

// startHandlers begins to handle requests that wait, if there are slots. server.mu is held.
func (ss *serverSession) startHandlers() {
	for s := ss.server; s.session == ss && !ss.draining && s.running < s.concurrency && ss.waiting.Len() > 0; {
		s.running++
		ss.open++
		j := ss.waiting.PopFront()
		select {
		case ss.idle <- j:
		default:
			go ss.work(j)
		}
	}
}

// work handles a request, and then others until the session ends. A goroutine for each request would grow its stack
// anew each time, a seventh of the server's CPU time.
func (ss *serverSession) work(j *job) {
	for {
		ss.handle(j)
		select {
		case j = <-ss.idle:
		case <-ss.handlers.Done():
			return
		}
	}
}

// handle handles one request, and settles it.
func (ss *serverSession) handle(j *job) {
	s := ss.server
	var reply Message
	var d disposition
	returned := false
	defer func() {
		if !returned { // the handler has called runtime.Goexit
			reply, d = s.address(s.failure(j, errGoexit), j), sendReply
		}
		ss.end(j, reply, d)
		s.freeSlot() // first, so that the next reply may share the write
		ss.Flush()
	}()
	reply, d = s.answer(ss.handlers, j)
	returned = true
}

// end carries out the disposition of a request, unless the session has ended.
func (ss *serverSession) end(j *job, reply Message, d disposition) {
	switch {
	case ss.handlers.Err() != nil: // the broker delivers the request again
		if d == sendReply {
			ss.server.observeRequest(j, Event{Kind: EventDropped, Outcome: ConnectionLost, Err: j.hidden})
		}
	case d == rejectRequest:
		ss.settle(j, ss.Reject)
	case d == dropRequest:
		ss.settle(j, ss.Ack)
	default:
		ss.respond(j, reply)
	}
}

// respond publishes a reply, and acks its request unless its confirm is to come before.
func (ss *serverSession) respond(j *job, reply Message) {
	s := ss.server
	if s.Observer != nil {
		seen := reply // only this copy goes to the heap
		s.observeRequest(j, Event{Kind: EventReplied, Message: &seen, Err: j.hidden})
	}
	replies := []Message{reply}
	if s.Hooks.Replies != nil {
		replies = s.Hooks.Replies(j.request, reply)
	}
	if s.waitsForConfirm() {
		ss.publishing.Lock()
		defer ss.publishing.Unlock()
	}
	j.left = 1 // until all are published
	for i := range replies {
		if ss.publishReply(j, &replies[i]) && s.waitsForConfirm() {
			ss.unconfirmed.Add(j)
			j.left++
		}
	}
	ss.settleConfirmed(j)
}

// publishReply adds a reply to the connection. It returns false if the reply cannot be sent. To end the session because
// of that would bring the same request back without end.
func (ss *serverSession) publishReply(j *job, m *Message) bool {
	var err error
	if ss.server.Hooks.Replies != nil {
		err = checkMessage(m, ss.server.maxMessage.Load())
	}
	if err == nil {
		p := m.publishing()
		// RabbitMQ returns every mandatory reply to a direct reply-to address, even one that it has delivered.
		mandatory := !strings.HasPrefix(m.RoutingKey, wire.DirectReplyTo+".")
		err = ss.Publish(m.Exchange, m.RoutingKey, mandatory, &p)
	}
	if err != nil {
		ss.server.observeRequest(j, Event{Kind: EventDropped, Message: m, Text: err.Error()})
	}
	return err == nil
}

// Returned counts a reply whose queue is gone. The request is acked all the same: another answer would be returned,
// too.
func (ss *serverSession) Returned(r link.Return) {
	ss.server.count(&ss.server.stats.Undeliverable, 1)
	m := messageFrom(r.Exchange, r.RoutingKey, r.Properties)
	ss.server.observe(Event{Kind: EventReturned, ID: m.CorrelationID, Code: r.Code, Text: r.Text, Message: &m})
}

// Confirmed takes the confirm of a reply.
func (ss *serverSession) Confirmed(tag uint64, multiple, acked bool) {
	ss.publishing.Lock()
	defer ss.publishing.Unlock()
	ss.unconfirmed.Confirm(tag, multiple, func(j *job) {
		if !acked {
			j.nacked = true
			ss.server.count(&ss.server.stats.Nacked, 1)
			ss.server.observeRequest(j, Event{Kind: EventNacked})
		}
		ss.settleConfirmed(j)
	})
	ss.FlushLater()
}

// settleConfirmed settles a request after the last confirm of its replies. ss.publishing is held if there are any.
func (ss *serverSession) settleConfirmed(j *job) {
	if j.left--; j.left > 0 {
		return
	}
	hook := ss.server.Hooks.BeforeAck
	switch {
	case j.nacked && !j.delivery.Redelivered: // requeue once only
		ss.server.count(&ss.server.stats.Requeued, 1)
		ss.settle(j, ss.Requeue)
	case hook == nil:
		ss.settle(j, ss.Ack)
	default:
		go func() { // it may block, this goroutine must not
			hook(j.request)
			ss.settle(j, ss.Ack)
			ss.Flush()
		}()
	}
}

// settle settles a request that was started. send is [link.Link]'s Ack, Reject or Requeue.
func (ss *serverSession) settle(j *job, send func(tag uint64)) {
	send(j.delivery.Tag)
	ss.release()
}

// release counts down open.
func (ss *serverSession) release() {
	ss.server.mu.Lock()
	defer ss.server.mu.Unlock()
	if ss.open--; ss.open == 0 {
		close(ss.settled)
	}
}

// Blocked tells the observer. A server does not stop: its replies are bounded by its prefetch.
func (ss *serverSession) Blocked(active bool, reason string) {
	kind := EventUnblocked
	if active {
		kind = EventBlocked
		reason = cmp.Or(reason, "an alarm")
	}
	ss.alarm = reason
	ss.server.observe(Event{Kind: kind, Text: reason})
}

// Writable does nothing, for the same reason.
func (ss *serverSession) Writable() {}
