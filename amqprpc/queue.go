package amqprpc

import (
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// A QueueType is the type of queue that a [Server] declares.
type QueueType string

// The queue types. All are neither exclusive nor auto-deleted.
const (
	// QueueAuto uses the queue as it is if it exists, and else declares QueueQuorum.
	QueueAuto QueueType = "auto"
	// QueueQuorum is durable and replicated, with x-queue-type=quorum, as RabbitMQ recommends today.
	QueueQuorum QueueType = "quorum"
	// QueueClassic is durable and names no type: it is classic unless the virtual host has another default queue
	// type.
	QueueClassic QueueType = "classic"
	// QueueTransient is classic and does not outlive the broker, as in the older tutorials. RabbitMQ 4.3 and later
	// refuse it.
	QueueTransient QueueType = "transient"
)

// ParseQueueType reads the name of a queue type. The error wraps [ErrInvalidConfig].
func ParseQueueType(s string) (QueueType, error) {
	if !slices.Contains([]QueueType{QueueAuto, QueueQuorum, QueueClassic, QueueTransient}, QueueType(s)) {
		return "", fmt.Errorf("%w: queue type %.40q is none of auto, quorum, classic, transient", ErrInvalidConfig, s)
	}
	return QueueType(s), nil
}

// declare declares the request queue, which expires unless that is 0.
func (t QueueType) declare(l *link.Link, name string, expires time.Duration) error {
	args := amqp.Table{}
	if expires > 0 {
		args[amqp.QueueTTLArg] = expires.Milliseconds()
	}
	if t == QueueClassic || t == QueueTransient {
		return declareQueue(l, name, t == QueueClassic, args)
	}
	if t == QueueAuto {
		if err := declareQueue(l, name, false, nil); amqpError(err).Code != amqp.NotFound {
			return err
		}
	}
	args[amqp.QueueTypeArg] = amqp.QueueTypeQuorum
	err := declareQueue(l, name, true, args)
	if t == QueueAuto && amqpError(err).Code == amqp.PreconditionFailed { // another server has just declared it otherwise
		return declareQueue(l, name, false, nil)
	}
	return err
}

// declareQueue declares a queue or, without arguments, asks whether it exists. An error closes the channel, so each
// declare has its own.
func declareQueue(l *link.Link, name string, durable bool, args amqp.Table) error {
	ch, err := l.OpenChannel()
	if err != nil {
		return err
	}
	if args == nil {
		_, err = ch.QueueDeclarePassive(name, false, false, false, false, nil)
	} else {
		_, err = ch.QueueDeclare(name, durable, false, false, false, args)
	}
	if err != nil {
		return err
	}
	return ch.Close()
}
