package amqprpc_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A deafConn reads nothing while deaf is locked.
type deafConn struct {
	net.Conn
	deaf *sync.RWMutex
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.deaf.RLock()
	defer c.deaf.RUnlock()
	return n, err
}

// The log of a server whose consumer the broker canceled says what is known of the queue.
func TestCanceledConsumer(t *testing.T) {
	for _, test := range []struct {
		name, why string
		again     bool // the queue is declared again before the server looks
	}{
		{"deleted", "the broker canceled the consumer of the queue %q: the queue was deleted", false},
		{"deleted and declared again", "the broker canceled the consumer of the queue %q, which exists: ", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			var logged logBuffer
			var deaf sync.RWMutex
			broker := at(url)
			broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return &deafConn{conn, &deaf}, err
			}
			s := serve(t, &amqprpc.Server{ConnConfig: broker, Queue: queue, Observer: logged.observer()})
			withChannel(t, url, func(ch *amqp.Channel) error {
				deaf.Lock()
				defer deaf.Unlock()
				_, err := ch.QueueDelete(queue, false, false, false)
				if err == nil && test.again {
					_, err = ch.QueueDeclare(queue, true, false, false, false, nil)
				}
				return err
			})
			eventually(t, s, "a reconnect", func(n amqprpc.ServerStats) bool { return n.Reconnects == 1 })
			if why := fmt.Sprintf(test.why, queue); !strings.Contains(logged.String(), strings.ReplaceAll(why, `"`, `\"`)) {
				t.Errorf("no %q in the log:\n%s", why, logged.String())
			}
		})
	}
}

// RabbitMQ before 4.3 closes the channel over a message that is not acked in time, later ones cancel
// the consumer. The log names consumer_timeout either way.
func TestUnackedForTooLong(t *testing.T) {
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
	case <-time.After(patience):
		t.Fatal("the broker waits for an ack for ever")
	}
	if !strings.Contains(logged.String(), "not acked within the broker's consumer_timeout") {
		t.Errorf("the log:\n%s", logged.String())
	}
}
