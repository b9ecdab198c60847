package brokertest

import (
	"errors"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// TakesTransient says whether the broker at url takes queues that are neither durable nor
// exclusive: RabbitMQ 4.3 closes the connection of whoever declares one, unless its configuration
// permits them. Debian's 4.3 does.
func TakesTransient(t testing.TB, url string) bool {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	_, err = ch.QueueDeclare(QueueName(t), false, false, false, false, nil)
	var refused *amqp.Error
	if err != nil && (!errors.As(err, &refused) || refused.Code != amqp.InternalError) {
		t.Fatal(err)
	}
	return err == nil
}

// NeedTransient skips the test where the broker at url takes no transient queues.
func NeedTransient(t testing.TB, url string) {
	t.Helper()
	if !TakesTransient(t, url) {
		t.Skip("the broker takes no transient queues")
	}
}
