package amqprpc

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Retry controls whether a request is sent again, under the same correlation ID and within the call's deadline. It
// is if it was provably not executed: the broker returned it. After a lost connection or a nack a server may have
// executed it, so it is sent again only if [Request.Idempotent] is set. Calls that wait for a connection are not
// retries: they have not been sent yet. With retries a missing queue is no error at once.
type Retry struct {
	Attempts int     // how often a request may be sent in all: 0 or 1 means no retry, < 0 until the deadline
	Backoff  Backoff // before a retry while connected; after a lost connection it waits for the connection alone
}

// Backoff is exponential with jitter: the first delay is from First/2 to First, each further one of twice that, up
// to Max. A Max below First counts as First.
type Backoff struct {
	First time.Duration // default 100 ms
	Max   time.Duration // default 10 s
}

func (b Backoff) start() *backoff.ExponentialBackOff {
	first := cmp.Or(max(0, b.First), 100*time.Millisecond)
	limit := max(first, cmp.Or(max(0, b.Max), 10*time.Second))
	e := backoff.NewExponentialBackOff()
	// Each delay is its interval, more or less a third: from half of the documented bound to all of it.
	e.InitialInterval, e.MaxInterval = first-first/4, limit-limit/4
	e.Multiplier, e.RandomizationFactor = 2, 1./3
	return e
}

// retryOrFail arranges another attempt for a published call whose last one came to nothing, or fails it. The next
// attempt comes after a backoff if wait is set. c.mu is held; the caller publishes.
func (c *Client) retryOrFail(call *Call, now time.Time, outcome Outcome, cause error, wait bool) {
	limit := c.cfg.Retry.Attempts
	mayRetry := (limit < 0 || call.attempts < limit) && (call.idempotent || call.unaccounted == 0)
	if !mayRetry || c.closed {
		c.fail(call, now, outcome, cause)
		return
	}
	var delay time.Duration
	if wait {
		if call.backoff == nil {
			call.backoff = c.cfg.Retry.Backoff.start()
		}
		delay = call.backoff.NextBackOff()
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
		heap.Fix(&c.due, call.heapIndex)
		if call.heapIndex == 0 {
			c.timer.Reset(delay)
		}
	}
}

// handleDue ends the calls whose deadline has passed, and sends those whose next attempt is due.
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
			heap.Fix(&c.due, call.heapIndex)
			c.outbox.push(call)
		} else {
			c.fail(call, now, Timeout, nil)
		}
	}
	if len(c.due) > 0 {
		c.timer.Reset(c.due[0].due.Sub(now))
	}
	c.publishLater()
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
