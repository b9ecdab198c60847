package amqprpc

import (
	"fmt"
	"time"
)

// classify gives a reply its class and its call. c.mu is held.
func (c *Client) classify(m Message) Class {
	now := time.Now() // with the lock held: what has ended has ended before now
	call, waiting := c.calls[m.CorrelationID]
	if waiting && !call.deadline.After(now) {
		// The alarm is behind. Which of the two comes first must not matter.
		c.fail(call, now, Timeout, nil)
		waiting = false
	}
	if waiting {
		if outcome, reason := deadLettered(&m); outcome != InFlight {
			c.fail(call, now, outcome, fmt.Errorf("dead-lettered: %s", reason))
			waiting = false
		}
	}
	if waiting {
		outcome := Completed
		latency := now.Sub(call.published)
		call.reply = replyFrom(m, latency)
		if remote := m.remoteError(); remote != nil {
			outcome = Remote
			call.err = &CallError{ID: call.id, To: call.req.place(), Outcome: Remote, Attempts: call.attempts, Err: remote}
		}
		c.observeReply(now, m, Event{Attempt: call.attempts, Class: Answer, Outcome: outcome, Since: latency})
		c.finish(call, now, outcome, m.AppID)
		return Answer
	}
	was, known := c.ended.get(m.CorrelationID, now)
	since := now.Sub(was.at) + was.value.overdue
	switch {
	case !known:
		c.observeReply(now, m, Event{Class: Unknown})
		return Unknown
	case was.value.outcome == Completed || was.value.outcome == Remote:
		c.observeReply(now, m, Event{Class: Duplicate, Outcome: was.value.outcome, Since: since, AnsweredBy: was.value.server})
		return Duplicate
	default:
		c.observeReply(now, m, Event{Class: Late, Outcome: was.value.outcome, Since: since})
		return Late
	}
}

// observeReply tells the observer of a reply. The copy of m is made only when there
// is somebody to tell. c.mu is held.
func (c *Client) observeReply(now time.Time, m Message, e Event) {
	if c.cfg.Observer == nil {
		return
	}
	seen := m // only this copy goes to the heap
	e.Kind, e.Time, e.ID, e.Message = EventReply, now, m.CorrelationID, &seen
	if c.session != nil {
		e.Epoch = c.session.number
	}
	c.cfg.Observer.Observe(e)
}

// deadLettered recognizes a request that came back instead of a reply: somebody
// forwarded it from a dead-letter queue to its reply_to. Outcome is InFlight where
// it is none. A reply names no reply_to, even if it repeats its request's headers.
func deadLettered(m *Message) (Outcome, string) {
	reason, ok := m.Headers["x-first-death-reason"].(string)
	if !ok || m.ReplyTo == "" {
		return InFlight, ""
	}
	if reason == "expired" {
		return Expired, reason
	}
	return Rejected, fmt.Sprintf("%.40q", reason)
}
