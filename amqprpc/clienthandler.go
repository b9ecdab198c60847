package amqprpc

import (
	"fmt"
	"strconv"
	"time"

	"rpcscope/amqprpc/internal/link"
)

// An attempt is one publish: of a call, or of a message of [Client.Publish].
type attempt struct {
	call    *Call
	number  int
	message *oneWay
}

// maxUnconfirmed bounds the publishes whose confirms are outstanding, and with them the memory that a broker can
// take by withholding them.
const maxUnconfirmed = 4096

// publishQueued adds calls of the outbox to the connection, as many as it takes now. The caller must flush the
// session that it returns, if it is not nil. c.mu is held.
func (c *Client) publishQueued() *clientSession {
	s := c.session
	if s == nil {
		return nil
	}
	for call := c.outbox.first; call != nil && s.ready(); call = c.outbox.first {
		c.outbox.remove(call)
		call.state = published
		now := time.Now()
		if !call.deadline.After(now) {
			c.fail(call, now, Timeout, nil)
			continue
		}
		call.session, call.published = s.number, now
		call.attempts++
		m := s.attemptMessage(call, now)
		p := m.publishing()
		if err := s.Link.Publish(m.Exchange, m.RoutingKey, !c.cfg.NoMandatory, &p); err != nil {
			c.fail(call, now, Rejected, fmt.Errorf("%w: %w", ErrInvalidRequest, err))
			continue
		}
		call.unaccounted++ // from here on a server may get it
		if !c.cfg.NoConfirms {
			s.unconfirmed.Add(attempt{call: call, number: call.attempts})
		}
		if c.cfg.Observer != nil {
			seen := m // only this copy goes to the heap
			c.observe(Event{Kind: EventPublished, Time: now, ID: call.id, Attempt: call.attempts, Epoch: s.number, Message: &seen})
		}
	}
	if s.room != nil && (s.blocked || s.ready()) {
		close(s.room)
		s.room = nil
	}
	return s
}

// publishLater publishes calls of the outbox without blocking: the link's goroutine sends them. c.mu is held.
func (c *Client) publishLater() {
	if s := c.publishQueued(); s != nil {
		s.FlushLater()
	}
}

// ready reports whether the connection takes publishes now. If it returns false, a Blocked, Confirmed or Writable
// follows. client.mu is held.
func (s *clientSession) ready() bool {
	return !s.blocked && s.unconfirmed.Len() < maxUnconfirmed && s.HasRoom()
}

// maxExpiration is the longest expiration that RabbitMQ takes, in ms (seven weeks).
const maxExpiration = 1<<32 - 1

// attemptMessage returns the message of a call's next attempt. client.mu is held.
func (s *clientSession) attemptMessage(call *Call, now time.Time) Message {
	left := min(call.deadline.Sub(now), maxExpiration*time.Millisecond)
	ms := (left + time.Millisecond - 1) / time.Millisecond // rounded up: never before the caller's own deadline
	m := call.message
	m.Headers = withMeta(m.Headers, call.meta())
	m.ReplyTo = s.info.Queue
	m.Expiration = strconv.FormatInt(int64(ms), 10)
	m.Timestamp = now
	return m
}

// Delivered takes a reply off the callback queue.
func (s *clientSession) Delivered(d link.Delivery) {
	m := messageFrom(d.Exchange, d.RoutingKey, d.Properties)
	m.Redelivered = d.Redelivered
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.classify(m) != Unknown {
		c.refusals.accepted()
	}
}

// Confirmed takes a publisher confirm.
func (s *clientSession) Confirmed(tag uint64, multiple, acked bool) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	now, n := time.Now(), 0
	s.unconfirmed.Confirm(tag, multiple, func(a attempt) {
		n++
		if a.message != nil {
			s.confirmedOneWay(a.message, acked)
		} else {
			s.confirmedCall(a, acked, now)
		}
	})
	switch {
	case n == 0:
	case acked:
		c.refusals.accepted()
	case c.refusals.refused(n, now) && !s.waitsSince(c.refusals.since):
		s.Fail(fmt.Errorf("the broker has refused every request for %.0f s: reconnecting", c.refusals.bound().Seconds()))
		c.refusals.gaveUp()
	}
	c.publishLater()
}

// confirmedCall takes the confirm of one attempt of a call. c.mu is held.
func (s *clientSession) confirmedCall(a attempt, acked bool, now time.Time) {
	c := s.client
	kind := EventConfirmed
	if !acked {
		kind = EventNacked
	}
	c.observe(Event{Kind: kind, Time: now, ID: a.call.id, Attempt: a.number, Epoch: s.number})
	if !acked && a.call.state == published && a.call.attempts == a.number {
		// A nack does not prove that nobody executed the request: a queue can die between its delivery and its
		// confirm.
		c.retryOrFail(a.call, now, Rejected, nil, true)
	}
}

// waitsSince reports whether a call waits that was published before t: the broker may have taken it, a server may
// be executing it, and its reply would be lost with the connection. client.mu is held.
func (s *clientSession) waitsSince(t time.Time) bool {
	for _, call := range s.client.calls {
		if call.state == published && call.published.Before(t) {
			return true
		}
	}
	return false
}

// Returned takes a message that no queue took.
func (s *clientSession) Returned(r link.Return) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	m := messageFrom(r.Exchange, r.RoutingKey, r.Properties)
	meta, _ := m.Headers[HeaderRPC].(string)
	if w := s.oneWays[m.MessageID]; w != nil && w.meta == meta {
		w.err = notExecuted{fmt.Errorf("%w: %d %s", ErrUnroutable, r.Code, r.Text)}
		return
	}
	now := time.Now()
	c.observe(Event{Kind: EventReturned, Time: now, ID: m.CorrelationID, Attempt: ParseMeta(meta).Attempt, Epoch: s.number, Code: r.Code, Text: r.Text})
	call := c.calls[m.CorrelationID]
	if call == nil || call.state != published || call.meta().String() != meta { // of an earlier attempt, or of an earlier call of the same ID
		return
	}
	call.unaccounted--
	c.retryOrFail(call, now, Unroutable, fmt.Errorf("%d %s", r.Code, r.Text), true)
	c.publishLater()
}

// Blocked is called if the broker blocks publishers, and if it unblocks them.
func (s *clientSession) Blocked(active bool, reason string) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.blocked == active {
		return
	}
	s.blocked = active
	kind := EventUnblocked
	if active {
		kind = EventBlocked
	}
	c.observe(Event{Kind: kind, Time: time.Now(), Epoch: s.number, Text: reason})
	c.publishLater()
}

// Writable is called once the connection takes more.
func (s *clientSession) Writable() {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	s.client.publishLater()
}
