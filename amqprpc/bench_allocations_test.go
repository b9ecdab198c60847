package amqprpc_test

import (
	"runtime"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// BenchmarkAllocations reports how many allocations of a call are this package's own: made in it, or in functions
// that it calls, except those of amqp091-go. "client" is served by the bare echo server, "server" is called by the
// bare loop.
//
//	go test ./amqprpc -run '^$' -bench Allocations -benchtime 1x
func BenchmarkAllocations(b *testing.B) {
	const calls, inFlight = 10_000, 64
	node := brokertest.Shared(b)
	report := func(b *testing.B, run func(calls int)) {
		defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
		runtime.MemProfileRate = 1 // each and every one, from the next that the old rate samples
		run(calls)
		for b.Loop() {
			before := ownAllocations()
			run(calls)
			b.ReportMetric(float64(ownAllocations()-before)/calls, "allocs/call")
		}
		b.ReportMetric(0, "ns/op")
	}
	b.Run("client", func(b *testing.B) {
		queue := brokertest.QueueName(b)
		bareEcho(b, node.URL(), queue, inFlight)
		// A memory that is full from the first round on, as it is in the long run.
		c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Remember: calls / 2})
		report(b, func(calls int) { runClient(b, c, calls, inFlight) })
	})
	b.Run("server", func(b *testing.B) {
		queue := brokertest.QueueName(b)
		declare(b, node.URL(), queue)
		begin(b, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue, Prefetch: inFlight}) // nobody looks on
		loop := newBareLoop(b, node.URL(), queue)
		report(b, func(calls int) { loop.run(b, calls, inFlight) })
	})
}

// ownAllocations counts the allocations up to now whose innermost caller, of all that is either this repository's
// or amqp091-go, is the package amqprpc.
func ownAllocations() (n int64) {
	runtime.GC() // the profile is as of the last but one
	runtime.GC()
	var records []runtime.MemProfileRecord
	for size, ok := 1000, false; !ok; {
		records = make([]runtime.MemProfileRecord, size)
		var found int
		if found, ok = runtime.MemProfile(records, true); ok {
			records = records[:found]
		}
		size = found + 1000
	}
	for _, r := range records {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasPrefix(f.Function, "rpcscope/amqprpc.") {
				n += r.AllocObjects
				break
			}
			if strings.HasPrefix(f.Function, "rpcscope/") || strings.HasPrefix(f.Function, "github.com/rabbitmq/") {
				break
			}
		}
	}
	return n
}
