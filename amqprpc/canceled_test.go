package amqprpc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// The log of a server whose consumer the broker canceled names the queue.
func TestLogNamesCanceledQueue(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	var logged logBuffer
	s := &amqprpc.Server{ConnConfig: at(url), Queue: queue + "-first", Handler: echo, Observer: logged.observer()}
	s.Handle(queue, echo)
	serve(t, s)
	withChannel(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(queue, false, false, false)
		return err
	})
	eventually(t, s, "a reconnect", func(n amqprpc.ServerStats) bool { return n.Reconnects == 1 })
	want := fmt.Sprintf(`the broker canceled the consumer of the queue \"%s\": the queue was deleted`, queue)
	if !strings.Contains(logged.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, logged.String())
	}
}

// RabbitMQ before 4.3 closes the channel because of a message that is not acked in time, later ones cancel the
// consumer. The log names consumer_timeout either way.
func TestLogNamesConsumerTimeout(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{Conf: "consumer_timeout = 100"})
	brokertest.Ctl(t, node, "eval", "application:set_env(rabbit, channel_tick_interval, 100).") // how often a channel looks
	var logged logBuffer
	redelivered := make(chan struct{}, 1)
	queue := brokertest.QueueName(t)
	serve(t, &amqprpc.Server{
		ConnConfig: at(node.URL()), Queue: queue, QueueType: amqprpc.QueueQuorum, Observer: logged.observer(),
		Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			if req.Redelivered {
				redelivered <- struct{}{}
				return amqprpc.Response{}, nil
			}
			<-ctx.Done()
			return amqprpc.Response{}, ctx.Err()
		},
	})
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
	c.Go(t.Context(), amqprpc.Request{})
	select {
	case <-redelivered:
	case <-time.After(testTimeout):
		t.Fatal("the request is not redelivered")
	}
	if !strings.Contains(logged.String(), "not acked within the broker's consumer_timeout") {
		t.Errorf("the log:\n%s", logged.String())
	}
}
