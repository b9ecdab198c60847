package amqprpc_test

import (
	"fmt"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// BenchmarkQueueTypes compares a quorum queue of requests with a classic one, with a Client and a Server; requests
// are transient, which a quorum queue does not heed. RabbitMQ only: in the in-process broker the two differ by
// name.
//
//	go test ./amqprpc -run '^$' -bench QueueTypes -benchtime 1x
func BenchmarkQueueTypes(b *testing.B) {
	node := brokertest.OnRabbitMQ(b)
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			calls := 10_000
			if inFlight == 1 {
				calls = 300 // each waits for the disk
			}
			on := func(t amqprpc.QueueType) side {
				queue := brokertest.QueueName(b)
				serve(b, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, QueueType: t, Prefetch: max(64, inFlight)})
				c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue})
				return side{string(t), calls, func(calls int) { runClient(b, c, calls, inFlight) }}
			}
			compareByTurns(b, on(amqprpc.QueueClassic), on(amqprpc.QueueQuorum))
		})
	}
}
