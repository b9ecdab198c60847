package amqprpc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// CheckQueueName returns an error if a name is not fit for a queue. AMQP has names of 1 to 255 bytes in UTF-8.
// Control characters are refused as well: RabbitMQ removes line breaks from the name that is declared, but not from
// the one that is published to. The error is one line, and quotes the name.
func CheckQueueName(name string) error {
	switch {
	case name == "":
		return errors.New("the queue's name is empty")
	case len(name) > maxShortString:
		return fmt.Errorf("the queue's name is longer than %d bytes", maxShortString)
	case !utf8.ValidString(name):
		return fmt.Errorf("the queue's name %+q is not valid UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the queue's name %+q has control characters", name)
	}
	return nil
}

// A QueueType is the type of queue that a [Server] declares.
type QueueType string

// The queue types. All are neither exclusive nor auto-deleted.
const (
	QueueAuto      QueueType = "auto"      // as it is if the queue exists, else QueueQuorum
	QueueQuorum    QueueType = "quorum"    // durable and replicated (x-queue-type=quorum), as RabbitMQ recommends
	QueueClassic   QueueType = "classic"   // durable, and classic unless the virtual host has another default type
	QueueTransient QueueType = "transient" // classic, gone with the broker's process; RabbitMQ 4.3 may refuse it
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
