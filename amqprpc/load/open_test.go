package load

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestConstantRate(t *testing.T) {
	tests := []struct {
		plan    Plan
		calls   int64
		elapsed time.Duration
	}{
		{Plan{Rate: 1000, Duration: 2 * time.Second}, 2000, 2 * time.Second},
		{Plan{Rate: 3, Duration: 10 * time.Second}, 30, 10 * time.Second},
		{Plan{Rate: 0.5, Duration: 4 * time.Second}, 2, 4 * time.Second},
		{Plan{Rate: 7, Count: 8}, 8, time.Second},
		{Plan{Rate: 1000, Count: 500, Duration: 2 * time.Second}, 500, 499 * time.Millisecond},
		{Plan{Rate: 1000, Count: 5000, Duration: 2 * time.Second}, 2000, 2 * time.Second},
		{Plan{Rate: 50_000, Duration: 200 * time.Millisecond}, 10_000, 200 * time.Millisecond},
		{Plan{Rate: 1_000_000, Count: 20_000}, 20_000, 20 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v per s, %d, %v", tt.plan.Rate, tt.plan.Count, tt.plan.Duration), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newRecorder(work(0))
				res, err := run(t, t.Context(), newLoad(t, server, tt.plan))
				if err != nil || res.Completed != tt.calls || res.Missed != 0 || res.Behind > tick {
					t.Fatalf("result %+v, %v; want %d calls", res, err, tt.calls)
				}
				if res.Elapsed != tt.elapsed || res.Sending != tt.elapsed {
					t.Errorf("elapsed %v, sending %v; want %v", res.Elapsed, res.Sending, tt.elapsed)
				}
				for k, c := range server.byNumber(t, tt.calls) {
					want := time.Duration(math.Round(float64(k) * 1e9 / tt.plan.Rate))
					if c.intended != want {
						t.Fatalf("call %d was meant to start at %v, want %v", k, c.intended, want)
					}
					if late := c.at - c.intended; late < 0 || late > tick {
						t.Fatalf("call %d started %v late", k, late)
					}
				}
			})
		})
	}
}

// If a server that serves one call at a time stalls for a second, the open model shows it in the response time of
// every call that was delayed. A closed loop shows one slow call.
func TestCoordinatedOmission(t *testing.T) {
	const stalled = 100
	stall := func(ctx context.Context, k int) error {
		if k == stalled {
			return sleep(ctx, time.Second)
		}
		return sleep(ctx, time.Millisecond)
	}
	slow := func(t *testing.T, plan Plan) (n int) {
		synctest.Test(t, func(t *testing.T) {
			server := newRecorder(stall)
			if _, err := run(t, t.Context(), newLoad(t, server, plan)); err != nil {
				t.Fatal(err)
			}
			for k, c := range server.byNumber(t, plan.Count) {
				late := c.at - c.intended
				// 2 ms between calls, 1 ms of work: each call makes up for 1 ms.
				want := max(time.Second-2*time.Millisecond-time.Duration(k-stalled-1)*time.Millisecond, 0)
				if plan.Rate == 0 || k <= stalled {
					want = 0
				}
				if late < want || late > want+tick {
					t.Fatalf("call %d started %v late, want %v", k, late, want)
				}
				if late > 100*time.Millisecond || k == stalled {
					n++
				}
			}
		})
		return n
	}
	if n := slow(t, Plan{Rate: 500, Concurrency: 1, Count: 2000}); n < 800 {
		t.Errorf("the open model shows %d slow calls", n)
	}
	if n := slow(t, Plan{Concurrency: 1, Count: 2000}); n != 1 {
		t.Errorf("the closed loop shows %d slow calls", n)
	}
}

func TestBacklogAndMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 10 at a time, 1 s each: 10 per second of the 100.
		server := newRecorder(work(time.Second))
		l := newLoad(t, server, Plan{Rate: 100, Concurrency: 10, Duration: 2995 * time.Millisecond})
		wait := background(t, t.Context(), l)
		time.Sleep(995 * time.Millisecond)
		synctest.Wait()
		if p := l.Progress(); p.Outstanding != 10 || p.Started != 10 || p.Backlog != 90 || p.Phase != Measuring {
			t.Errorf("before the first answer: %+v", p)
		}
		time.Sleep(2003 * time.Millisecond)
		synctest.Wait()
		if p := l.Progress(); p.Phase != Draining || p.Outstanding != 10 || p.Backlog != 0 {
			t.Errorf("after the end: %+v", p)
		}
		res, err := wait()
		if err != nil || server.peak != 10 {
			t.Errorf("%v, at most %d outstanding", err, server.peak)
		}
		if res.Started != 30 || res.Missed != 270 {
			t.Errorf("started %d, missed %d of 300", res.Started, res.Missed)
		}
		if late := 1800 * time.Millisecond; res.Behind != late { // call 29, due after 290 ms, after 2,090 ms
			t.Errorf("%v behind, want %v", res.Behind, late)
		}
		if res.Sending != 2995*time.Millisecond || res.Elapsed <= res.Sending {
			t.Errorf("sending %v, elapsed %v", res.Sending, res.Elapsed)
		}
	})
}

func TestUnlimitedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(time.Second))
		res, err := run(t, t.Context(), newLoad(t, server, Plan{Rate: 2000, Duration: 2 * time.Second}))
		if err != nil || res.Completed != 4000 || server.peak < 1999 || server.peak > 2001 {
			t.Errorf("%+v, %v, at most %d outstanding", res, err, server.peak)
		}
	})
}

func TestSetRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(0))
		l := newLoad(t, server, Plan{Rate: 10, Duration: 4 * time.Second})
		wait := background(t, t.Context(), l)
		time.Sleep(1050 * time.Millisecond) // half of the interval before call 11 is over
		if err := l.SetRate(100); err != nil {
			t.Fatal(err)
		}
		if p := l.Progress(); p.Rate != 100 {
			t.Errorf("rate is %v", p.Rate)
		}
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
		// 11 calls by 1.05 s; from 1.055 s on every 10 ms.
		calls := server.byNumber(t, 11+295)
		for k, c := range calls {
			want := time.Duration(k) * 100 * time.Millisecond
			if k >= 11 {
				want = 1055*time.Millisecond + time.Duration(k-11)*10*time.Millisecond
			}
			if c.intended != want || c.at != want {
				t.Fatalf("call %d was meant for %v and came at %v, want %v", k, c.intended, c.at, want)
			}
		}
	})
}

// A slower rate does not change the intended times of the backlog.
func TestSetRateKeepsBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(time.Second))
		l := newLoad(t, server, Plan{Rate: 10, Concurrency: 1, Count: 25})
		wait := background(t, t.Context(), l)
		for _, rate := range []float64{10, 1, 0.001, 1, 20} {
			time.Sleep(500 * time.Millisecond)
			if err := l.SetRate(rate); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
		calls := server.byNumber(t, 25)
		for k := 1; k < 25; k++ {
			if k <= 10 && calls[k].intended != time.Duration(k)*100*time.Millisecond {
				t.Errorf("call %d was due before the rate fell, at %v", k, calls[k].intended)
			}
			if calls[k].intended < calls[k-1].intended || calls[k].at < calls[k].intended {
				t.Errorf("call %d: %+v after %+v", k, calls[k], calls[k-1])
			}
		}
	})
}

// A higher concurrency takes effect at once, even with a backlog, and a lower one as calls end.
func TestOpenConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(time.Second))
		l := newLoad(t, server, Plan{Rate: 1000, Concurrency: 5})
		wait := background(t, t.Context(), l)
		for _, step := range []struct{ set, soon, later int }{{20, 20, 20}, {8, 20, 8}, {0, 500, 0}, {1, 500, 1}} {
			time.Sleep(1300 * time.Millisecond)
			if err := l.SetConcurrency(step.set); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := server.outstanding(); n < step.soon {
				t.Errorf("%d outstanding right after SetConcurrency(%d), want %d", n, step.set, step.soon)
			}
			time.Sleep(1300 * time.Millisecond)
			synctest.Wait()
			if n := server.outstanding(); step.set > 0 && n != step.later {
				t.Errorf("%d outstanding some time after SetConcurrency(%d), want %d", n, step.set, step.later)
			}
		}
		l.Stop()
		if _, err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// No worker is left after a burst, and a lower concurrency delays no call.
func TestWorkersAfterBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst = 1000
		server := newRecorder(func(ctx context.Context, k int) error {
			if k < burst {
				return sleep(ctx, time.Second)
			}
			return nil
		})
		l := newLoad(t, server, Plan{Rate: 1000, Duration: 4 * time.Second})
		wait := background(t, t.Context(), l)
		workers := func() int {
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.workers
		}
		time.Sleep(999*time.Millisecond + tick)
		if n := workers(); n != burst {
			t.Errorf("%d workers in the burst", n)
		}
		time.Sleep(2 * time.Second)
		if n := workers(); n != 0 {
			t.Errorf("%d workers after the burst", n)
		}
		if err := l.SetConcurrency(1); err != nil {
			t.Fatal(err)
		}
		if res, err := wait(); err != nil || res.Missed != 0 {
			t.Errorf("result %+v, %v", res, err)
		}
		for k, c := range server.byNumber(t, 4000) {
			if c.at != c.intended {
				t.Fatalf("call %d was meant for %v and came at %v", k, c.intended, c.at)
			}
		}
	})
}
