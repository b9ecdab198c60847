package amqprpc

import (
	"context"
	"fmt"
	"strconv"

	"rpcscope/amqprpc/internal/link"
)

// ErrBlocked: the broker blocks publishers (a memory or disk alarm).
var ErrBlocked = fmt.Errorf("the broker blocks this connection")

// Publish sends a message to whom it names, by Exchange and RoutingKey, and waits for the broker's
// confirm, until ctx ends or for [Config.Timeout]. It is for messages that need no reply. It waits if
// the connection takes no more for the moment, but not for a connection or the end of an alarm, and a
// message is never sent again.
//
// Errors are [ErrInvalidRequest], [ErrConnectionLost], [ErrBlocked], [ErrClosed], [ErrUnroutable] (no
// queue took it), [ErrRejected] (the broker refused it) and the context's. Those of a message that
// cannot have reached a queue are [ErrNotExecuted] too. A message without a MessageID gets a random
// one, by which its return is recognized; no other with the same ID may be on its way. With NoConfirms it returns when the message is
// on its way, and with NoMandatory it does not notice that no queue took it.
func (c *Client) Publish(ctx context.Context, m Message) error {
	if err := checkMessage(&m, c.maxMessage.Load()); err != nil {
		return notSent{err}
	}
	switch { // for what else the broker would close the channel
	case m.UserID != "":
		return notSent{fmt.Errorf("%w: a user ID", ErrInvalidRequest)}
	case m.ReplyTo == directReplyTo && c.cfg.ReplyTo != ReplyToDirect:
		return notSent{fmt.Errorf("%w: a direct reply-to, which this client does not consume", ErrInvalidRequest)}
	case m.Exchange == "" && forgedReplyTo(m.RoutingKey):
		return notSent{fmt.Errorf("%w: %.64q is no address of a direct reply-to", ErrInvalidRequest, m.RoutingKey)}
	}
	if ctx.Err() != nil {
		return notSent{context.Cause(ctx)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if m.MessageID == "" {
		m.MessageID = newID()
	}
	w := &oneWay{messageID: m.MessageID, exchange: m.Exchange, size: len(m.Body), done: make(chan error, 1)}
	c.mu.Lock()
	s, err := c.awaitRoom(ctx)
	if err == nil && s.oneWays[m.MessageID] != nil {
		err = fmt.Errorf("%w: a message with the ID %.64q is on its way", ErrInvalidRequest, m.MessageID)
	}
	if err == nil {
		p := m.publishing()
		if err = s.Link.Publish(m.Exchange, m.RoutingKey, !c.cfg.NoMandatory, &p); err != nil {
			err = fmt.Errorf("%w: %w", ErrInvalidRequest, err)
		} else if !c.cfg.NoConfirms {
			s.confirms.Add(attempt{message: w})
			s.oneWays[m.MessageID] = w
		}
	}
	c.mu.Unlock()
	if err != nil {
		return notSent{err}
	}
	s.Flush()
	if c.cfg.NoConfirms {
		return nil
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no confirm: %w", context.Cause(ctx))
	}
}

// awaitRoom returns the session once its connection takes a publish. c.mu is held, but not while it waits.
func (c *Client) awaitRoom(ctx context.Context) (*clientSession, error) {
	for {
		s := c.session
		switch {
		case c.closed:
			return nil, ErrClosed
		case s == nil:
			return nil, ErrConnectionLost
		case s.blocked:
			return nil, ErrBlocked
		case s.ready():
			return s, nil
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		c.mu.Unlock()
		var err error
		select {
		case <-room:
		case <-s.Done():
			err = ErrConnectionLost
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		c.mu.Lock()
		if err != nil && !c.closed {
			return nil, err
		}
	}
}

// A oneWay is a message of Publish whose confirm is outstanding. Guarded by client.mu.
type oneWay struct {
	messageID, exchange string
	size                int
	returned            error
	done                chan error // has room for the result
}

// returnedOneWay notes that a message of Publish was returned. It returns false if it was none. client.mu
// is held.
func (s *clientSession) returnedOneWay(r *link.Return) bool {
	w := s.oneWays[r.Properties.MessageId]
	if w == nil {
		return false
	}
	w.returned = notSent{fmt.Errorf("%w: %d %s", ErrUnroutable, r.Code, r.Text)}
	return true
}

// confirmedOneWay ends a message of Publish. client.mu is held.
func (s *clientSession) confirmedOneWay(w *oneWay, acked bool) {
	delete(s.oneWays, w.messageID)
	switch {
	case w.returned != nil:
		w.done <- w.returned
	case !acked:
		w.done <- ErrRejected
	default:
		w.done <- nil
	}
}

// lostOneWay returns the error of a message whose connection was lost before its confirm.
func (c *Client) lostOneWay(w *oneWay, why error) error {
	reason, certain := c.refusedPublish(why, w.exchange, w.size)
	switch {
	case certain:
		return notSent{fmt.Errorf("%w: %w", ErrRejected, reason)}
	case reason != nil:
		return fmt.Errorf("%w: %w", ErrRejected, reason)
	}
	return fmt.Errorf("%w: %w", ErrConnectionLost, why)
}

// checkMessage returns an error for what AMQP cannot carry or a broker closes the channel for.
func checkMessage(m *Message, maxBody int64) error {
	for _, s := range [...]struct{ name, value string }{
		{"the exchange", m.Exchange}, {"the routing key", m.RoutingKey}, {"the content type", m.ContentType},
		{"the content encoding", m.ContentEncoding}, {"the correlation ID", m.CorrelationID}, {"the reply-to", m.ReplyTo},
		{"the message ID", m.MessageID}, {"the type", m.Type}, {"the user ID", m.UserID}, {"the app ID", m.AppID},
	} {
		if err := checkShort(s.name, s.value); err != nil {
			return err
		}
	}
	if m.Expiration != "" {
		if _, err := strconv.ParseUint(m.Expiration, 10, 32); err != nil {
			return fmt.Errorf("%w: an expiration that is not a number of milliseconds", ErrInvalidRequest)
		}
	}
	if int64(len(m.Body)) > maxBody {
		return fmt.Errorf("%w: a body of %d bytes, the limit is %d", ErrInvalidRequest, len(m.Body), maxBody)
	}
	return checkHeaders(m.Headers)
}
