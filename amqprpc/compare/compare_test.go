package compare

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
)

var (
	rounds = flag.Int("rounds", 7, "how many turns each system has")
	length = flag.Duration("turn", 600*time.Millisecond, "how long a turn is")
	chosen = flag.String("systems", "", "the systems to compare, with commas; the ratios are to the first (default all)")
)

// A level is how many calls are in flight, and the server's prefetch.
type level struct {
	name               string
	inFlight, prefetch int
}

var levels = []level{{"1", 1, 1100}, {"64", 64, 1100}, {"1024", 1024, 1100}, {"64, prefetch 1", 64, 1}}

// BenchmarkSystems prints the table that the package's documentation explains.
func BenchmarkSystems(b *testing.B) {
	node := brokertest.Shared(b)
	compared, err := choose(*chosen)
	if err != nil {
		b.Fatal(err)
	}
	if *rounds < 1 || *length <= 0 {
		b.Fatal("-rounds and -turn must be positive")
	}
	var results []*result
	for _, l := range levels {
		b.Run("inflight="+strings.ReplaceAll(l.name, ", prefetch ", ",prefetch="), func(b *testing.B) {
			for b.Loop() {
				results = append(results, compare(b, node, l, compared, *rounds, *length)...)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
	if !b.Failed() { // b.Log would cut it off
		fmt.Printf("\n%s %s, %d rounds of %v, %s, %d cores of %s/%s shared by all, %s\n\n%s", node.Product(), node.Version(), *rounds, *length,
			time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), table(results))
	}
}

// Every system makes calls, and the CPU time of all processes is known.
func TestAllSystemsMakeCalls(t *testing.T) {
	brokertest.SkipIfShort(t)
	results := compare(t, brokertest.Shared(t), level{"8", 8, 16}, systems, 1, 50*time.Millisecond)
	for _, r := range results {
		for i, used := range r.cpu {
			if used <= 0 && runtime.GOOS == "linux" && os.Getenv("AMQP_URL") == "" {
				t.Errorf("%s: CPU time %d is %v", r.system, i, used)
			}
		}
	}
	if n := strings.Count(table(results), "\n"); n != 2+len(systems) {
		t.Errorf("%d lines:\n%s", n, table(results))
	}
}

func choose(names string) ([]system, error) {
	if names == "" {
		return systems, nil
	}
	var found []system
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(systems, func(s system) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-systems: there is no %q", name)
		}
		found = append(found, systems[i])
	}
	return found, nil
}

// A result has the measurements of one system at one level, by rounds.
type result struct {
	level, system      string
	rate, ratio        []float64
	p50, p99, p99Ratio []float64
	calls              int
	cpu                [3]time.Duration // of broker, server and client
}

// compare lets the systems run by turns.
func compare(b testing.TB, node brokertest.Node, l level, compared []system, rounds int, length time.Duration) []*result {
	b.Helper()
	pid := brokerPID(node)
	results := make([]*result, len(compared))
	turns := make([]func(time.Duration) (turn, [3]time.Duration), len(compared))
	for i, s := range compared {
		results[i] = &result{level: l.name, system: s.name}
		at := setting{node.URL(), brokertest.QueueName(b), l.inFlight, l.prefetch}
		declare(b, at)
		server, client := s.start(b, at)
		used := func() [3]time.Duration {
			return [3]time.Duration{cpuOf(pid), cpuOf(server.Process.Pid), client.cpu()}
		}
		turns[i] = func(length time.Duration) (turn, [3]time.Duration) {
			before := used()
			t, err := client.turn(length)
			if err == nil {
				err = t.check()
			}
			if err != nil {
				b.Fatalf("%s, %s in flight: %v", s.name, l.name, err)
			}
			after := used()
			for i := range after {
				after[i] -= before[i]
			}
			return t, after
		}
		// The first requests wait for the server in the queue. Maps and heaps grow to their size.
		turns[i](length / 2)
	}
	for round := range rounds {
		for i := range compared {
			i = (i + round) % len(compared)
			t, used := turns[i](length)
			r := results[i]
			r.rate, r.p50, r.p99 = append(r.rate, t.Rate), append(r.p50, t.P50), append(r.p99, t.P99)
			r.calls += t.Calls
			for k := range used {
				r.cpu[k] += used[k]
			}
		}
		for _, r := range results {
			r.ratio = append(r.ratio, r.rate[round]/results[0].rate[round])
			r.p99Ratio = append(r.p99Ratio, r.p99[round]/results[0].p99[round])
		}
	}
	return results
}

// brokerPID returns 0 if the broker is at AMQP_URL.
func brokerPID(node brokertest.Node) int {
	if node.Product() == broker.Product {
		return os.Getpid()
	}
	if own, ok := node.(interface{ PID() int }); ok {
		return own.PID()
	}
	return 0
}

// declare makes the queue, so that a client may call before its server is there.
func declare(b testing.TB, at setting) {
	b.Helper()
	conn, err := amqp.Dial(at.url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := ch.QueueDeclare(at.queue, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
}

func table(results []*result) string {
	var text strings.Builder
	text.WriteString("| in flight      | system           | calls/s | ratio (min to max)  |  p50 ms |  p99 ms | p99 ratio | CPU us a call: broker | server | client |\n" +
		"|----------------|------------------|--------:|--------------------:|--------:|--------:|----------:|----------------------:|-------:|-------:|\n")
	for _, r := range results {
		var cpu [3]string
		for i, used := range r.cpu {
			cpu[i] = "-"
			if used > 0 {
				cpu[i] = fmt.Sprintf("%.0f", 1e6*used.Seconds()/float64(r.calls))
			}
		}
		ratio := fmt.Sprintf("%.2f (%.2f to %.2f)", median(r.ratio), slices.Min(r.ratio), slices.Max(r.ratio))
		fmt.Fprintf(&text, "| %-14s | %-16s | %7.0f | %19s | %7.2f | %7.2f | %9.2f | %21s | %6s | %6s |\n",
			r.level, r.system, median(r.rate), ratio, median(r.p50), median(r.p99), median(r.p99Ratio), cpu[0], cpu[1], cpu[2])
	}
	return text.String()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
