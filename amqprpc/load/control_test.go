package load

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rpcscope/amqprpc"
)

// A pause postpones the rest of an open model's schedule, backlog included.
func TestPauseShiftsSchedule(t *testing.T) {
	const length = 10 * time.Second
	for _, concurrency := range []int{0, 1} { // with 1, half of the calls wait
		synctest.Test(t, func(t *testing.T) {
			server := newRecorder(work(2 * time.Millisecond))
			l := newLoad(t, server, Plan{Rate: 1000, Duration: 2 * time.Second, Concurrency: concurrency})
			wait := background(t, t.Context(), l)
			time.Sleep(500*time.Millisecond + 500*time.Microsecond)
			l.Pause()
			l.Pause() // the second Pause does nothing
			synctest.Wait()
			before := len(server.since(0))
			at := l.Progress()
			time.Sleep(length)
			synctest.Wait()
			if p := l.Progress(); !p.Paused || p.Elapsed != at.Elapsed || p.Backlog != at.Backlog || p.Outstanding != 0 {
				t.Errorf("at the begin of the pause %+v, at its end %+v", at, p)
			}
			if calls := server.since(before); len(calls) > 0 {
				t.Errorf("%d calls were made in the pause", len(calls))
			}
			l.Resume()
			l.Resume()
			res, err := wait()
			if err != nil || res.Sending != 2*time.Second || res.Started+res.Missed != 2000 {
				t.Errorf("result %+v, %v", res, err)
			}
			if concurrency == 0 && res.Missed != 0 {
				t.Errorf("missed %d", res.Missed)
			}
			for k, c := range server.byNumber(t, res.Started) {
				want := time.Duration(k) * time.Millisecond
				if k >= before {
					want += length
				}
				if c.intended != want {
					t.Fatalf("call %d was meant for %v, want %v", k, c.intended, want)
				}
			}
		})
	}
}

func TestPauseClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(10 * time.Millisecond))
		l := newLoad(t, server, Plan{Concurrency: 2, Duration: time.Second})
		l.Pause() // before Run as well
		wait := background(t, t.Context(), l)
		time.Sleep(time.Hour)
		synctest.Wait()
		if p := l.Progress(); p.Started != 0 || p.Elapsed != 0 || p.Phase != Measuring {
			t.Errorf("paused from the begin: %+v", p)
		}
		l.Resume()
		time.Sleep(505 * time.Millisecond)
		l.Pause()
		if err := l.SetConcurrency(5); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if p := l.Progress(); p.Completed != 102 || p.Outstanding != 0 || p.Elapsed != 505*time.Millisecond {
			t.Errorf("paused: %+v", p)
		}
		l.Resume()
		res, err := wait()
		// 495 ms are left: 50 calls of 10 ms for each of five.
		if err != nil || res.Completed != 102+250 || res.Sending != time.Second {
			t.Errorf("result %+v, %v", res, err)
		}
		for _, c := range server.since(0) {
			if c.intended != c.at {
				t.Errorf("%+v: the pause counts as latency", c)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	cause := errors.New("enough")
	for _, plan := range []Plan{{Concurrency: 10}, {Rate: 100, Count: 1e6}, {Rate: 1000, Concurrency: 10}, {Concurrency: 3, Warmup: time.Hour}} {
		for _, paused := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				server := newRecorder(work(time.Minute))
				ctx, cancel := context.WithCancelCause(t.Context())
				l := newLoad(t, server, plan)
				wait := background(t, ctx, l)
				time.Sleep(time.Second + time.Millisecond/2)
				if paused {
					l.Pause()
				}
				synctest.Wait()
				begun := len(server.since(0))
				start := time.Now()
				cancel(cause)
				res, err := wait()
				if !errors.Is(err, cause) {
					t.Errorf("Run returned %v", err)
				}
				if d := time.Since(start); d != 0 {
					t.Errorf("took %v to return", d)
				}
				want := int64(begun)
				if plan.Warmup > 0 {
					want = 0
				}
				if res.Failed != want || res.Completed != 0 || len(server.since(0)) != begun || res.InWarmUp != (plan.Warmup > 0) {
					t.Errorf("%d calls were outstanding, result %+v", begun, res)
				}
			})
		}
	}
}

func TestStop(t *testing.T) {
	for _, plan := range []Plan{{Concurrency: 10}, {Rate: 100}, {Rate: 1000, Concurrency: 10}} {
		synctest.Test(t, func(t *testing.T) {
			server := newRecorder(work(time.Minute))
			l := newLoad(t, server, plan)
			wait := background(t, t.Context(), l)
			time.Sleep(time.Second + time.Millisecond/2)
			l.Pause()
			synctest.Wait()
			begun := len(server.since(0))
			l.Stop()
			l.Stop()
			synctest.Wait()
			if p := l.Progress(); p.Phase != Draining || p.Outstanding != int64(begun) || p.Paused {
				t.Errorf("after Stop: %+v", p)
			}
			l.Pause() // does nothing
			res, err := wait()
			if err != nil || res.Completed != int64(begun) || res.Failed != 0 || res.Elapsed < time.Minute {
				t.Errorf("%d calls were outstanding, result %+v, %v", begun, res, err)
			}
		})
	}
}

func TestStopBeforeRun(t *testing.T) {
	for _, plan := range []Plan{{}, {Rate: 100}, {Warmup: time.Hour}} {
		server := newRecorder(work(0))
		l := newLoad(t, server, plan)
		l.Stop()
		res, err := run(t, t.Context(), l)
		if err != nil || res.Started != 0 || res.Missed != 0 || len(server.since(0)) != 0 {
			t.Errorf("result %+v, %v", res, err)
		}
	}
}

func TestCanceledBeforeRun(t *testing.T) {
	for _, plan := range []Plan{{}, {Rate: 100}, {Warmup: time.Hour}} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		server := newRecorder(work(0))
		res, err := run(t, ctx, newLoad(t, server, plan))
		if !errors.Is(err, context.Canceled) || res.Started != 0 || res.Missed != 0 || len(server.since(0)) != 0 {
			t.Errorf("result %+v, %v", res, err)
		}
	}
}

// A deadline of the context ends the run with the context's error.
func TestContextDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res, err := run(t, ctx, newLoad(t, newRecorder(work(300*time.Millisecond)), Plan{}))
		if !errors.Is(err, context.DeadlineExceeded) || res.Completed != 3 || res.Failed != 1 {
			t.Errorf("result %+v, %v", res, err)
		}
	})
}

// The calls of a warm-up do not count, have all ended before the first call that counts, and use up no requests.
func TestWarmup(t *testing.T) {
	for _, plan := range []Plan{{Concurrency: 8, Count: 100}, {Rate: 1000, Count: 100}} {
		synctest.Test(t, func(t *testing.T) {
			server := newRecorder(work(30 * time.Millisecond))
			warm, told := 0, 0
			plan.Warmup = 100 * time.Millisecond
			plan.OnWarm = func(at time.Time) {
				if !at.Equal(time.Now()) {
					t.Errorf("reset at %v", at)
				}
				if n := server.outstanding(); n != 0 {
					t.Errorf("%d calls of the warm-up have not ended", n)
				}
				told++
				warm = len(server.since(0))
			}
			plan.OnResult = func(c *Call) {
				if told == 0 {
					t.Error("told of a call of the warm-up")
				}
			}
			l := newLoad(t, server, plan)
			wait := background(t, t.Context(), l)
			time.Sleep(98*time.Millisecond + 500*time.Microsecond)
			if p := l.Progress(); p.Phase != WarmUp || p.Duration != plan.Warmup || p.Count != 0 || p.Started == 0 {
				t.Errorf("in the warm-up: %+v", p)
			}
			l.Pause()
			time.Sleep(time.Second)
			l.Resume()
			time.Sleep(10 * time.Millisecond)
			l.Pause() // while the last calls of the warm-up are outstanding: pauses the measurement
			time.Sleep(time.Second)
			synctest.Wait()
			if p := l.Progress(); p.Phase != Measuring || p.Started != 0 || !p.Paused {
				t.Errorf("paused before the measurement: %+v", p)
			}
			l.Resume()
			res, err := wait()
			if err != nil || res.Completed != 100 || told != 1 {
				t.Errorf("result %+v, %v, told %d times", res, err, told)
			}
			all := server.since(0)
			if len(all) != warm+100 || warm == 0 {
				t.Fatalf("%d calls, %d of them to warm up", len(all), warm)
			}
			// Measured call k is the same as call k of the warm-up.
			types := map[int64]string{}
			for _, c := range all {
				if known, ok := types[c.k]; ok && known != c.typ {
					t.Errorf("call %d is %q and %q", c.k, known, c.typ)
				}
				types[c.k] = c.typ
			}
			if len(types) != max(100, warm) {
				t.Errorf("%d different calls", len(types))
			}
		})
	}
}

func TestProgress(t *testing.T) {
	if (Progress{Phase: Done}).Fraction() != 1 || (Progress{}).Fraction() != 0 {
		t.Error("done is 1, a phase without an end 0")
	}
	tests := []struct {
		p        Progress
		fraction float64
		left     time.Duration
		known    bool
	}{
		{Progress{Elapsed: time.Second, Completed: 5}, 0, 0, false},
		{Progress{Count: 10, Elapsed: time.Second}, 0, 0, false},
		{Progress{Count: 10, Completed: 3, Failed: 1, Outstanding: 2, Started: 6, Elapsed: 4 * time.Second}, 0.4, 6 * time.Second, true},
		{Progress{Duration: 10 * time.Second, Elapsed: 4 * time.Second}, 0.4, 6 * time.Second, true},
		{Progress{Duration: 10 * time.Second, Elapsed: 14 * time.Second}, 1, 0, true},
		{Progress{Duration: 10 * time.Second, Elapsed: 4 * time.Second, Count: 10, Completed: 8}, 0.8, time.Second, true},
	}
	for _, tt := range tests {
		left, known := tt.p.Remaining()
		if f := tt.p.Fraction(); math.Abs(f-tt.fraction) > 1e-9 || left != tt.left || known != tt.known {
			t.Errorf("%+v: %v, %v, %v", tt.p, f, left, known)
		}
	}
	ready := newLoad(t, newRecorder(work(0)), Plan{Count: 5, Duration: time.Second, Warmup: time.Second, Rate: 2})
	if p, want := ready.Progress(), (Progress{Count: 5, Duration: time.Second, Rate: 2}); p != want {
		t.Errorf("before Run: %+v, want %+v", p, want)
	}
	names := []string{"ready", "warm-up", "measuring", "draining", "done"}
	for i, name := range names {
		if Phase(i).String() != name {
			t.Errorf("phase %d is %q", i, Phase(i))
		}
	}
}

func TestInvalid(t *testing.T) {
	caller := newRecorder(work(0))
	bad := map[string]Plan{
		"rate -1 per second":                    {Source: numbered, Rate: -1},
		"rate 1e-07":                            {Source: numbered, Rate: MinRate / 10},
		"rate NaN":                              {Source: numbered, Rate: math.NaN()},
		"rate +Inf":                             {Source: numbered, Rate: math.Inf(1)},
		"from 0.000001 to 1000000":              {Source: numbered, Rate: 2 * MaxRate},
		"concurrency -1 is not from 0 to 65536": {Source: numbered, Concurrency: -1},
		"concurrency 65537":                     {Source: numbered, Concurrency: MaxConcurrency + 1},
		"count -2 is negative":                  {Source: numbered, Count: -2},
		"duration -1s is negative":              {Source: numbered, Duration: -time.Second},
		"warm-up -1s is negative":               {Warmup: -time.Second},
	}
	for want, plan := range bad {
		if _, err := New(caller.Call, plan); !errors.Is(err, amqprpc.ErrInvalidConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", plan, err, want)
		}
	}

	closed, open := newLoad(t, caller, Plan{}), newLoad(t, caller, Plan{Rate: 1})
	for name, err := range map[string]error{
		"a rate for a closed loop": closed.SetRate(5),
		"no workers":               closed.SetConcurrency(0),
		"too many workers":         closed.SetConcurrency(MaxConcurrency + 1),
		"a negative bound":         open.SetConcurrency(-1),
		"no rate":                  open.SetRate(0),
		"no number":                open.SetRate(math.NaN()),
	} {
		if !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"no bound": open.SetConcurrency(0), "another rate": open.SetRate(5), "one worker": closed.SetConcurrency(1),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
