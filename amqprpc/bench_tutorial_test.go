package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// BenchmarkAgainstTutorial compares Client.Call with the client of RabbitMQ's tutorial, which opens a connection, a
// channel and a callback queue for every call.
//
//	go test ./amqprpc -run '^$' -bench AgainstTutorial -benchtime 1x
func BenchmarkAgainstTutorial(b *testing.B) {
	node := brokertest.Shared(b)
	for _, inFlight := range []int{1, 8} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			queue := brokertest.QueueName(b)
			bareEcho(b, node.URL(), queue, 64)
			c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
			compareByTurns(b, side{"tutorial", 200, func(calls int) {
				concurrently(b, calls, inFlight, func(ctx context.Context, _, i int) error {
					return callOnce(ctx, node.URL(), queue, i)
				})
			}}, side{"client", 2000, func(calls int) { runClient(b, c, calls, inFlight) }})
		})
	}
}

// BenchmarkAgainstPool compares Client.Call, with as many calls in flight as the pool has channels, with a pool of
// channels on one connection: each has a callback queue of its own and makes one call at a time. The pool knows
// neither confirms nor mandatory nor deadlines.
//
//	go test ./amqprpc -run '^$' -bench AgainstPool -benchtime 1x
func BenchmarkAgainstPool(b *testing.B) {
	node := brokertest.Shared(b)
	for _, channels := range []int{8, 64} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			queue := brokertest.QueueName(b)
			bareEcho(b, node.URL(), queue, 64)
			pool := newPool(b, node.URL(), channels)
			c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
			compareByTurns(b, side{"pool", 10_000, func(calls int) {
				concurrently(b, calls, channels, func(ctx context.Context, worker, i int) error {
					return pool[worker].call(ctx, queue, i)
				})
			}}, side{"client", 10_000, func(calls int) { runClient(b, c, calls, channels) }})
		})
	}
}

// concurrently makes calls with so many workers, numbered from 0, one call each at a time.
func concurrently(b *testing.B, calls, workers int, call func(ctx context.Context, worker, i int) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*testTimeout)
	defer cancel()
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range min(workers, calls) {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= calls; i = int(next.Add(1)) {
				if err := call(ctx, worker, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// callOnce makes a call over a connection of its own.
func callOnce(ctx context.Context, url, queue string, i int) error {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	p, err := newPooled(conn)
	if err != nil {
		return err
	}
	return p.call(ctx, queue, i)
}

// A pooled channel makes one call at a time.
type pooled struct {
	ch      *amqp.Channel
	replyTo string
	replies <-chan amqp.Delivery
}

func newPool(b *testing.B, url string, channels int) (pool []*pooled) {
	b.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	for range channels {
		p, err := newPooled(conn)
		if err != nil {
			b.Fatal(err)
		}
		pool = append(pool, p)
	}
	return pool
}

func newPooled(conn *amqp.Connection) (*pooled, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	q, err := ch.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		return nil, err
	}
	replies, err := ch.Consume(q.Name, "", true, false, false, false, nil)
	return &pooled{ch, q.Name, replies}, err
}

func (p *pooled) call(ctx context.Context, queue string, i int) error {
	id := strconv.Itoa(i)
	err := p.ch.PublishWithContext(ctx, "", queue, false, false, amqp.Publishing{
		CorrelationId: id, ReplyTo: p.replyTo, Body: []byte("30"),
	})
	if err != nil {
		return err
	}
	for {
		select {
		case d, ok := <-p.replies:
			if !ok {
				return errors.New("the channel was closed while a call waited for its reply")
			}
			if d.CorrelationId == id {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("no reply to call %d: %w", i, ctx.Err())
		}
	}
}
