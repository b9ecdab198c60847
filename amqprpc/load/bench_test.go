package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

func nothing(context.Context, amqprpc.Request) (amqprpc.Reply, error) { return amqprpc.Reply{}, nil }

var body = []byte("30")

func same(int64, *rand.Rand) amqprpc.Request { return amqprpc.Request{Body: body} }

// BenchmarkClosedLoop measures the cost of a call without a server.
func BenchmarkClosedLoop(b *testing.B) {
	for _, c := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(c), func(b *testing.B) { bench(b, Plan{Concurrency: c}) })
	}
}

// BenchmarkOpen measures an open model at its maximum rate, with a backlog from the start.
func BenchmarkOpen(b *testing.B) {
	for _, c := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(c), func(b *testing.B) { bench(b, Plan{Rate: MaxRate, Concurrency: c}) })
	}
}

func bench(b *testing.B, plan Plan) {
	b.ReportAllocs()
	plan.Source = same
	plan.Count = int64(b.N)
	l, err := New(nothing, plan)
	if err != nil {
		b.Fatal(err)
	}
	res, err := l.Run(b.Context())
	if err != nil || res.Completed != int64(b.N) {
		b.Fatal(res, err)
	}
	b.ReportMetric(float64(b.N)/res.Elapsed.Seconds(), "calls/s")
}

// BenchmarkLateness measures the delay with which calls of an open model start.
func BenchmarkLateness(b *testing.B) {
	for _, rate := range []float64{100, 1000, 10_000, 50_000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			var late []time.Duration
			l, err := New(nothing, Plan{
				Rate: rate, Count: int64(b.N), Source: same, Concurrency: 1, // so that nothing races for late
				OnResult: func(c *Call) { late = append(late, time.Since(c.Request.Intended)) },
			})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := l.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
			slices.Sort(late)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(late[len(late)*p/100].Microseconds()), fmt.Sprintf("µs-late-p%d", p))
			}
		})
	}
}
