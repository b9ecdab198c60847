package amqprpc

import (
	"errors"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// whyLost explains the error that a link ended with. queueOf returns the queue of a consumer.
func whyLost(err error, queueOf func(consumerTag string) string) error {
	const unacked = "a message was not acked within the broker's consumer_timeout"
	var canceled *link.CancelError
	switch closed := amqpError(err); {
	case errors.As(err, &canceled): // basic.cancel gives no reason
		return fmt.Errorf("the broker canceled the consumer of the queue %q: the queue was deleted or has moved, or %s", queueOf(canceled.ConsumerTag), unacked)
	case closed.Code == amqp.PreconditionFailed && strings.Contains(closed.Reason, "delivery acknowledgement"):
		return fmt.Errorf("%s: %w", unacked, err) // RabbitMQ before 4.3 closes the channel
	}
	return withPermission(err, "read")
}
