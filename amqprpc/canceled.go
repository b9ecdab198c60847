package amqprpc

import (
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// canceled says why the broker canceled the consumer. basic.cancel gives no reason, so it looks
// whether the queue is still there.
func (p *pair) canceled() error {
	looked := make(chan error, 1)
	go func() {
		ch, err := p.consumer.Channel()
		if err == nil {
			_, err = ch.QueueDeclarePassive(p.info.Queue, false, false, false, false, nil)
		}
		looked <- err
	}()
	var err error
	select {
	case err = <-looked:
	case <-time.After(time.Second):
		err = errors.New("the broker does not say whether the queue exists")
	case <-p.over:
		return nil
	}
	what := fmt.Sprintf("the broker canceled the consumer of the queue %q", p.info.Queue)
	switch e := (*amqp.Error)(nil); {
	case err == nil:
		return fmt.Errorf("%s, which exists: a message was not acked within the broker's consumer_timeout, or the queue was deleted and declared again, or it has moved", what)
	case errors.As(err, &e) && e.Code == amqp.NotFound && strings.Contains(e.Reason, "no queue"):
		return fmt.Errorf("%s: the queue was deleted", what)
	}
	return fmt.Errorf("%s: %w", what, err) // as of a queue whose node is down
}

// withTimeout says it plainly if the broker closed the channel because of an ack that did not
// come, as RabbitMQ does before 4.3, and returns other errors as they are.
func withTimeout(err *amqp.Error) error {
	if err.Code == amqp.PreconditionFailed && strings.Contains(err.Reason, "delivery acknowledgement") {
		return fmt.Errorf("a message was not acked within the broker's consumer_timeout: %w", err)
	}
	return err
}
