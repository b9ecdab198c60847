package amqprpc

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"
)

// tooLarge is how RabbitMQ refuses a message above its max_message_size, on closing the channel.
var tooLarge = regexp.MustCompile(`^PRECONDITION_FAILED - message size \d+ is larger than (?:configured )?max size (\d+)$`)

// refusedExchange matches how RabbitMQ refuses a publish to an exchange that does not exist or that the user may not
// write to, on closing the channel.
var refusedExchange = regexp.MustCompile(`^(?:NOT_FOUND|ACCESS_REFUSED) - .*exchange '(.+?)' in vhost '`)

// refusedPublish returns the reason if the broker has closed the channel over a publish like this one, and whether it
// certainly did not take this one.
func (c *Client) refusedPublish(why error, exchange string, size int) (reason error, certain bool) {
	if limit := c.maxMessage.Load(); int64(size) > limit {
		return fmt.Errorf("%w: a body of %d bytes, the broker takes %d", ErrInvalidRequest, size, limit), true
	}
	var refused *amqp.Error
	if exchange == "" || !errors.As(why, &refused) {
		return nil, false
	}
	// The exchange may have been there when this one was published.
	if m := refusedExchange.FindStringSubmatch(refused.Reason); m != nil && m[1] == exchange {
		return why, false
	}
	return nil, false
}

// learnMaxMessage lowers the limit if the broker has closed the channel over a message above its own.
func learnMaxMessage(limit *atomic.Int64, why error) {
	var refused *amqp.Error
	if !errors.As(why, &refused) {
		return
	}
	if m := tooLarge.FindStringSubmatch(refused.Reason); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && n < limit.Load() {
			limit.Store(n)
		}
	}
}
