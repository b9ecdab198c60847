package amqprpc_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// DeleteQueue deletes a queue with its messages, and nobody else's exclusive one. It costs no call its connection.
func TestDeleteQueue(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	ch := openChannel(t, url)
	send(t, ch, queue, amqp.Publishing{})
	exclusive, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Observer: observed})
	for range 2 { // the second finds none, which is no error
		if err := c.DeleteQueue(t.Context(), queue); err != nil {
			t.Error(err)
		}
	}
	_, err = c.QueueStats(t.Context(), queue)
	wantIs(t, err, amqprpc.ErrUnroutable)
	wantIs(t, c.DeleteQueue(t.Context(), exclusive.Name), amqprpc.ErrExclusive)
	if _, err := ch.QueueDeclarePassive(exclusive.Name, false, true, true, false, nil); err != nil {
		t.Errorf("somebody's exclusive queue: %v", err)
	}
	for _, bad := range []string{"", "a\nb"} {
		wantIs(t, c.DeleteQueue(t.Context(), bad), amqprpc.ErrInvalidRequest)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
	c.Close()
	wantIs(t, c.DeleteQueue(t.Context(), queue), amqprpc.ErrClosed)
}
