package amqprpc

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// amqpError returns the error of a broker or of amqp091-go that err wraps, and the zero Error if there is none.
func amqpError(err error) amqp.Error {
	if e := (*amqp.Error)(nil); errors.As(err, &e) {
		return *e
	}
	return amqp.Error{}
}

// brokerCode returns the reply code that a broker has closed a channel or connection with; 0 if it was not the
// broker.
func brokerCode(err error) int {
	if e := amqpError(err); e.Server {
		return e.Code
	}
	return 0
}

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

// tooLarge matches how RabbitMQ refuses a message above its max_message_size, on closing the channel.
var tooLarge = regexp.MustCompile(`^PRECONDITION_FAILED - message size \d+ is larger than (?:configured )?max size (\d+)$`)

// refusedExchange matches how RabbitMQ refuses a publish to an exchange that does not exist or that the user may
// not write to, on closing the channel.
var refusedExchange = regexp.MustCompile(`^(?:NOT_FOUND|ACCESS_REFUSED) - .*exchange '(.+?)' in vhost '`)

// refusedPublish returns the reason if the broker has closed the channel because of a publish like this one, and
// whether it certainly did not take this one.
func (c *Client) refusedPublish(why error, exchange string, size int) (reason error, certain bool) {
	if limit := c.maxMessage.Load(); int64(size) > limit {
		return fmt.Errorf("%w: a body of %d bytes, the broker takes %d", ErrInvalidRequest, size, limit), true
	}
	m := refusedExchange.FindStringSubmatch(amqpError(why).Reason)
	if exchange != "" && m != nil && m[1] == exchange { // which may have been there when this one was published
		return why, false
	}
	return nil, false
}

// learnMaxMessage lowers the limit if the broker has closed the channel because of a message above its own.
func learnMaxMessage(limit *atomic.Int64, why error) {
	if m := tooLarge.FindStringSubmatch(amqpError(why).Reason); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && n < limit.Load() {
			limit.Store(n)
		}
	}
}
