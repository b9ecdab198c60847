package amqprpc

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// whyLost returns why a link ended that is not yet closed. wg counts a goroutine that ends with the
// connection.
func whyLost(l *link.Link, queue string, wg *sync.WaitGroup) error {
	err := l.Err()
	closed := amqpError(err)
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*link.CancelError)):
		return whyCanceled(l, queue, wg)
	case closed.Code == amqp.PreconditionFailed && strings.Contains(closed.Reason, "delivery acknowledgement"):
		// RabbitMQ before 4.3 closes the channel.
		return fmt.Errorf("a message was not acked within the broker's consumer_timeout: %w", err)
	}
	return withPermission(err, "read")
}

// whyCanceled returns why the broker canceled the consumer of a queue. basic.cancel gives no reason, so it asks
// whether the queue still exists.
func whyCanceled(l *link.Link, queue string, wg *sync.WaitGroup) error {
	answer := make(chan error, 1)
	wg.Go(func() {
		ch, err := l.OpenChannel()
		if err == nil {
			_, err = ch.QueueDeclarePassive(queue, false, false, false, false, nil)
		}
		answer <- err
	})
	var err error
	select {
	case err = <-answer:
	case <-time.After(time.Second):
		err = errors.New("the broker does not say whether the queue exists")
	}
	canceled := fmt.Sprintf("the broker canceled the consumer of the queue %q", queue)
	switch {
	case err == nil:
		return fmt.Errorf("%s, which exists: a message was not acked within the broker's consumer_timeout, or the queue was deleted and declared again, or it has moved", canceled)
	case amqpError(err).Code == amqp.NotFound && strings.Contains(err.Error(), "no queue"):
		return fmt.Errorf("%s: the queue was deleted", canceled)
	}
	return fmt.Errorf("%s: %w", canceled, err) // as of a queue whose node is down
}
