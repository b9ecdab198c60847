package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
)

var (
	seedFlag = flag.Uint64("chaos.seed", 0, "the seed of the one schedule to run; 0: a fixed list")
	forFlag  = flag.Duration("chaos.for", 12*time.Second, "how long faults go on for, for each seed and broker")
)

// The seeds that always run: an even one has a classic queue, an odd one a quorum queue. A seed that has found a fault
// stays.
var seeds = []uint64{
	2,
	13, // over 20 s, and not each time: RabbitMQ loses a quorum queue by a kill, see mend
}

// The growth of the heap that is allowed to an idle client, its ledger, the broker in this process and this test's
// evidence.
const (
	heapFixed   = 16 << 20
	heapPerCall = 1 << 10 // of evidence
)

func TestChaos(t *testing.T) {
	brokertest.SkipIfShort(t)
	list := seeds
	if *seedFlag != 0 {
		list = []uint64{*seedFlag}
	}
	for _, seed := range list {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			node := brokertest.Own(t)
			brokertest.NoLeaks(t)
			run(t, node, seed, *forFlag)
		})
	}
}

func run(t *testing.T, node brokertest.Node, seed uint64, length time.Duration) {
	plan := makePlan(seed, length)
	w := open(t, node, seed)
	t.Logf("on %s %s, seed %d, %v, queue type %s; the schedule:\n%s", node.Product(), node.Version(), seed, length, w.kind, printed(plan))
	e := &evidence{clientRecord: w.clientRecord, executions: w.executions, requests: w.queue, planned: len(plan), heapBefore: heap()}
	defer w.report(e)

	loading, stop := context.WithCancel(context.Background())
	defer stop()
	outcomes := w.load(loading)
	w.carryOut(plan, length)
	for _, n := range w.injected {
		e.injected += n
	}
	healing, cancel := context.WithTimeout(context.Background(), healTime)
	defer cancel()
	w.must(w.deleteLostQueue(healing))
	w.must(w.startProcesses(testTimeout))
	stop()
	within(t, "the outcomes of all calls", outcomes)

	for i := range w.clients {
		w.must(w.recovers(i))
	}
	w.must(w.waitUntil("the request queue is empty", func(ctx context.Context) (bool, error) {
		_, n, err := w.queues(ctx)
		return err == nil && n == 0, errors.Join(err, fmt.Errorf("%d messages", n))
	}))
	w.must(w.closeServer())
	w.must(w.closePool())
	for _, s := range w.pool.List() {
		if s.State.Alive() {
			e.processes = append(e.processes, fmt.Sprintf("%+v", s))
		}
	}
	e.heapAfter = heap()
	e.heapMore = heapFixed + heapPerCall*uint64(w.attempted.Load())
	w.closeClients()
	w.must(w.waitUntil("no queue is left but that for requests", func(ctx context.Context) (ok bool, err error) {
		e.queues, _, err = w.queues(ctx)
		return err == nil && !slices.ContainsFunc(e.queues, func(q string) bool { return q != w.queue }), errors.Join(err, fmt.Errorf("%q", e.queues))
	}))
	for _, l := range w.ledgers {
		e.snapshots = append(e.snapshots, l.Snapshot(ledger.Query{}))
	}
	e.attempted = int(w.attempted.Load())

	found := check(e)
	if len(found) > 0 {
		t.Errorf("%d laws are broken; the first: %v\nseed %d; the schedule:\n%s\nits story:\n%s", len(found), found[0], seed, printed(plan), w.story(found[0]))
		for _, v := range found[1:min(len(found), 10)] {
			t.Error(v)
		}
	}
}

// carryOut injects the faults, each line in its own goroutine, and returns when all are healed.
func (w *world) carryOut(plan []step, length time.Duration) {
	began := time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), began.Add(length))
	defer cancel()
	var wg sync.WaitGroup
	for _, l := range lines {
		wg.Go(func() {
			for _, s := range plan {
				if s.line != l {
					continue
				}
				select {
				case <-time.After(time.Until(began.Add(s.at))):
				case <-ctx.Done():
				}
				if ctx.Err() != nil {
					w.note(s, errors.New("no time was left"))
					continue
				}
				err, healed := w.inject(ctx, s)
				w.note(s, err)
				if healed != nil {
					w.t.Errorf("cannot heal %v: %v", s, healed)
					return
				}
			}
		})
	}
	within(w.t, "the end of the faults", wg.Wait, length)
}

func (w *world) note(s step, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := fmt.Sprintf("%s: %s", s.line, s.kind)
	if err == nil {
		w.injected[name]++
		return
	}
	w.leftOut[name]++
	w.why[name] = err.Error()
}

// recovers returns an error unless calls of a client succeed again.
func (w *world) recovers(client int) error {
	const inARow = 5
	n := 0
	return w.waitUntil(fmt.Sprintf("client %d completes %d calls in a row", client, inARow), func(ctx context.Context) (bool, error) {
		for n = 0; n < inARow; n++ {
			if err := w.call(ctx, client, aNumber, 0, amqprpc.Request{Timeout: 5 * time.Second}); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// closeClients closes the clients, with calls in flight that nobody serves.
func (w *world) closeClients() {
	var wg sync.WaitGroup
	for i, c := range w.clients {
		for range 5 {
			wg.Go(func() {
				if err := w.call(context.Background(), i, nothing, 0, amqprpc.Request{Timeout: time.Hour}); !errors.Is(err, amqprpc.ErrClosed) {
					w.t.Errorf("a call in flight at Close ended as %v", err)
				}
			})
		}
		w.must(w.waitUntil("calls are in flight", func(context.Context) (bool, error) { return c.InFlight() == 5, nil }))
		within(w.t, "Close", func() { c.Close() })
	}
	within(w.t, "the outcomes of the calls in flight at Close", wg.Wait)
}

// within runs f, which must not take longer than testTimeout and more together.
func within(t *testing.T, what string, f func(), more ...time.Duration) {
	t.Helper()
	limit := testTimeout
	for _, d := range more {
		limit += d
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		stacks := make([]byte, 1<<20)
		t.Fatalf("not within %v: %s; the goroutines:\n%s", limit, what, stacks[:runtime.Stack(stacks, true)])
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // the objects that the first has finalized
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *world) report(e *evidence) {
	var b strings.Builder
	for i, k := range w.clientRecord {
		k.mu.Lock() // a run that failed may still go on
		fmt.Fprintf(&b, "client %d: %d calls", i, k.kinds[amqprpc.EventSent])
		for o, n := range k.outcomes {
			if n > 0 {
				fmt.Fprintf(&b, ", %d %v", n, amqprpc.Outcome(o))
			}
		}
		if k.refused > 0 {
			fmt.Fprintf(&b, "; %d refused", k.refused)
		}
		b.WriteString("; replies:")
		for c := amqprpc.Answer; c <= amqprpc.Unknown; c++ {
			fmt.Fprintf(&b, " %d %v", k.classes[c], c)
		}
		fmt.Fprintf(&b, "; %d retries, %d connects, %d blocked\n", k.kinds[amqprpc.EventRetry], k.kinds[amqprpc.EventConnected], k.kinds[amqprpc.EventBlocked])
		k.mu.Unlock()
	}
	twice := 0
	e.executions.mu.Lock()
	for _, n := range e.executions.seen {
		if n > 1 {
			twice++
		}
	}
	fmt.Fprintf(&b, "servers had %d requests, %d of them more than once; lost lines %d times\n", len(e.executions.seen), twice, e.executions.dropped)
	e.executions.mu.Unlock()
	fmt.Fprintf(&b, "in-process server: %+v\n", w.server.Stats())
	fmt.Fprintf(&b, "heap %.1f MiB, in the end %.1f MiB, %.1f MiB allowed\n", mib(e.heapBefore), mib(e.heapAfter), mib(e.heapBefore+e.heapMore))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.injected)) {
		fmt.Fprintf(&b, "  %3d  %s\n", w.injected[name], name)
	}
	fmt.Fprintf(&b, "%d faults of %d\n", e.injected, e.planned)
	if n := w.mended.Load(); n > 0 {
		fmt.Fprintf(&b, "%d times RabbitMQ had lost the queue and it was deleted\n", n)
	}
	for _, name := range slices.Sorted(maps.Keys(w.leftOut)) {
		fmt.Fprintf(&b, "  left out %d times: %s (%.200q)\n", w.leftOut[name], name, w.why[name])
	}
	w.t.Log("\n" + b.String())
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// story returns the ledger's timeline of the call that shows a violation.
func (w *world) story(v violation) string {
	if v.id == "" {
		return "(it is not about one call)"
	}
	s, ok := w.ledgers[v.client].Inspect(v.id)
	if !ok {
		return "(the ledger has forgotten it)"
	}
	var b strings.Builder
	for _, e := range s.Events {
		fmt.Fprintf(&b, "%10v  %-10v attempt %d epoch %d", e.Time.Sub(s.Sent).Round(10*time.Microsecond), e.Kind, e.Attempt, e.Epoch)
		if e.Kind == amqprpc.EventReply {
			fmt.Fprintf(&b, " %v", e.Class)
		}
		if m := e.Message(); m != nil {
			fmt.Fprintf(&b, " to %q from %q, %d bytes: %.60q", m.RoutingKey, m.AppID, m.BodyLen, m.Body)
		}
		if e.Outcome != amqprpc.InFlight {
			fmt.Fprintf(&b, " %v", e.Outcome)
		}
		fmt.Fprintf(&b, " %q\n", e.Text)
	}
	return b.String()
}
