package brokertest

import (
	"errors"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// NeedTransient skips the test if the broker at url takes no queues that are neither durable nor exclusive.
// RabbitMQ 4.3 closes the connection that declares one, unless its configuration permits them, as Debian's does.
func NeedTransient(t testing.TB, url string) {
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
	switch {
	case errors.As(err, &refused) && refused.Code == amqp.InternalError:
		t.Skip("the broker takes no transient queues")
	case err != nil:
		t.Fatal(err)
	}
}
