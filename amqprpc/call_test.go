package amqprpc_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

func TestCallReturnsReply(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	queue := brokertest.QueueName(t)
	s := serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{node.URL()}, Name: "echo-1"}, Queue: queue})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed})
	defer s.Shutdown(context.Background())
	defer c.Close()

	reply, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("hello"), ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	if string(reply.Body) != "hello" || reply.ContentType != "text/plain" || reply.Server != "echo-1" {
		t.Errorf("reply %+v", reply)
	}
	if reply.Received.IsZero() || reply.Replied.Before(reply.Received) || reply.Attempt != 1 || reply.RequestRedelivered {
		t.Errorf("provenance: received %v, replied %v, attempt %d, redelivered %v", reply.Received, reply.Replied, reply.Attempt, reply.RequestRedelivered)
	}
	observed.until(t, "the story is whole", func(t *tally) bool { return t.kinds[amqprpc.EventConfirmed] == 1 })
	observed.check(t)
	if n := c.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
}

func TestManyConcurrentCalls(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Prefetch: 64})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: observed})
	const workers, each = 64, 100
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprintf("%d/%d", w, i)
				reply, err := c.Call(context.Background(), amqprpc.Request{Body: []byte(body)})
				if err != nil || string(reply.Body) != body {
					t.Errorf("%s: reply %q, error %v", body, reply.Body, err)
					return
				}
			}
		})
	}
	wg.Wait()
	observed.until(t, "all confirmed", func(t *tally) bool { return t.kinds[amqprpc.EventConfirmed] == workers*each })
	observed.check(t)
}

func TestUnroutableAtOnce(t *testing.T) {
	node := brokertest.Shared(t)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: brokertest.QueueName(t), Observer: observed, Timeout: time.Hour})
	_, err := c.Call(context.Background(), amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrUnroutable, amqprpc.ErrNotExecuted)
	observed.check(t)
}

func TestExpiredRequestIsNotExecuted(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	declare(t, node.URL(), queue)
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
	_, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("old"), Timeout: 50 * time.Millisecond})
	wantIs(t, err, amqprpc.ErrTimeout, context.DeadlineExceeded)
	wantIsNot(t, err, amqprpc.ErrNotExecuted)

	var mu sync.Mutex
	var computed []string
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		computed = append(computed, string(req.Body))
		return echo(ctx, req)
	}})
	// The queue keeps its order: when this one is answered, the old one has been dealt with.
	if _, err := c.Call(context.Background(), amqprpc.Request{Body: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(computed, " ") != "new" {
		t.Errorf("computed %q", computed)
	}
}
