package amqprpc

import (
	"fmt"
	"regexp"
	"strconv"
	"sync/atomic"
)

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
