package amqprpc

import (
	"errors"
	"regexp"
	"strconv"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"
)

// tooLarge is how RabbitMQ refuses a message above its max_message_size, on closing the channel.
var tooLarge = regexp.MustCompile(`^PRECONDITION_FAILED - message size \d+ is larger than (?:configured )?max size (\d+)$`)

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
