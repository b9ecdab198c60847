package amqprpc

import (
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// A QueueType says what a [Server] declares its request queue as.
type QueueType string

// The queue types. All are neither exclusive nor auto-deleted.
const (
	// QueueAuto uses the queue as it is where it exists, whoever declared it, and
	// else declares QueueQuorum.
	QueueAuto QueueType = "auto"
	// QueueQuorum is durable and replicated, with x-queue-type=quorum: what RabbitMQ
	// recommends today.
	QueueQuorum QueueType = "quorum"
	// QueueClassic is durable and names no type, as tutorials before quorum queues do: it is
	// classic unless the virtual host has another default queue type.
	QueueClassic QueueType = "classic"
	// QueueTransient is classic and does not outlive the broker, as in the older
	// tutorials. RabbitMQ 4.3 and later refuse it.
	QueueTransient QueueType = "transient"
)

// ParseQueueType reads the name of a queue type. The error wraps [ErrInvalidConfig].
func ParseQueueType(s string) (QueueType, error) {
	switch t := QueueType(s); t {
	case QueueAuto, QueueQuorum, QueueClassic, QueueTransient:
		return t, nil
	}
	return "", fmt.Errorf("%w: queue type %.40q is none of auto, quorum, classic, transient", ErrInvalidConfig, s)
}

// declare declares the request queue, which expires unless that is 0. An error closes the channel that it came
// on, so each try has its own.
func (t QueueType) declare(l *link.Link, name string, expires time.Duration) error {
	try := func(f func(*amqp.Channel) error) error {
		ch, err := l.OpenChannel()
		if err != nil {
			return err
		}
		if err := f(ch); err != nil {
			return err
		}
		return ch.Close()
	}
	exists := func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclarePassive(name, false, false, false, false, nil)
		return err
	}
	create := func(durable bool, args amqp.Table) error {
		if expires > 0 {
			args[amqp.QueueTTLArg] = expires.Milliseconds()
		}
		return try(func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(name, durable, false, false, false, args)
			return err
		})
	}
	quorum := amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum}
	switch t {
	case QueueQuorum:
		return create(true, quorum)
	case QueueClassic:
		return create(true, amqp.Table{})
	case QueueTransient:
		return create(false, amqp.Table{})
	}
	err := try(exists)
	if !isNotFound(err) {
		return err
	}
	err = create(true, quorum)
	if refused := (*amqp.Error)(nil); errors.As(err, &refused) && refused.Code == amqp.PreconditionFailed {
		return try(exists) // somebody was quicker and declared it otherwise
	}
	return err
}
