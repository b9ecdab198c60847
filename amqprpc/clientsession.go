package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/link"
	"rpcscope/amqprpc/internal/wire"
)

// A clientSession is a client's time on one connection, with one callback queue. It is the handler of its link: the
// link's goroutines call its methods in clienthandler.go.
type clientSession struct {
	*link.Link
	client *Client
	number int // 1 for the client's first
	info   ConnectionInfo

	// Guarded by client.mu.
	blocked     bool // by an alarm
	unconfirmed link.Confirms[attempt]
	oneWays     map[string]*oneWay // whose confirms are outstanding, by message ID
	room        chan struct{}      // closed once the connection takes a publish; nil if nobody waits

	inspector inspector
	wg        sync.WaitGroup // its goroutines beside the link's
}

func (c *Client) newSession() *clientSession {
	return &clientSession{client: c, oneWays: make(map[string]*oneWay), inspector: newInspector()}
}

// connect opens a session on the first broker that answers.
func (c *Client) connect(ctx context.Context) (*clientSession, error) {
	s := c.newSession()
	queue := wire.DirectReplyTo
	l, info, err := c.cfg.connect(ctx, &c.nextURL, s, func(l *link.Link) error {
		if c.cfg.ReplyTo == ReplyToExclusive {
			q, err := l.Channel.QueueDeclare("", false, true, true, false, nil)
			if err != nil {
				return fmt.Errorf("declare the callback queue: %w", withPermission(err, "configure"))
			}
			queue = q.Name
		}
		// Replies go to s.Delivered, so nothing comes through the channel that this returns.
		if _, err := l.Channel.Consume(queue, c.cfg.ConsumerTag, true, c.cfg.ReplyTo == ReplyToExclusive, false, false, nil); err != nil {
			return fmt.Errorf("consume the callback queue: %w", withPermission(err, "read"))
		}
		if c.cfg.NoConfirms {
			return nil
		}
		if err := l.Channel.Confirm(false); err != nil {
			return fmt.Errorf("select confirms: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Link, s.info = l, info
	s.info.Queue = queue
	return s, nil
}

// begin makes s the client's session. c.mu is held.
func (c *Client) begin(s *clientSession) {
	c.sessions++
	s.number = c.sessions
	c.session = s
	c.refusals.restart()
	info := s.info
	c.observe(Event{Kind: EventConnected, Time: time.Now(), Epoch: s.number, Connection: &info})
	c.publishLater()
}

// stayConnected runs one session after another until the client is closed.
func (c *Client) stayConnected(s *clientSession) {
	defer close(c.done)
	wait := c.cfg.Backoff.start()
	for {
		began := time.Now()
		err := c.runSession(s)
		denied := errors.As(err, new(*PermissionError)) // reconnecting will not help, so wait
		if !denied {
			err = nil // the observer was told
		}
		if !denied && time.Since(began) > time.Second {
			wait.Reset() // a connection that is lost at once is not retried without a pause
		} else if !c.pause(wait.NextBackOff(), err) {
			return
		}
		for s, err = c.connect(c.ctx); err != nil; s, err = c.connect(c.ctx) {
			if !c.pause(wait.NextBackOff(), err) {
				return
			}
		}
		c.mu.Lock()
		if !c.closed {
			c.begin(s)
		}
		c.mu.Unlock()
	}
}

// pause waits before the next try to connect. It returns false if the client is closed.
func (c *Client) pause(d time.Duration, why error) bool {
	c.mu.Lock()
	if !c.closed {
		c.observe(Event{Kind: EventReconnecting, Time: time.Now(), Epoch: c.sessions, Delay: d, Text: errorText(why)})
	}
	c.mu.Unlock()
	select {
	case <-time.After(d):
		return true
	case <-c.ctx.Done():
		return false
	}
}

// runSession serves a session from its beginning to its end, and returns why it ended.
func (c *Client) runSession(s *clientSession) error {
	s.wg.Go(s.Watch)
	select {
	case <-c.ctx.Done():
		s.Fail(ErrClosed)
	case <-s.Done():
	}
	err := whyLost(s.Err(), func(string) string { return s.info.Queue })
	learnMaxMessage(&c.maxMessage, err)

	c.mu.Lock()
	c.session = nil
	closeTimeout := 100 * time.Millisecond // perhaps only the channel has died
	now := time.Now()
	if c.closed {
		closeTimeout = time.Second
	} else {
		c.observe(Event{Kind: EventDisconnected, Time: now, Epoch: s.number, Code: brokerCode(err), Text: errorText(err)})
		for _, call := range c.calls {
			if call.state == published {
				c.connectionLost(call, now, err)
			}
		}
	}
	s.unconfirmed.Confirm(0, true, func(a attempt) {
		if a.message != nil {
			c.lostOneWay(a.message, err)
		}
	})
	c.mu.Unlock()
	s.wg.Go(func() { s.inspector.close(closeTimeout) })
	s.Close(closeTimeout)
	s.wg.Wait()
	return err
}

// connectionLost retries or fails a published call whose connection was lost. It is not retried if it would cost
// the next connection, too. c.mu is held.
func (c *Client) connectionLost(call *Call, now time.Time, why error) {
	if reason, certain := c.refusedPublish(why, call.message.Exchange, len(call.message.Body)); reason != nil {
		if certain {
			call.unaccounted--
		}
		c.fail(call, now, Rejected, reason)
		return
	}
	c.retryOrFail(call, now, ConnectionLost, why, false)
}
