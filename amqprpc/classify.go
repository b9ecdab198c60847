package amqprpc

import (
	"fmt"
	"time"
)

// classify gives a reply its class, and ends its call if it is the answer. Every message that comes off the
// callback queue is classified here. A request that comes back dead-lettered fails its call, and is then itself
// counted as a received reply of the class Late. c.mu is held.
func (c *Client) classify(m Message) Class {
	now := time.Now() // with the lock held: calls that have ended have ended before now
	call := c.calls[m.CorrelationID]
	if call != nil {
		if !call.deadline.After(now) {
			// The timer has not fired yet. Which of the two comes first must not matter.
			c.fail(call, now, Timeout, nil)
			call = nil
		} else if outcome, reason := deadLettered(&m); outcome != InFlight {
			c.fail(call, now, outcome, fmt.Errorf("dead-lettered: %s", reason))
			call = nil
		}
	}
	e := Event{Class: Unknown}
	if call != nil {
		e = Event{Class: Answer, Outcome: Completed, Attempt: call.attempts, Since: now.Sub(call.published)}
		call.reply = replyFrom(m, e.Since)
		if remote := m.remoteError(); remote != nil {
			e.Outcome = Remote
			call.err = &CallError{ID: call.id, To: call.message.destination(), Outcome: Remote, Attempts: call.attempts, Err: remote}
		}
	} else if ended, known := c.ended.get(m.CorrelationID, now); known {
		e = Event{Class: Late, Outcome: ended.value.outcome, Since: now.Sub(ended.at) + ended.value.overdue}
		if e.Outcome == Completed || e.Outcome == Remote {
			e.Class, e.AnsweredBy = Duplicate, ended.value.server
		}
	}
	if c.cfg.Observer != nil {
		seen := m // only this copy goes to the heap
		e.Kind, e.Time, e.ID, e.Message = EventReply, now, m.CorrelationID, &seen
		if c.session != nil {
			e.Epoch = c.session.number
		}
		c.observe(e)
	}
	if call != nil {
		c.finish(call, now, e.Outcome, m.AppID)
	}
	return e.Class
}

// deadLettered recognizes a request that was forwarded from a dead-letter queue to its own reply_to. The outcome is
// InFlight if the message is none. A reply names no reply_to, even if it repeats its request's headers.
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
