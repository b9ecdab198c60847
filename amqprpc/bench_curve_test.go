package amqprpc_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

var curveFile = flag.String("curve", "", "a file to write BenchmarkCurve's picture to")

// A curve is how one way of making calls does with more and more of them in flight.
type curve struct {
	broker, way string
	points      []point
}

// A point is medians over the rounds. Percentiles are in seconds.
type point struct {
	inFlight             int
	rate, p50, p99, p999 float64
}

// BenchmarkCurve prints throughput and latency of Client.Call and of the bare loop, from 1 to 4096 calls in flight,
// on every broker that there is. -curve FILE.svg draws it too.
//
// A round takes about 40 s; there are as many as -benchtime says, and each measures every point once, for a second
// or for eight turns of the calls in flight, whichever is longer. The loop is closed: a call begins when another
// ends. So this is how long calls take, not how long they would have waited for a slow broker to let them begin.
//
//	go test ./amqprpc -run '^$' -bench Curve -benchtime 9x -timeout 1h -curve $PWD/.github/latency.svg
func BenchmarkCurve(b *testing.B) {
	var levels = []int{1, 4, 16, 64, 256, 1024, 4096}
	type rounds struct{ rate, p50, p99, p999 []float64 }
	type subject struct {
		broker, way string
		run         func(inFlight int, w *window) ([]time.Duration, error)
		measured    []rounds // of each level
	}
	var subjects []*subject
	for _, node := range brokertest.All(b) {
		queue := brokertest.QueueName(b)
		bareEcho(b, node.URL(), queue, slices.Max(levels))
		loop := newBareLoop(b, node.URL(), queue)
		c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Timeout: testTimeout})
		broker := node.Product() + " " + node.Version()
		subjects = append(subjects,
			&subject{broker, "Client.Call", func(n int, w *window) ([]time.Duration, error) { return measureClient(c, n, w) }, make([]rounds, len(levels))},
			&subject{broker, "bare loop", loop.measure, make([]rounds, len(levels))})
	}
	for b.Loop() {
		for i, inFlight := range levels {
			for _, s := range subjects {
				w := &window{inFlight: inFlight, length: time.Second}
				took, err := s.run(inFlight, w)
				if err != nil {
					b.Fatalf("%s on %s, %d in flight: %v", s.way, s.broker, inFlight, err)
				}
				slices.Sort(took)
				m := &s.measured[i]
				m.rate = append(m.rate, w.rate(len(took)))
				m.p50 = append(m.p50, quantile(took, 0.5))
				m.p99 = append(m.p99, quantile(took, 0.99))
				m.p999 = append(m.p999, quantile(took, 0.999))
			}
		}
	}
	var curves []curve
	for _, s := range subjects {
		c := curve{broker: s.broker, way: s.way}
		for i, m := range s.measured {
			c.points = append(c.points, point{levels[i], median(m.rate), median(m.p50), median(m.p99), median(m.p999)})
		}
		curves = append(curves, c)
	}
	b.ReportMetric(0, "ns/op")
	note := fmt.Sprintf("Medians of %d rounds, %s on %d cores (%s/%s) shared with the server and the broker.",
		b.N, time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("\n%s\n%s", note, table(curves)) // b.Log would cut it off
	if *curveFile != "" {
		if err := os.WriteFile(*curveFile, []byte(drawCurves(curves, note)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

// quantile is in seconds, of times in order.
func quantile(sorted []time.Duration, q float64) float64 {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(i, 0)].Seconds()
}

func table(curves []curve) string {
	var text strings.Builder
	for _, c := range curves {
		fmt.Fprintf(&text, "%s, %s\n%9s %9s %9s %9s %9s\n", c.broker, c.way, "in flight", "calls/s", "p50 ms", "p99 ms", "p99.9 ms")
		for _, p := range c.points {
			fmt.Fprintf(&text, "%9d %9.0f %9.3f %9.3f %9.3f\n", p.inFlight, p.rate, 1e3*p.p50, 1e3*p.p99, 1e3*p.p999)
		}
	}
	return text.String()
}

// A window is the time in which calls count by their ends. It opens when each of those in flight has been answered
// twice, when the queues between here and the server are as full as they will be, and closes before the last ones
// drain: after a length, and eight turns more.
type window struct {
	inFlight int
	length   time.Duration
	ended    atomic.Int64
	from, to atomic.Pointer[time.Time]
}

// counts says whether a call that ended then counts. It is asked once for each call.
func (w *window) counts(ended time.Time) bool {
	n := w.ended.Add(1)
	from := w.from.Load()
	switch {
	case from == nil:
		if n == int64(2*w.inFlight) {
			w.from.Store(&ended)
		}
		return false
	case w.over():
		return false
	}
	open := ended.Sub(*from)
	enough := open >= w.length && n >= int64(10*w.inFlight)
	if enough || open >= testTimeout {
		w.to.CompareAndSwap(nil, &ended)
	}
	return open > 0
}

// over says whether no further call need begin.
func (w *window) over() bool { return w.to.Load() != nil }

// rate returns the calls per second.
func (w *window) rate(counted int) float64 {
	return float64(counted) / w.to.Load().Sub(*w.from.Load()).Seconds()
}

// measureClient returns how long the calls took that count.
func measureClient(c *amqprpc.Client, inFlight int, w *window) ([]time.Duration, error) {
	body := []byte("30")
	took, errs := make([][]time.Duration, inFlight), make([]error, inFlight)
	var wg sync.WaitGroup
	for i := range inFlight {
		wg.Go(func() {
			for began := time.Now(); !w.over(); {
				if _, err := c.Call(context.Background(), amqprpc.Request{Body: body}); err != nil {
					errs[i] = err
					return
				}
				ended := time.Now()
				if w.counts(ended) {
					took[i] = append(took[i], ended.Sub(began))
				}
				began = ended
			}
		})
	}
	wg.Wait()
	return slices.Concat(took...), errors.Join(errs...)
}

// measure returns how long the requests of the bare loop took that count. The correlation ID of each is its place
// among those in flight, by which its beginning is found.
func (l *bareLoop) measure(inFlight int, w *window) (took []time.Duration, err error) {
	began := make([]time.Time, inFlight)
	send := func(place int, now time.Time) error {
		began[place] = now
		return l.ch.PublishWithContext(context.Background(), "", l.queue, false, false, amqp.Publishing{
			CorrelationId: strconv.Itoa(place), ReplyTo: l.replyTo, Body: []byte("30"),
		})
	}
	for place := range began {
		if err := send(place, time.Now()); err != nil {
			return nil, err
		}
	}
	late := time.After(2 * testTimeout)
	for flying := inFlight; flying > 0; {
		select {
		case d, ok := <-l.replies:
			if !ok {
				return nil, errors.New("the channel was closed")
			}
			place, err := strconv.Atoi(d.CorrelationId)
			if err != nil || place < 0 || place >= inFlight {
				return nil, fmt.Errorf("a reply to %q, which was not asked", d.CorrelationId)
			}
			now := time.Now()
			if w.counts(now) {
				took = append(took, now.Sub(began[place]))
			}
			if w.over() {
				flying--
				continue
			}
			if err := send(place, now); err != nil {
				return nil, err
			}
		case <-late:
			return nil, fmt.Errorf("%d replies are missing", flying)
		}
	}
	return took, nil
}
