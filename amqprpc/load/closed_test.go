package load

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rpcscope/amqprpc"
)

func TestClosedLoop(t *testing.T) {
	tests := []struct {
		plan    Plan
		calls   int64
		elapsed time.Duration
		sending time.Duration
	}{
		// 10 ms per call.
		{Plan{Count: 7}, 7, 70 * time.Millisecond, 60 * time.Millisecond},
		{Plan{Count: 7, Concurrency: 3}, 7, 30 * time.Millisecond, 20 * time.Millisecond},
		{Plan{Count: 2, Concurrency: 64}, 2, 10 * time.Millisecond, 0},
		{Plan{Duration: time.Second, Concurrency: 4}, 400, time.Second, time.Second},
		{Plan{Duration: 1005 * time.Millisecond, Concurrency: 4}, 404, 1010 * time.Millisecond, 1005 * time.Millisecond},
		{Plan{Duration: time.Second, Count: 10}, 10, 100 * time.Millisecond, 90 * time.Millisecond},
		{Plan{Duration: time.Second, Count: 1000}, 100, time.Second, time.Second},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d at a time, %d, %v", tt.plan.Concurrency, tt.plan.Count, tt.plan.Duration), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newRecorder(work(10 * time.Millisecond))
				res, err := run(t, t.Context(), newLoad(t, server, tt.plan))
				if err != nil || res.Completed != tt.calls || res.Elapsed != tt.elapsed || res.Sending != tt.sending {
					t.Errorf("result %+v, %v", res, err)
				}
				for _, c := range server.byNumber(t, tt.calls) {
					if c.intended != c.at {
						t.Errorf("%+v: a free worker's call is meant for now", c)
					}
				}
			})
		})
	}
}

func TestClosedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(work(time.Second))
		l := newLoad(t, server, Plan{Concurrency: 4})
		wait := background(t, t.Context(), l)
		for _, step := range []struct{ set, soon, later int }{{16, 16, 16}, {3, 16, 3}, {1, 3, 1}, {2, 2, 2}} {
			time.Sleep(1300 * time.Millisecond)
			if err := l.SetConcurrency(step.set); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := server.outstanding(); n != step.soon {
				t.Errorf("%d outstanding right after SetConcurrency(%d), want %d", n, step.set, step.soon)
			}
			time.Sleep(1300 * time.Millisecond)
			synctest.Wait()
			if n := server.outstanding(); n != step.later {
				t.Errorf("%d outstanding some time after SetConcurrency(%d), want %d", n, step.set, step.later)
			}
			if p := l.Progress(); p.Concurrency != step.set || p.Outstanding != int64(step.later) {
				t.Errorf("progress %+v", p)
			}
		}
		l.Stop()
		if _, err := wait(); err != nil {
			t.Error(err)
		}
	})
}

// Calls that fail at once are delayed more and more. Answers are not delayed.
func TestFailuresDoNotSpin(t *testing.T) {
	call := func(o amqprpc.Outcome) error { return &amqprpc.CallError{Outcome: o} }
	remote := &amqprpc.CallError{Outcome: amqprpc.Remote, Err: amqprpc.Errorf(amqprpc.CodeInternal, "no")}
	tests := []struct {
		name    string
		latency time.Duration
		err     error
		calls   int64 // in 10 s
		refused bool
	}{
		// 1+2+4+...+64 ms, then every 100 ms: 8 calls by 127 ms, then 98 more.
		{"unroutable", 0, call(amqprpc.Unroutable), 106, false},
		{"unroutable, 1 ms", time.Millisecond, call(amqprpc.Unroutable), 106, false},
		{"full", 0, amqprpc.ErrTooManyInFlight, 106, true},
		{"timeout at once", 0, call(amqprpc.Timeout), 106, false},
		{"timeout", 500 * time.Millisecond, call(amqprpc.Timeout), 20, false},
		{"an error of whatever kind", 0, errors.New("no"), 106, false},
		{"answered with an error", 10 * time.Millisecond, remote, 1000, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newRecorder(func(ctx context.Context, _ int) error {
					_ = sleep(ctx, tt.latency)
					return tt.err
				})
				res, err := run(t, t.Context(), newLoad(t, server, Plan{Duration: 10 * time.Second}))
				if err != nil || res.Failed != tt.calls || res.Completed != 0 || res.Elapsed != 10*time.Second {
					t.Errorf("result %+v, %v; want %d calls", res, err, tt.calls)
				}
			})
		})
	}
}

func TestSuccessEndsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(func(ctx context.Context, k int) error {
			if k%3 != 2 {
				return amqprpc.ErrUnroutable
			}
			return sleep(ctx, time.Millisecond)
		})
		// 1 ms after the first failure, 2 ms after the second, 1 ms of work.
		res, err := run(t, t.Context(), newLoad(t, server, Plan{Count: 300}))
		if err != nil || res.Completed != 100 || res.Failed != 200 || res.Elapsed != 400*time.Millisecond {
			t.Errorf("result %+v, %v", res, err)
		}
	})
}

func TestFatalErrorsEndTheRun(t *testing.T) {
	for _, hopeless := range []error{amqprpc.ErrClosed, fmt.Errorf("body: %w", amqprpc.ErrInvalidRequest)} {
		for _, plan := range []Plan{{Concurrency: 4}, {Rate: 400}, {Concurrency: 4, Warmup: time.Hour}} {
			t.Run(fmt.Sprintf("%v, rate %v, warm-up %v", hopeless, plan.Rate, plan.Warmup), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := newRecorder(func(ctx context.Context, k int) error {
						if k == 10 {
							return hopeless
						}
						return sleep(ctx, 10*time.Millisecond)
					})
					res, err := run(t, t.Context(), newLoad(t, server, plan))
					if !errors.Is(err, hopeless) {
						t.Fatalf("Run returned %v", err)
					}
					if plan.Warmup > 0 {
						if res.Started != 0 {
							t.Errorf("a warm-up's calls count: %+v", res)
						}
						return
					}
					if res.Failed != 1 || res.Started > 16 || res.Started < 11 {
						t.Errorf("result %+v", res)
					}
				})
			})
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newRecorder(func(_ context.Context, k int) error {
			if k%10 == 5 {
				return amqprpc.Errorf(amqprpc.CodeInternal, "five")
			}
			return nil
		})
		ended := make([]int, 100)
		res, err := run(t, t.Context(), newLoad(t, server, Plan{
			Count: 100,
			Check: func(req amqprpc.Request, _ amqprpc.Reply) error {
				if number(req)%10 == 7 {
					return fmt.Errorf("%d ends in seven", number(req))
				}
				return nil
			},
			OnResult: func(c *Call) {
				ended[c.K]++
				if (c.K%10 == 5) != (c.Err != nil) || (c.K%10 == 7) != (c.Wrong != nil) || number(c.Request) != c.K {
					t.Errorf("told of %+v", c)
				}
			},
		}))
		if err != nil || res.Completed != 90 || res.Failed != 10 || res.Wrong != 10 {
			t.Errorf("result %+v, %v", res, err)
		}
		if len(res.Wrongs) != maxWrongs || res.Wrongs[1].Error() != "call 17: 17 ends in seven" {
			t.Errorf("kept %v", res.Wrongs)
		}
		for k, n := range ended {
			if n != 1 {
				t.Errorf("told %d times of call %d", n, k)
			}
		}
	})
}
