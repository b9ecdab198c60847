package amqprpc_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// bareEcho is the plainest server that can be written with amqp091-go: it answers at once, without confirms.
func bareEcho(b *testing.B, url, queue string, prefetch int) {
	b.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
	if err := ch.Qos(prefetch, 0, false); err != nil {
		b.Fatal(err)
	}
	requests, err := ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for d := range requests {
			ch.Publish("", d.ReplyTo, false, false, amqp.Publishing{CorrelationId: d.CorrelationId, Body: d.Body}) //nolint:errcheck // ends with the connection
			d.Ack(false)                                                                                           //nolint:errcheck // likewise
		}
	}()
}

// bareLoop keeps n requests in flight with nothing but amqp091-go: no confirms, no mandatory, no deadline, no
// memory of requests.
type bareLoop struct {
	ch      *amqp.Channel
	queue   string
	replyTo string
	replies <-chan amqp.Delivery
}

func newBareLoop(b *testing.B, url, queue string) *bareLoop {
	b.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	replies, err := ch.Consume(q.Name, "", true, true, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	return &bareLoop{ch, queue, q.Name, replies}
}

func (l *bareLoop) run(b *testing.B, calls, inFlight int) {
	ctx := context.Background()
	send := func(i int) {
		err := l.ch.PublishWithContext(ctx, "", l.queue, false, false, amqp.Publishing{
			CorrelationId: strconv.Itoa(i), ReplyTo: l.replyTo, Body: []byte("30"),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	sent := 0
	for ; sent < min(inFlight, calls); sent++ {
		send(sent)
	}
	for range calls {
		<-l.replies
		if sent < calls {
			send(sent)
			sent++
		}
	}
}

func runClient(b *testing.B, c *amqprpc.Client, calls, inFlight int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	body := []byte("30")
	for range min(inFlight, calls) {
		wg.Go(func() {
			for next.Add(1) <= int64(calls) {
				if _, err := c.Call(context.Background(), amqprpc.Request{Body: body}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkBrokers compares Client.Call on RabbitMQ with Client.Call on the in-process broker, each with the same
// echo server. It needs both.
//
//	go test ./amqprpc -run '^$' -bench Brokers -benchtime 1x
func BenchmarkBrokers(b *testing.B) {
	nodes := brokertest.All(b)
	if len(nodes) != 2 {
		b.Skip("there is only ", nodes[0].Product())
	}
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			calls := 20_000
			if inFlight == 1 {
				calls = 2000
			}
			on := func(name string, node brokertest.Node) side {
				queue := brokertest.QueueName(b)
				bareEcho(b, node.URL(), queue, max(64, inFlight))
				c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
				return side{name, calls, func(calls int) { runClient(b, c, calls, inFlight) }}
			}
			compareByTurns(b, on("RabbitMQ", nodes[1]), on("in-process", nodes[0]))
		})
	}
}

// BenchmarkCall is for profiles and allocations: amqp091-go's and, with a server in the same process, that server's
// are counted too.
func BenchmarkCall(b *testing.B) {
	node := brokertest.Shared(b)
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			queue := brokertest.QueueName(b)
			bareEcho(b, node.URL(), queue, max(64, inFlight))
			c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
			b.ReportAllocs()
			b.ResetTimer()
			runClient(b, c, b.N, inFlight)
		})
	}
}

// rate is how many calls a second f makes.
func rate(calls int, f func()) float64 {
	began := time.Now()
	f()
	return float64(calls) / time.Since(began).Seconds()
}

func median(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return s[len(s)/2]
}
