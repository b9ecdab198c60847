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

// bareEcho is the plainest server that can be written with amqp091-go: it answers
// at once, without confirms. Both sides of the comparison are served by it.
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

// bareLoop keeps n requests in flight with nothing but amqp091-go: no confirms, no
// mandatory, no deadline, no memory of what it sent.
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

// BenchmarkAgainstBareLoop runs Client.Call (confirms and mandatory on) and the bare
// loop by turns, on the same broker and the same server, and reports the median
// rates and their ratio. Run it with a count of its own: the machine's noise is
// larger than the difference.
//
//	go test ./amqprpc -run '^$' -bench AgainstBareLoop -benchtime 1x
func BenchmarkAgainstBareLoop(b *testing.B) {
	node := brokertest.Shared(b)
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			queue := brokertest.QueueName(b)
			bareEcho(b, node.URL(), queue, max(64, inFlight))
			loop := newBareLoop(b, node.URL(), queue)
			c := dial(b, amqprpc.Config{Broker: at(node.URL()), Queue: queue})
			calls := 20_000
			if inFlight == 1 {
				calls = 2000
			}
			const rounds = 9
			var bare, client, ratio []float64
			loop.run(b, calls/4, inFlight)
			runClient(b, c, calls/4, inFlight)
			for b.Loop() {
				for range rounds {
					x := rate(calls, func() { loop.run(b, calls, inFlight) })
					y := rate(calls, func() { runClient(b, c, calls, inFlight) })
					bare, client, ratio = append(bare, x), append(client, y), append(ratio, y/x)
				}
			}
			b.ReportMetric(median(bare), "bare/s")
			b.ReportMetric(median(client), "client/s")
			b.ReportMetric(median(ratio), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkBrokers runs Client.Call by turns on the in-process broker and on RabbitMQ,
// each with the same echo server, and reports the median rates and their ratio. It needs both.
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
			var clients []*amqprpc.Client
			for _, node := range nodes {
				queue := brokertest.QueueName(b)
				bareEcho(b, node.URL(), queue, max(64, inFlight))
				clients = append(clients, dial(b, amqprpc.Config{Broker: at(node.URL()), Queue: queue}))
				runClient(b, clients[len(clients)-1], calls/4, inFlight)
			}
			const rounds = 9
			var inProcess, rabbit, ratio []float64
			for b.Loop() {
				for range rounds {
					x := rate(calls, func() { runClient(b, clients[0], calls, inFlight) })
					y := rate(calls, func() { runClient(b, clients[1], calls, inFlight) })
					inProcess, rabbit, ratio = append(inProcess, x), append(rabbit, y), append(ratio, x/y)
				}
			}
			b.ReportMetric(median(inProcess), "in-process/s")
			b.ReportMetric(median(rabbit), "RabbitMQ/s")
			b.ReportMetric(median(ratio), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCall is for profiles and allocations: amqp091-go's and, with a server in
// the same process, that server's are counted too.
func BenchmarkCall(b *testing.B) {
	node := brokertest.Shared(b)
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			queue := brokertest.QueueName(b)
			bareEcho(b, node.URL(), queue, max(64, inFlight))
			c := dial(b, amqprpc.Config{Broker: at(node.URL()), Queue: queue})
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
