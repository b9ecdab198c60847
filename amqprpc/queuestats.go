package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// QueueStats is the broker's information about a queue.
type QueueStats struct {
	Ready     int // messages waiting, without those delivered and not yet acked
	Consumers int
}

// ErrExclusive: the queue is exclusive to another connection. So it exists and has an owner, and the broker tells
// others no more. Requests can be sent to it.
var ErrExclusive = errors.New("the queue is exclusive to another connection")

// QueueStats asks the broker about a queue (a passive declare). It blocks for one round trip, at most until ctx
// ends. The first one after a connect opens a second connection, so that no question can harm a call.
//
// Errors are [ErrUnroutable] for a queue that does not exist, [ErrExclusive] for one that belongs to another
// connection, [ErrInvalidRequest] for one that cannot exist, [ErrConnectionLost] while disconnected, and
// [ErrClosed] after Close. Any other error means that the broker could not be asked.
func (c *Client) QueueStats(ctx context.Context, queue string) (QueueStats, error) {
	var q amqp.Queue // may still be written after inspect has returned an error
	err := c.inspect(ctx, queue, func(ch *amqp.Channel) (err error) {
		q, err = ch.QueueDeclarePassive(queue, false, false, false, false, nil)
		return err
	})
	if err != nil {
		return QueueStats{}, err
	}
	return QueueStats{Ready: q.Messages, Consumers: q.Consumers}, nil
}

// DeleteQueue deletes a queue and its messages. A queue that does not exist is no error. Otherwise it is as
// [Client.QueueStats].
func (c *Client) DeleteQueue(ctx context.Context, queue string) error {
	return c.inspect(ctx, queue, func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(queue, false, false, false)
		return err
	})
}

// inspect calls f with a channel, at most one at a time.
func (c *Client) inspect(ctx context.Context, queue string, f func(*amqp.Channel) error) error {
	if err := CheckQueueName(queue); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	c.mu.Lock()
	s, closed := c.session, c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case s == nil:
		return ErrConnectionLost
	}
	select {
	case s.inspector.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.Done():
		return ErrConnectionLost
	}
	// amqp091-go's requests take no context: one that gets no answer ends with the connection, which the end of the
	// session cuts.
	answered := make(chan error, 1)
	go func() {
		ch, err := s.Channel, error(nil)
		if queue != s.info.Queue { // which is exclusive to this connection, and costs no channel: it exists
			ch, err = s.inspectionChannel()
		}
		if err == nil {
			err = inspectError(queue, f(ch))
		}
		<-s.inspector.turn
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-s.Done():
		return ErrConnectionLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inspectError returns the error for the broker's answer to a question about a queue.
func inspectError(queue string, err error) error {
	switch amqpError(err).Code {
	case amqp.NotFound:
		return fmt.Errorf("%w: there is no queue %q", ErrUnroutable, queue)
	case amqp.ResourceLocked:
		return fmt.Errorf("%w: %q", ErrExclusive, queue)
	}
	return withPermission(err, "read")
}

// An inspector is a session's connection for questions about queues. It has a connection of its own, because
// RabbitMQ closes a connection that opens a channel too many (max-channels of a user). The first question opens it.
// It keeps one channel, which is opened again only if an answer has closed it.
type inspector struct {
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	turn   chan struct{} // holds a token while somebody asks; guards the rest
	link   *link.Link
	ch     *amqp.Channel
}

func newInspector() inspector {
	ctx, cancel := context.WithCancel(context.Background())
	return inspector{ctx: ctx, cancel: cancel, turn: make(chan struct{}, 1)}
}

// inspectionChannel returns the channel to ask on. The caller has the turn.
func (s *clientSession) inspectionChannel() (_ *amqp.Channel, err error) {
	in := &s.inspector
	switch {
	case in.link == nil || in.link.IsClosed():
		if in.link != nil {
			in.link.Close(0)
		}
		in.link, _, err = s.client.cfg.dial(in.ctx, s.info.url, noMessages{}, func(*link.Link) error { return nil })
		if err != nil {
			return nil, err
		}
		context.AfterFunc(in.ctx, in.link.Cut)
		in.ch = in.link.Channel
	case in.ch.IsClosed():
		ch, err := in.link.OpenChannel()
		if err != nil {
			return nil, fmt.Errorf("open a channel: %w", err)
		}
		in.ch = ch
	}
	return in.ch, nil
}

// close closes the connection, in order if it can be done within the timeout. Nobody gets the turn after that.
func (in *inspector) close(timeout time.Duration) {
	stop := time.AfterFunc(timeout, in.cancel)
	in.turn <- struct{}{}
	stop.Stop()
	if in.link != nil {
		in.link.Close(timeout)
	}
	in.cancel()
}

// noMessages is the handler of a link without messages.
type noMessages struct{}

func (noMessages) Delivered(link.Delivery)      {}
func (noMessages) Returned(link.Return)         {}
func (noMessages) Confirmed(uint64, bool, bool) {}
func (noMessages) Blocked(bool, string)         {}
func (noMessages) Writable()                    {}
