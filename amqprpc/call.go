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
	state       callState
	deadline    time.Time
	due         time.Time // the deadline or, in backoff, the time of the next attempt
	heapIndex   int       // in client.due; -1 if not in it
	attempts    int       // how often it was published
	unaccounted int       // attempts that a server may have executed
	session     int       // of the last attempt
	published   time.Time // the last attempt
	wait        *backoff.ExponentialBackOff
	lastCause   error       // of the attempt before
	unwatch     func() bool // stops watching the context
	prev, next  *Call       // in client.outbox
}

// A callState is where a call is. A call goes from queued to published, from there to ended, or back to
// queued for a retry, directly or by way of backoff. It can end in every state.
type callState uint8

const (
	created   callState = iota // not in flight
	queued                     // in the outbox
	published                  // handed to a connection, and waits for its reply
	backedOff                  // waits for the time of its next attempt
	ended
)

// ID returns the call's correlation ID; "" for a call that never began, whose Result is no
// [*CallError].
func (call *Call) ID() string { return call.id }

// meta returns the header x-rpc of the call's last attempt. client.mu is held.
func (call *Call) meta() string {
	return Meta{Deadline: call.deadline, Attempt: call.attempts}.String()
}

// Done is closed when the call has ended.
func (call *Call) Done() <-chan struct{} { return call.done }

// Result waits until the call has ended, which it does by its deadline at the
// latest, and returns what [Client.Call] would.
func (call *Call) Result() (Reply, error) {
	<-call.done
	return call.reply, call.err
}

// Call sends a request and waits for its reply. It is a call over a network to a
// process that may be slow or dead: it blocks up to the deadline, and a failure does not always tell
// whether the request was executed.
//
// The deadline is the earlier of the context's and [Request.Timeout], if there are
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

// Go starts a call and returns at once. It waits for room, at most until the deadline, only if
// [Config.MaxInFlight] calls are in flight and [Config.FailWhenFull] is not set. The Call ends, as
// [Client.Call] would have, by itself.
func (c *Client) Go(ctx context.Context, req Request) *Call {
	call, err := c.start(ctx, req)
	if err != nil {
		call = &Call{client: c, done: make(chan struct{}), err: err, state: ended, heapIndex: -1}
		close(call.done)
		return call
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.abandon(call, ctx) })
		c.mu.Lock()
		if call.state != ended {
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

// start makes a call of a request and publishes it, if that can be done now. The call it returns
// may have ended already.
func (c *Client) start(ctx context.Context, req Request) (*Call, error) {
	now := time.Now()
	if err := c.prepare(&req, now); err != nil {
		return nil, notBegun{req.place(), err}
	}
	call := &Call{id: req.CorrelationID, req: req, client: c, done: make(chan struct{}), heapIndex: -1}
	if call.id == "" {
		call.id = newID()
	}
	call.deadline = c.deadlineOf(ctx, req, now)
	call.due = call.deadline

	if err := ctx.Err(); err != nil {
		return c.endAtOnce(call, contextOutcome(err), context.Cause(ctx))
	}
	select {
	case c.room <- struct{}{}:
	default:
		if c.cfg.FailWhenFull {
			return nil, notBegun{req.place(), fmt.Errorf("%w: %d", ErrTooManyInFlight, c.cfg.MaxInFlight)}
		}
		if outcome := c.waitForRoom(ctx, call); outcome != InFlight {
			return c.endAtOnce(call, outcome, errors.New("there was no room for another call in flight"))
		}
	}

	c.mu.Lock()
	if err := c.admit(call); err != nil {
		c.mu.Unlock()
		<-c.room
		return nil, notBegun{req.place(), err}
	}
	flush := c.publishQueued()
	c.mu.Unlock()
	flush.inline()
	return call, nil
}

// endAtOnce ends a call that never was in flight.
func (c *Client) endAtOnce(call *Call, outcome Outcome, cause error) (*Call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, notBegun{call.req.place(), ErrClosed} // no event comes after Close
	}
	if _, taken := c.calls[call.id]; taken {
		return nil, notBegun{call.req.place(), errTaken(call.id)}
	}
	now := time.Now()
	c.observeSent(call, now)
	c.fail(call, now, outcome, cause)
	return call, nil
}

// admit puts a call in flight, in the outbox. c.mu is held.
func (c *Client) admit(call *Call) error {
	if c.closed {
		return ErrClosed
	}
	if _, taken := c.calls[call.id]; taken {
		return errTaken(call.id)
	}
	c.calls[call.id] = call
	c.observeSent(call, time.Now())
	c.due.add(call)
	if call.heapIndex == 0 {
		c.timer.Reset(time.Until(call.due))
	}
	c.outbox.push(call)
	return nil
}

func errTaken(id string) error {
	return fmt.Errorf("%w: a call with the correlation ID %.64q is in flight", ErrInvalidRequest, id)
}

func (c *Client) observeSent(call *Call, now time.Time) {
	c.observe(Event{Kind: EventSent, Time: now, ID: call.id, Intended: call.req.Intended, Deadline: call.deadline})
}

// prepare fills in and checks a request.
func (c *Client) prepare(req *Request, now time.Time) error {
	if req.Queue == "" && req.Exchange == "" && req.RoutingKey == "" {
		req.Queue = c.cfg.Queue
	}
	if req.Intended.IsZero() {
		req.Intended = now
	}
	switch {
	case req.Queue != "" && (req.Exchange != "" || req.RoutingKey != ""):
		return fmt.Errorf("%w: it names a queue and an exchange or routing key", ErrInvalidRequest)
	case req.Queue == "" && req.Exchange == "" && req.RoutingKey == "":
		return fmt.Errorf("%w: it names no queue", ErrInvalidRequest)
	case req.Queue != "" && req.Queue != c.cfg.Queue: // which Dial has checked
		if err := CheckQueueName(req.Queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		}
	}
	for _, s := range [...]struct{ name, value string }{
		{"the exchange", req.Exchange}, {"the routing key", req.RoutingKey}, {"the content type", req.ContentType},
		{"the content encoding", req.ContentEncoding}, {"the type", req.Type}, {"the message ID", req.MessageID},
		{"the correlation ID", req.CorrelationID},
	} {
		if err := checkShort(s.name, s.value); err != nil {
			return err
		}
	}
	if limit := c.maxMessage.Load(); int64(len(req.Body)) > limit {
		return fmt.Errorf("%w: a body of %d bytes, the limit is %d", ErrInvalidRequest, len(req.Body), limit)
	}
	if _, key := req.destination(); req.Exchange == "" && forgedReplyTo(key) {
		return fmt.Errorf("%w: %.64q is no address of a direct reply-to", ErrInvalidRequest, key)
	}
	if req.Timeout < 0 {
		return fmt.Errorf("%w: a negative timeout", ErrInvalidRequest)
	}
	if req.Headers != nil {
		return checkHeaders(req.Headers)
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

// waitForRoom returns InFlight once there is room, else the call's outcome.
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
	if call.state != ended {
		c.fail(call, time.Now(), contextOutcome(ctx.Err()), context.Cause(ctx))
	}
}

// handleDue ends the calls whose deadline has passed, and sends those whose next attempt is due. The timer
// calls it.
func (c *Client) handleDue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	now := time.Now()
	for len(c.due) > 0 && !c.due[0].due.After(now) {
		if call := c.due[0]; call.deadline.After(now) {
			call.due = call.deadline
			c.due.fix(call)
			c.outbox.push(call)
		} else {
			c.fail(call, now, Timeout, nil)
		}
	}
	if len(c.due) > 0 {
		c.timer.Reset(c.due[0].due.Sub(now))
	}
	c.publishQueued().later()
}

// fail ends a call without an answer. c.mu is held.
func (c *Client) fail(call *Call, now time.Time, outcome Outcome, cause error) {
	if cause == context.DeadlineExceeded || cause == context.Canceled {
		cause = nil // the outcome says it
	}
	if cause == nil && outcome == Timeout {
		cause = call.lastCause
	}
	e := &CallError{ID: call.id, To: call.req.place(), Outcome: outcome, Attempts: call.attempts, NotExecuted: call.unaccounted == 0, Err: cause}
	call.err = e
	c.observe(Event{Kind: EventFailed, Time: now, ID: call.id, Attempt: call.attempts, Epoch: call.session, Outcome: outcome, Text: e.Reason()})
	c.finish(call, now, outcome, "")
}

// finish takes an ended call out of everything. Its reply or error is set; the
// observer has been told. c.mu is held.
func (c *Client) finish(call *Call, now time.Time, outcome Outcome, server string) {
	if call.state == queued {
		c.outbox.remove(call)
	}
	if call.state != created {
		delete(c.calls, call.id)
		<-c.room
	}
	call.state = ended
	// The call itself stays around until its confirm, and for as long as its caller
	// likes; its body and headers do not.
	call.req.Body, call.req.Headers = nil, nil
	c.due.remove(call)
	end := ending{outcome: outcome, server: server}
	if outcome == Timeout { // a context may say so before the deadline
		end.overdue = max(0, now.Sub(call.deadline))
	}
	c.ended.put(call.id, end, now)
	if call.unwatch != nil {
		call.unwatch()
	}
	close(call.done)
}

// retryOrFail arranges another attempt for a published call whose last one came to nothing, or
// fails it. The next attempt comes after a backoff if wait is set. c.mu is held; the caller
// publishes.
func (c *Client) retryOrFail(call *Call, now time.Time, outcome Outcome, cause error, wait bool) {
	limit := c.cfg.Retry.Attempts
	mayRetry := (limit < 0 || call.attempts < limit) && (call.req.Idempotent || call.unaccounted == 0)
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
	c.observe(Event{Kind: EventRetry, Time: now, ID: call.id, Attempt: call.attempts, Epoch: call.session,
		Outcome: outcome, Text: errorText(cause), Delay: delay})
	if delay == 0 {
		c.outbox.push(call)
		return
	}
	call.state = backedOff
	if due := now.Add(delay); due.Before(call.deadline) {
		call.due = due
		c.due.fix(call)
		if call.heapIndex == 0 {
			c.timer.Reset(delay)
		}
	}
}

func newBackoff(b Backoff) *backoff.ExponentialBackOff {
	e := backoff.NewExponentialBackOff()
	// Each delay is its interval, more or less a third: from half of what Backoff says to all of it.
	e.InitialInterval, e.MaxInterval = b.First-b.First/4, b.Max-b.Max/4
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

// outbox is a list of queued calls through the calls themselves, so that one that ends
// while it waits can leave at once: callers that come and go during a long outage
// must not leave anything behind. Guarded by client.mu.
type outbox struct{ first, last *Call }

func (o *outbox) push(call *Call) {
	call.state, call.prev, call.next = queued, o.last, nil
	if o.last != nil {
		o.last.next = call
	} else {
		o.first = call
	}
	o.last = call
}

// remove takes a queued call out. The caller sets its new state.
func (o *outbox) remove(call *Call) {
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
	call.prev, call.next = nil, nil
}
