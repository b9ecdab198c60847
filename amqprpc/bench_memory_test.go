package amqprpc_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
)

// BenchmarkMemoryInFlight reports the memory of a call in flight: the heap with Client.Go, and heap and stack with
// Client.Call in a goroutine for each. Ten thousand calls are confirmed and wait in a queue that nobody serves. On
// the in-process broker the heap is that queue's, too.
//
//	go test ./amqprpc -run '^$' -bench MemoryInFlight -benchtime 1x
func BenchmarkMemoryInFlight(b *testing.B) {
	const calls = 10_000
	ways := map[string]func(c *amqprpc.Client) (wait func()){
		"Go": func(c *amqprpc.Client) func() {
			all := make([]*amqprpc.Call, calls)
			for i := range all {
				all[i] = c.Go(context.Background(), amqprpc.Request{Body: []byte("30")})
			}
			return func() {
				for _, call := range all {
					<-call.Done()
				}
			}
		},
		"Call": func(c *amqprpc.Client) func() {
			ended := make(chan struct{}, calls)
			for range calls {
				go func() {
					c.Call(context.Background(), amqprpc.Request{Body: []byte("30")}) //nolint:errcheck // ends with the client
					ended <- struct{}{}
				}()
			}
			return func() {
				for range calls {
					<-ended
				}
			}
		},
	}
	for _, way := range []string{"Go", "Call"} {
		b.Run(way, func(b *testing.B) {
			node := brokertest.Shared(b)
			queue := brokertest.QueueName(b)
			declare(b, node.URL(), queue)
			for b.Loop() {
				confirmed, all := 0, make(chan struct{})
				c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Timeout: time.Hour,
					Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
						if e.Kind == amqprpc.EventConfirmed {
							if confirmed++; confirmed == calls {
								close(all)
							}
						}
					})})
				heapBefore, stackBefore := heap(), stack()
				wait := ways[way](c)
				next(b, done(all))
				if n := c.InFlight(); n != calls {
					b.Fatalf("%d calls in flight", n)
				}
				b.ReportMetric(float64(heap()-heapBefore)/calls, "heap-B/call")
				b.ReportMetric(float64(stack()-stackBefore)/calls, "stack-B/call")
				c.Close()
				wait()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// done makes a channel for next of one that is closed.
func done(closed <-chan struct{}) <-chan bool {
	c := make(chan bool, 1)
	go func() {
		<-closed
		c <- true
	}()
	return c
}

func stack() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}

var manyCalls = flag.Int("calls", 1_000_000, "how many calls BenchmarkMemoryOfManyCalls makes")

// BenchmarkMemoryOfManyCalls reports the heap after a collection, and on Linux the resident memory of the process,
// after 100,000 calls, a million, and so on up to -calls. Client, ledger and echo server are in this process, and
// so is the in-process broker, if it is used. The ratio is that of the heap at the end to the heap after 100,000
// calls, when all memories of ended calls are full.
//
//	go test ./amqprpc -run '^$' -bench MemoryOfManyCalls -benchtime 1x -calls 10000000 -timeout 1h -v
func BenchmarkMemoryOfManyCalls(b *testing.B) {
	const first, inFlight = 100_000, 256
	if *manyCalls < first {
		b.Fatalf("-calls %d: it begins to look after %d", *manyCalls, first)
	}
	node := brokertest.Shared(b)
	queue := brokertest.QueueName(b)
	bareEcho(b, node.URL(), queue, inFlight)
	books := ledger.New(ledger.Config{})
	c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: books})
	const mega = 1e6
	for b.Loop() {
		var heaps []float64
		done := 0
		for _, target := range milestones(first, *manyCalls) {
			runClient(b, c, target-done, inFlight)
			if b.Failed() {
				return
			}
			done = target
			heaps = append(heaps, float64(heap()))
			b.ReportMetric(heaps[len(heaps)-1]/mega, fmt.Sprintf("heap-MB@%.0e", float64(target)))
			if bytes, ok := resident(b); ok {
				b.ReportMetric(float64(bytes)/mega, fmt.Sprintf("RSS-MB@%.0e", float64(target)))
			}
		}
		b.ReportMetric(heaps[len(heaps)-1]/heaps[0], "ratio")
	}
	b.ReportMetric(0, "ns/op")
	if t := books.Snapshot(ledger.Query{Now: time.Now()}).Calls; t.Completed != uint64(b.N**manyCalls) {
		b.Errorf("the ledger has %d completed calls, %d were made", t.Completed, b.N**manyCalls)
	}
}

// milestones are first, ten times that, and so on, and last.
func milestones(first, last int) (all []int) {
	for n := first; n < last; n *= 10 {
		all = append(all, n)
	}
	return append(all, last)
}

// resident returns the resident memory of this process, after a garbage collection. Only Linux has it.
func resident(b *testing.B) (bytes int, ok bool) {
	if runtime.GOOS != "linux" {
		return 0, false
	}
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		b.Fatalf("/proc/self/statm: %q", text)
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize(), true
}
