package load

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// A seed makes the same requests, whatever the model, the concurrency, the interleaving and the warm-up. Another seed
// makes others.
func TestSeed(t *testing.T) {
	requests := func(rt *rapid.T, plan Plan, yields uint64) []string {
		var mu sync.Mutex
		types := make([]string, plan.Count)
		plan.Source = numbered
		plan.OnResult = func(c *Call) {
			mu.Lock()
			defer mu.Unlock()
			types[c.K] = c.Request.Type
		}
		l, err := New(func(_ context.Context, req amqprpc.Request) (amqprpc.Reply, error) {
			for range (uint64(number(req)) * yields) % 5 {
				runtime.Gosched()
			}
			return amqprpc.Reply{}, nil
		}, plan)
		if err != nil {
			rt.Fatal(err)
		}
		if res, err := l.Run(t.Context()); err != nil || res.Completed != plan.Count {
			rt.Fatalf("result %+v, %v", res, err)
		}
		return types
	}
	rapid.Check(t, func(rt *rapid.T) {
		plan := func(label string) Plan {
			p := Plan{
				Concurrency: rapid.IntRange(1, 20).Draw(rt, label+" concurrency"),
				Rate:        rapid.SampledFrom([]float64{0, MaxRate}).Draw(rt, label+" rate"),
			}
			if rapid.Bool().Draw(rt, label+" warm-up") {
				p.Warmup = 50 * time.Microsecond
			}
			return p
		}
		one, two := plan("one"), plan("two")
		one.Count = rapid.Int64Range(2, 100).Draw(rt, "count")
		one.Seed = rapid.Uint64().Draw(rt, "seed")
		two.Count, two.Seed = one.Count, one.Seed
		a := requests(rt, one, rapid.Uint64Max(10).Draw(rt, "yields of one"))
		b := requests(rt, two, rapid.Uint64Max(10).Draw(rt, "yields of two"))
		two.Seed++
		other := requests(rt, two, 0)
		same := 0
		for k := range a {
			if a[k] != b[k] {
				rt.Fatalf("request %d is %q and %q", k, a[k], b[k])
			}
			if a[k] == other[k] {
				same++
			}
		}
		if same > 1 {
			rt.Errorf("%d of %d requests are the same with another seed", same, len(a))
		}
	})
}

// The random numbers of neighbouring calls are independent.
func TestSeedSpreads(t *testing.T) {
	const n, buckets = 10_000, 10
	w := newWorker(&Load{})
	var next [buckets][buckets]int
	last := -1
	for k := range int64(n) {
		x := w.seed(1, k).IntN(buckets)
		if last >= 0 {
			next[last][x]++
		}
		last = x
	}
	for a, row := range next {
		for b, got := range row {
			// 100 expected, standard deviation 10.
			if got < 50 || got > 150 {
				t.Errorf("%d is followed by %d %d times of %d", a, b, got, n)
			}
		}
	}
}

// A load that is paused, resumed and changed all the time makes each call once.
func TestExactCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := Plan{
			Source: func(k int64, _ *rand.Rand) amqprpc.Request { return amqprpc.Request{Priority: uint8(k % 7)} },
			Count:  rapid.Int64Range(1, 3000).Draw(rt, "count"),
			Rate:   rapid.SampledFrom([]float64{0, MaxRate}).Draw(rt, "rate"),
		}
		plan.Concurrency = rapid.IntRange(0, 30).Draw(rt, "concurrency")
		meddling := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 30).Draw(rt, "meddling")

		seen := make([]atomic.Int32, plan.Count)
		plan.OnResult = func(c *Call) { seen[c.K].Add(1) }
		plan.Check = func(req amqprpc.Request, _ amqprpc.Reply) error {
			if req.Priority == 3 {
				return amqprpc.ErrRejected
			}
			return nil
		}
		l, err := New(func(context.Context, amqprpc.Request) (amqprpc.Reply, error) {
			runtime.Gosched()
			return amqprpc.Reply{}, nil
		}, plan)
		if err != nil {
			rt.Fatal(err)
		}
		var meddlers sync.WaitGroup
		for range 2 {
			meddlers.Go(func() {
				for i, what := range meddling {
					switch what {
					case 0:
						l.Pause()
					case 1:
						l.Resume()
					case 2, 3:
						_ = l.SetConcurrency(1 + 7*i%20)
					case 4:
						_ = l.SetRate(MaxRate / float64(1+i%3))
					case 5:
						if p := l.Progress(); p.Started != p.Completed+p.Failed+p.Outstanding {
							rt.Errorf("progress does not add up: %+v", p)
						}
					case 6:
						runtime.Gosched()
					}
				}
				l.Resume()
			})
		}
		res, err := l.Run(t.Context())
		meddlers.Wait()
		checkEnd(t, l, res)
		wrong := (plan.Count + 3) / 7
		if err != nil || res.Completed != plan.Count || res.Wrong != wrong || res.Missed != 0 {
			rt.Fatalf("result %+v, %v; want %d, %d wrong", res, err, plan.Count, wrong)
		}
		for k := range seen {
			if n := seen[k].Load(); n != 1 {
				rt.Fatalf("call %d was made %d times", k, n)
			}
		}
	})
}
