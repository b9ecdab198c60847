package amqprpc

import (
	"bufio"
	"container/heap"
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
	id         string
	message    Message // as published, without the properties that each attempt has of its own
	idempotent bool
	client     *Client
	done       chan struct{}

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
	backoff     *backoff.ExponentialBackOff
	lastCause   error       // of the attempt before
	unwatch     func() bool // stops watching the context
	prev, next  *Call       // in client.outbox
}

// A callState is where a call is. A call goes from queued to published, from there to ended, or back to queued for
// a retry, directly or by way of backedOff. It can end in every state.
type callState uint8

const (
	created   callState = iota // not in flight
	queued                     // in the outbox
	published                  // handed to a connection, and waits for its reply
	backedOff                  // waits for the time of its next attempt
	ended
)

// ID returns the call's correlation ID; "" for a call that never began, whose Result is no [*CallError].
func (call *Call) ID() string { return call.id }

// meta returns the header x-rpc of the call's last attempt. client.mu is held.
func (call *Call) meta() Meta { return Meta{Deadline: call.deadline, Attempt: call.attempts} }

// Done is closed when the call has ended.
func (call *Call) Done() <-chan struct{} { return call.done }

// Result waits until the call has ended, which it does by its deadline, and returns the results of [Client.Call].
func (call *Call) Result() (Reply, error) {
	<-call.done
	return call.reply, call.err
}

// Call sends a request and waits for its reply. The call crosses a network to a process that may be slow or dead:
// it blocks up to the deadline, and a failure does not always tell whether the request was executed.
//
// The deadline is the earlier of the context's and [Request.Timeout], if there are any, else [Config.Timeout]. It
// holds while the client is disconnected, blocked by an alarm, waiting for room, or stuck in a socket write.
//
// The request's Body and Headers must not be changed any more, even after the call has ended: a write may still be
// under way. Errors are a [*CallError] for calls that began, or wrap [ErrTooManyInFlight], [ErrInvalidRequest] or,
// after [Client.Close], [ErrClosed], and then [ErrNotExecuted] too. errors.Is with [ErrNotExecuted] tells that no
// server has executed the request. errors.As with [*RemoteError] gives the error of the server; then the Reply is
// the server's too, with its name and its times. With every other error the Reply is zero.
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

// Go starts a call and returns at once. It waits for room, at most until the deadline, only if [Config.MaxInFlight]
// calls are in flight and [Config.FailWhenFull] is not set. The Call ends by itself, as [Client.Call] would have.
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
		defer c.mu.Unlock()
		if call.state == ended {
			stop()
		} else {
			call.unwatch = stop
		}
	}
	return call
}

// start makes a call of a request, and publishes it if that can be done now. The call that it returns may have
// ended already.
func (c *Client) start(ctx context.Context, req Request) (*Call, error) {
	now := time.Now()
	if req.Queue == "" && req.Exchange == "" && req.RoutingKey == "" {
		req.Queue = c.cfg.Queue
	}
	if req.Intended.IsZero() {
		req.Intended = now
	}
	call := &Call{
		id: req.CorrelationID, message: req.message(), idempotent: req.Idempotent,
		client: c, done: make(chan struct{}), heapIndex: -1,
	}
	notBegun := func(err error) (*Call, error) {
		return nil, notExecuted{fmt.Errorf("no call to %s: %w", call.message.destination(), err)}
	}
	if err := c.checkRequest(&req, &call.message); err != nil {
		return notBegun(err)
	}
	if call.id == "" {
		call.id = newID()
		call.message.CorrelationID = call.id
	}
	call.message.AppID = c.cfg.Name
	call.deadline = c.deadlineOf(ctx, req.Timeout, now)
	call.due = call.deadline

	outcome, cause := c.waitForRoom(ctx, call.deadline)
	if outcome == InFlight && cause != nil {
		return notBegun(cause)
	}
	c.mu.Lock()
	err := c.admit(call, req.Intended, outcome, cause)
	session := c.publishQueued()
	c.mu.Unlock()
	if session != nil {
		session.Flush()
	}
	if err != nil {
		if outcome == InFlight {
			<-c.room
		}
		return notBegun(err)
	}
	return call, nil
}

// admit begins a call: it goes into the outbox, or ends at once if there was no room for it. c.mu is held.
func (c *Client) admit(call *Call, intended time.Time, outcome Outcome, cause error) error {
	if c.closed {
		return ErrClosed // no event comes after Close
	}
	if c.calls[call.id] != nil {
		return fmt.Errorf("%w: a call with the correlation ID %.64q is in flight", ErrInvalidRequest, call.id)
	}
	now := time.Now()
	c.observe(Event{Kind: EventSent, Time: now, ID: call.id, Intended: intended, Deadline: call.deadline})
	if outcome != InFlight {
		c.fail(call, now, outcome, cause)
		return nil
	}
	c.calls[call.id] = call
	heap.Push(&c.due, call)
	if call.heapIndex == 0 {
		c.timer.Reset(time.Until(call.due))
	}
	c.outbox.push(call)
	return nil
}

// checkRequest returns an error if a request, with its message m, cannot be sent.
func (c *Client) checkRequest(req *Request, m *Message) error {
	switch {
	case req.Queue != "" && (req.Exchange != "" || req.RoutingKey != ""):
		return fmt.Errorf("%w: it names a queue and an exchange or routing key", ErrInvalidRequest)
	case m.Exchange == "" && m.RoutingKey == "":
		return fmt.Errorf("%w: it names no queue", ErrInvalidRequest)
	case req.Timeout < 0:
		return fmt.Errorf("%w: a negative timeout", ErrInvalidRequest)
	case req.Queue != "" && req.Queue != c.cfg.Queue: // Dial has checked that one
		if err := CheckQueueName(req.Queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		}
	}
	return checkMessage(m, c.maxMessage.Load())
}

func (c *Client) deadlineOf(ctx context.Context, timeout time.Duration, now time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		if timeout == 0 {
			timeout = c.cfg.Timeout
		}
		return now.Add(timeout)
	}
	// A deadline that came over the wire, as that of a handler's context, has no monotonic clock: if the wall clock
	// is set, its order among the others would change.
	if same := now.Add(deadline.Sub(now)); same.Equal(deadline) {
		deadline = same
	}
	if d := now.Add(timeout); timeout > 0 && d.Before(deadline) {
		return d
	}
	return deadline
}

// waitForRoom returns InFlight once there is room for a call, else the call's outcome, and why. An error with
// InFlight means that the call cannot begin.
func (c *Client) waitForRoom(ctx context.Context, deadline time.Time) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return contextOutcome(err), context.Cause(ctx)
	}
	select {
	case c.room <- struct{}{}:
		return InFlight, nil
	default:
	}
	if c.cfg.FailWhenFull {
		return InFlight, fmt.Errorf("%w: %d", ErrTooManyInFlight, c.cfg.MaxInFlight)
	}
	full := errors.New("there was no room for another call in flight")
	select {
	case c.room <- struct{}{}:
		return InFlight, nil
	case <-time.After(time.Until(deadline)):
		return Timeout, full
	case <-ctx.Done():
		return contextOutcome(ctx.Err()), full
	case <-c.ctx.Done():
		return Closed, full
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

// fail ends a call without an answer. c.mu is held.
func (c *Client) fail(call *Call, now time.Time, outcome Outcome, cause error) {
	if cause == context.DeadlineExceeded || cause == context.Canceled {
		cause = nil // the outcome says it
	}
	if cause == nil && outcome == Timeout {
		cause = call.lastCause
	}
	e := &CallError{
		ID: call.id, To: call.message.destination(), Outcome: outcome, Attempts: call.attempts, NotExecuted: call.unaccounted == 0, Err: cause,
	}
	call.err = e
	c.observe(Event{Kind: EventFailed, Time: now, ID: call.id, Attempt: call.attempts, Epoch: call.session, Outcome: outcome, Text: e.Reason()})
	c.finish(call, now, outcome, "")
}

// finish removes an ended call from everything. Its reply or error is set, and the observer has been told. c.mu is
// held.
func (c *Client) finish(call *Call, now time.Time, outcome Outcome, server string) {
	if call.state == queued {
		c.outbox.remove(call)
	}
	if call.state != created {
		delete(c.calls, call.id)
		<-c.room
	}
	call.state = ended
	// The call stays in memory until its confirm, and for as long as its caller likes. Its body and headers do not.
	call.message.Body, call.message.Headers = nil, nil
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

// randomness is read in pieces of 4 KiB, because a system call is most of the cost of a UUID.
var randomness = struct {
	sync.Mutex
	*bufio.Reader
}{Reader: bufio.NewReader(rand.Reader)}

// newID makes a correlation ID: a random UUID (RFC 9562, version 4).
func newID() string {
	randomness.Lock()
	defer randomness.Unlock()
	return uuid.Must(uuid.NewRandomFromReader(randomness.Reader)).String() // crypto/rand's Reader never fails
}
