package amqprpc

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
)

// A Call is one request and its outcome. [Client.Go] returns it at once.
type Call struct {
	id     string
	req    Request
	client *Client
	done   chan struct{}

	// Written once, before done is closed.
	reply Reply
	err   error

	// The rest is guarded by client.mu.
	deadline    time.Time
	heapIndex   int // in client.deadlines; -1 when not in it
	outcome     Outcome
	attempts    int       // how often it was handed to a connection
	unaccounted int       // attempts that a server may have executed
	epoch       int       // of the last attempt
	published   time.Time // the last attempt
	wait        *backoff.ExponentialBackOff
	retry       *time.Timer // of the next attempt, nil where none is waited for
	lastCause   error       // why the attempt before came to nothing
	unwatch     func() bool // stops watching the context

	waiting    bool // for the time of its next attempt
	queued     bool // in client.outbox
	prev, next *Call
}

// ID returns the call's correlation ID, a UUID; "" for a call that never began, whose
// Result is no [*CallError].
func (call *Call) ID() string { return call.id }

// Done is closed when the call has ended.
func (call *Call) Done() <-chan struct{} { return call.done }

// Result waits until the call has ended, which it does by its deadline at the
// latest, and returns what [Client.Call] would.
func (call *Call) Result() (Reply, error) {
	<-call.done
	return call.reply, call.err
}

// Call sends a request and waits for its reply. It is a call over a network to a
// process that may be slow, dead, or of another mind: it blocks up to the deadline,
// and a failure does not always tell whether the request was executed.
//
// The deadline is the earlier of the context's and [Request.Timeout], where there are
// any, else [Config.Timeout]. It holds while the client is disconnected, blocked by an
// alarm, waiting for room, or stuck in a socket write.
//
// The request's Body and Headers belong to the client from here on, for ever: a call
// that has ended may still be in the middle of being written.
//
// Errors are a [*CallError] for calls that began, or wrap [ErrTooManyInFlight],
// [ErrInvalidRequest] or, after [Client.Close], [ErrClosed], and then
// [ErrNotExecuted] too. errors.Is with [ErrNotExecuted] tells that no server has run
// the request; errors.As with [*RemoteError] gives what the server said. Then the Reply is
// the server's too, with its name and its times; with every other error it is zero.
func (c *Client) Call(ctx context.Context, req Request) (Reply, error) {
	call, err := c.start(ctx, req)
	if err != nil {
		return Reply{}, err
	}
	select {
	case <-call.done:
	case <-ctx.Done():
		c.abandon(call, ctx)
		<-call.done
	}
	return call.reply, call.err
}

// Go starts a call and returns at once. Only where [Config.MaxInFlight] calls are
// in flight, and [Config.FailWhenFull] is not set, does it wait for room, at most
// until the deadline. The Call ends, as [Client.Call] would have, by itself.
func (c *Client) Go(ctx context.Context, req Request) *Call {
	call, err := c.start(ctx, req)
	if err != nil {
		call = &Call{client: c, done: make(chan struct{}), err: err, heapIndex: -1}
		close(call.done)
		return call
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.abandon(call, ctx) })
		c.mu.Lock()
		if call.outcome == InFlight {
			call.unwatch = stop
			stop = nil
		}
		c.mu.Unlock()
		if stop != nil {
			stop()
		}
	}
	return call
}

// start makes a call of a request and puts it into the outbox. The call it returns
// may have ended already.
func (c *Client) start(ctx context.Context, req Request) (*Call, error) {
	now := time.Now()
	if err := c.prepare(&req, now); err != nil {
		return nil, notBegun{req.Queue, err}
	}
	call := &Call{id: newID(), req: req, client: c, done: make(chan struct{}), heapIndex: -1}
	call.deadline = c.deadlineOf(ctx, req, now)

	select {
	case c.room <- struct{}{}:
	default:
		if c.cfg.FailWhenFull {
			return nil, notBegun{req.Queue, fmt.Errorf("%w: %d", ErrTooManyInFlight, c.cfg.MaxInFlight)}
		}
		if outcome := c.waitForRoom(ctx, call); outcome != InFlight {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.closed {
				return nil, notBegun{req.Queue, ErrClosed} // no event comes after Close
			}
			now = time.Now()
			c.observe(Event{Kind: EventSent, Time: now, ID: call.id, Intended: req.Intended, Deadline: call.deadline})
			c.fail(call, now, outcome, errors.New("there was no room for another call in flight"))
			return call, nil
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		<-c.room
		return nil, notBegun{req.Queue, ErrClosed}
	}
	c.calls[call.id] = call
	c.observe(Event{Kind: EventSent, Time: time.Now(), ID: call.id, Intended: req.Intended, Deadline: call.deadline})
	if err := ctx.Err(); err != nil {
		c.fail(call, time.Now(), contextOutcome(err), context.Cause(ctx))
		return call, nil
	}
	c.deadlines.add(call)
	if call.heapIndex == 0 {
		c.alarm.Reset(time.Until(call.deadline))
	}
	c.enqueue(call)
	return call, nil
}

// prepare fills in and checks a request.
func (c *Client) prepare(req *Request, now time.Time) error {
	if req.Queue == "" {
		req.Queue = c.cfg.Queue
	}
	if req.Intended.IsZero() {
		req.Intended = now
	}
	if req.Queue == "" {
		return fmt.Errorf("%w: it names no queue", ErrInvalidRequest)
	}
	if req.Queue != c.cfg.Queue { // which Dial has looked at
		if err := CheckQueueName(req.Queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		}
	}
	for _, s := range [...]struct{ what, value string }{
		{"the content type", req.ContentType}, {"the type", req.Type},
	} {
		if err := checkShort(s.what, s.value); err != nil {
			return err
		}
	}
	if len(req.Body) > c.cfg.MaxMessage {
		return fmt.Errorf("%w: a body of %d bytes, the limit is %d", ErrInvalidRequest, len(req.Body), c.cfg.MaxMessage)
	}
	if req.Timeout < 0 {
		return fmt.Errorf("%w: a negative timeout", ErrInvalidRequest)
	}
	if req.Headers != nil {
		if err := checkHeaders(req.Headers); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) deadlineOf(ctx context.Context, req Request, now time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok && req.Timeout == 0 {
		return now.Add(c.cfg.Timeout)
	}
	if ok {
		// One that came over the wire, as a handler's context has it, is of the wall clock
		// alone: when that is set, its order among the others would change.
		if same := now.Add(deadline.Sub(now)); same.Equal(deadline) {
			deadline = same
		}
	}
	if req.Timeout > 0 {
		if d := now.Add(req.Timeout); !ok || d.Before(deadline) {
			return d
		}
	}
	return deadline
}

// waitForRoom returns InFlight when there is room, else what the call ended in.
func (c *Client) waitForRoom(ctx context.Context, call *Call) Outcome {
	timer := time.NewTimer(time.Until(call.deadline))
	defer timer.Stop()
	select {
	case c.room <- struct{}{}:
		return InFlight
	case <-timer.C:
		return Timeout
	case <-ctx.Done():
		return contextOutcome(ctx.Err())
	case <-c.ctx.Done():
		return Closed
	}
}

func contextOutcome(err error) Outcome {
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Canceled
}

// abandon ends a call whose context has ended.
func (c *Client) abandon(call *Call, ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.outcome == InFlight {
		c.fail(call, time.Now(), contextOutcome(ctx.Err()), context.Cause(ctx))
	}
}

// expire ends the calls whose deadline has passed. The alarm calls it.
func (c *Client) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	now := time.Now()
	for len(c.deadlines) > 0 && !c.deadlines[0].deadline.After(now) {
		c.fail(c.deadlines[0], now, Timeout, nil)
	}
	if len(c.deadlines) > 0 {
		c.alarm.Reset(c.deadlines[0].deadline.Sub(now))
	}
}

// fail ends a call without an answer. c.mu is held.
func (c *Client) fail(call *Call, now time.Time, outcome Outcome, cause error) {
	if cause == context.DeadlineExceeded || cause == context.Canceled {
		cause = nil // the outcome says it
	}
	if cause == nil && outcome == Timeout {
		cause = call.lastCause
	}
	e := &CallError{ID: call.id, Queue: call.req.Queue, Outcome: outcome, Attempts: call.attempts, NotExecuted: call.unaccounted == 0, Err: cause}
	call.err = e
	c.observe(Event{Kind: EventFailed, Time: now, ID: call.id, Attempt: call.attempts, Epoch: call.epoch, Outcome: outcome, Text: e.Reason()})
	c.finish(call, now, outcome, "")
}

// finish takes an ended call out of everything. Its reply or error is set; the
// observer has been told. c.mu is held.
func (c *Client) finish(call *Call, now time.Time, outcome Outcome, server string) {
	call.outcome = outcome
	// The call itself stays around until its confirm, and for as long as its caller
	// likes; what it may weigh does not.
	call.req.Body, call.req.Headers = nil, nil
	if _, begun := c.calls[call.id]; begun {
		delete(c.calls, call.id)
		<-c.room
	}
	c.deadlines.remove(call)
	c.outbox.remove(call)
	end := ending{outcome: outcome, server: server}
	if outcome == Timeout { // a context may say so before the deadline
		end.overdue = max(0, now.Sub(call.deadline))
	}
	c.ended.put(call.id, end, now)
	if call.unwatch != nil {
		call.unwatch()
	}
	if call.retry != nil {
		call.retry.Stop() // it would keep the call, and its body, in memory
	}
	close(call.done)
}

// again arranges another attempt for a call whose last one came to nothing, or
// fails it. wait says to back off first. c.mu is held.
func (c *Client) again(call *Call, now time.Time, outcome Outcome, cause error, wait bool) {
	most := c.cfg.Retry.Attempts
	mayRetry := (most < 0 || call.attempts < most) && (call.req.Idempotent || call.unaccounted == 0)
	if !mayRetry || c.closed {
		c.fail(call, now, outcome, cause)
		return
	}
	var delay time.Duration
	if wait {
		if call.wait == nil {
			call.wait = newBackoff(c.cfg.Retry.Backoff)
		}
		delay = call.wait.NextBackOff()
	}
	call.lastCause = cause
	c.observe(Event{Kind: EventRetry, Time: now, ID: call.id, Attempt: call.attempts, Epoch: call.epoch,
		Outcome: outcome, Text: errorText(cause), Delay: delay})
	if delay == 0 {
		c.enqueue(call)
		return
	}
	call.waiting = true
	call.retry = time.AfterFunc(delay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		call.waiting = false
		if call.outcome == InFlight {
			c.enqueue(call)
		}
	})
}

// enqueue puts a call into the outbox and wakes the publisher. c.mu is held.
func (c *Client) enqueue(call *Call) {
	c.outbox.push(call)
	if c.epoch != nil {
		c.epoch.wakePublisher()
	}
}

func newBackoff(b Backoff) *backoff.ExponentialBackOff {
	e := backoff.NewExponentialBackOff()
	// A wait is a third more or less than its interval, and so from the half of what Backoff
	// says to the whole of it.
	e.InitialInterval, e.MaxInterval = b.First-b.First/4, b.Most-b.Most/4
	e.Multiplier, e.RandomizationFactor = 2, 1./3
	return e
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// randomness is read in pieces of 4 KiB: 16 bytes at a time, most of a UUID's cost is
// the system call.
var randomness = struct {
	sync.Mutex
	*bufio.Reader
}{Reader: bufio.NewReader(rand.Reader)}

// newID makes a correlation ID: a random UUID (RFC 9562, version 4).
func newID() string {
	randomness.Lock()
	id, err := uuid.NewRandomFromReader(randomness.Reader)
	randomness.Unlock()
	if err != nil {
		panic(err) // crypto/rand's Reader never returns an error
	}
	return id.String()
}

// outbox is a list of calls through the calls themselves, so that one that ends
// while it waits can leave at once: callers that come and go during a long outage
// must not leave anything behind. Guarded by client.mu.
type outbox struct{ first, last *Call }

func (o *outbox) push(call *Call) {
	call.queued, call.prev, call.next = true, o.last, nil
	if o.last != nil {
		o.last.next = call
	} else {
		o.first = call
	}
	o.last = call
}

func (o *outbox) remove(call *Call) {
	if !call.queued {
		return
	}
	if call.prev != nil {
		call.prev.next = call.next
	} else {
		o.first = call.next
	}
	if call.next != nil {
		call.next.prev = call.prev
	} else {
		o.last = call.prev
	}
	call.queued, call.prev, call.next = false, nil, nil
}
