package amqprpc

import (
	"context"
	"errors"
	"fmt"

	"rpcscope/amqprpc/internal/wire"
)

// ErrBlocked: the broker blocks publishers (a memory or disk alarm).
var ErrBlocked = errors.New("the broker blocks this connection")

// Publish sends a message to its Exchange and RoutingKey, and waits for the broker's confirm, until ctx ends or for
// [Config.Timeout]. It is for messages that need no reply. It waits if the connection takes no more for the moment,
// but not for a connection or the end of an alarm, and a message is never sent again.
//
// Errors are [ErrInvalidRequest], [ErrConnectionLost], [ErrBlocked], [ErrClosed], [ErrUnroutable] (no queue took
// it), [ErrRejected] (the broker refused it) and the context's. Those of a message that cannot have reached a queue
// are [ErrNotExecuted] too. With NoConfirms it returns when the message is sent, and with NoMandatory it does not
// notice that no queue took it.
//
// The MessageID identifies the message if it is returned. The default is a random one. The ID of a message whose
// confirm is outstanding is refused.
func (c *Client) Publish(ctx context.Context, m Message) error {
	err := checkMessage(&m, c.maxMessage.Load())
	switch { // the broker would close the channel
	case err != nil:
	case m.UserID != "":
		err = fmt.Errorf("%w: a user ID", ErrInvalidRequest)
	case m.ReplyTo == wire.DirectReplyTo && c.cfg.ReplyTo != ReplyToDirect:
		err = fmt.Errorf("%w: a direct reply-to, which this client does not consume", ErrInvalidRequest)
	default:
		err = context.Cause(ctx)
	}
	if err != nil {
		return notExecuted{err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if m.MessageID == "" {
		m.MessageID = newID()
	}
	w := &oneWay{messageID: m.MessageID, exchange: m.Exchange, size: len(m.Body), done: make(chan error, 1)}
	w.meta, _ = m.Headers[HeaderRPC].(string)
	c.mu.Lock()
	s, err := c.awaitRoom(ctx)
	if err == nil {
		err = s.publishOneWay(&m, w)
	}
	c.mu.Unlock()
	if err != nil {
		return notExecuted{err}
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
	meta                string // its header x-rpc: no call has the same
	size                int
	err                 error      // of its return
	done                chan error // has room for the result
}

// publishOneWay adds a message to the connection. client.mu is held.
func (s *clientSession) publishOneWay(m *Message, w *oneWay) error {
	if s.oneWays[m.MessageID] != nil {
		return fmt.Errorf("%w: the confirm of a message with the ID %.64q is outstanding", ErrInvalidRequest, m.MessageID)
	}
	p := m.publishing()
	if err := s.Link.Publish(m.Exchange, m.RoutingKey, !s.client.cfg.NoMandatory, &p); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	if !s.client.cfg.NoConfirms {
		s.unconfirmed.Add(attempt{message: w})
		s.oneWays[m.MessageID] = w
	}
	return nil
}

// confirmedOneWay ends a message of Publish. client.mu is held.
func (s *clientSession) confirmedOneWay(w *oneWay, acked bool) {
	if w.err == nil && !acked {
		w.err = ErrRejected
	}
	delete(s.oneWays, w.messageID)
	w.done <- w.err
}

// lostOneWay ends a message of Publish whose connection was lost before its confirm. client.mu is held.
func (c *Client) lostOneWay(w *oneWay, why error) {
	reason, certain := c.refusedPublish(why, w.exchange, w.size)
	err := fmt.Errorf("%w: %w", ErrRejected, reason)
	switch {
	case reason == nil:
		err = fmt.Errorf("%w: %w", ErrConnectionLost, why)
	case certain:
		err = notExecuted{err}
	}
	w.done <- err
}
