package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// ErrExclusive: the queue is exclusive to another connection. So it exists and has an owner, and
// the broker tells nobody else more. Requests can be sent to it.
var ErrExclusive = errors.New("the queue is exclusive to another connection")

// A lookout asks the broker of an epoch about queues. It has a connection of its own, because
// RabbitMQ closes a connection that opens a channel too many (max-channels of a user): opened at
// the first question and kept, with one channel, which is opened again only if an answer has
// closed it.
type lookout struct {
	broker *Broker
	url    string
	ctx    context.Context // ends what is under way
	cancel context.CancelFunc
	turn   chan struct{} // holds a token while somebody asks; guards what follows
	link   *link
	spare  func() bool // keeps the end of ctx from cutting the link
	ch     *amqp.Channel
}

func newLookout(b *Broker, url string) *lookout {
	l := &lookout{broker: b, url: url, turn: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// channel returns the channel to ask on. The caller has the turn.
func (l *lookout) channel() (_ *amqp.Channel, err error) {
	if l.ch != nil && !l.ch.IsClosed() {
		return l.ch, nil
	}
	if l.link != nil && l.link.IsClosed() {
		l.spare()
		l.link.close(0)
		l.link = nil
	}
	if l.link == nil {
		ctx, cancel := context.WithTimeout(l.ctx, l.broker.DialTimeout)
		defer cancel()
		if l.link, err = l.broker.dial(ctx, l.url, "look", nil); err != nil {
			return nil, err
		}
		l.spare = context.AfterFunc(l.ctx, l.link.cut)
	}
	if l.ch, err = l.link.Channel(); err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	return l.ch, nil
}

// ask asks about a queue, by a passive declare on that channel. A queue that does not exist and
// one that is exclusive to somebody else cost the channel.
func ask(ch *amqp.Channel, queue string) (QueueStats, error) {
	q, err := ch.QueueDeclarePassive(queue, false, false, false, false, nil)
	refused := (*amqp.Error)(nil)
	switch {
	case err == nil:
		return QueueStats{Ready: q.Messages, Consumers: q.Consumers}, nil
	case !errors.As(err, &refused):
	case refused.Code == amqp.NotFound:
		err = fmt.Errorf("%w: there is no queue %q", ErrUnroutable, queue)
	case refused.Code == amqp.ResourceLocked:
		err = fmt.Errorf("%w: %q", ErrExclusive, queue)
	default:
		err = WithPermission(err, "read")
	}
	return QueueStats{}, err
}

// close closes the connection, politely if that can be done within the time. Nobody gets a turn
// after that.
func (l *lookout) close(polite time.Duration) {
	impatient := time.AfterFunc(polite, l.cancel)
	l.turn <- struct{}{}
	impatient.Stop()
	if l.link != nil {
		l.spare()
		l.link.close(polite)
	}
	l.cancel()
}
