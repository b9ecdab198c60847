package tour_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

// endless is the pace of somebody who never goes on.
var endless = tour.Pace{Word: 1000 * time.Hour, Pause: 1000 * time.Hour}

// Where somebody looks on, servers work so slowly that there is something to be seen. The claims hold all the same.
func TestClaimsHoldOnScreen(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for _, s := range tour.Scenarios() {
		t.Run(s.Title, func(t *testing.T) {
			t.Parallel()
			brokertest.Shared(t)
			r := playAt(t, t.Context(), node, s, tour.Pace{Pause: time.Nanosecond}, nil, func(l *lab.Lab) { shows(t, s.Number, l) })
			if !r.OK() {
				t.Error(r.Line())
			}
		})
	}
}

// shows fails the test if the screen, when a scenario is over, does not show what the scenario
// tells to watch.
func shows(t *testing.T, scenario int, l *lab.Lab) {
	look := l.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now(), Seconds: 60, Completed: 4096}})
	switch scenario {
	case 1: // the numbers of calls, out of order
		seen, inOrder := make(map[int]bool), true
		for i, c := range look.Ledger.Completed {
			n := l.Number(c.ID)
			seen[n] = true
			inOrder = inOrder && n == len(look.Ledger.Completed)-i
		}
		if len(seen) != 1000 || seen[0] || inOrder {
			t.Errorf("%d numbers of 1000, in order: %t", len(seen), inOrder)
		}
	case 2: // the rates of both servers, which are alike
		rates := make(map[bool][]float64)
		for _, s := range look.Ledger.Servers {
			rates[s.Rate > 0] = append(rates[s.Rate > 0], s.Rate)
		}
		if now := rates[true]; look.Load.Paused || len(now) != 2 || now[0] > 2*now[1] || now[1] > 2*now[0] {
			t.Errorf("the servers' rates are %v, the load is paused: %t", rates, look.Load.Paused)
		}
	case 3: // three steps in the chart, and the last one in the numbers
		for _, step := range []int{5, 10, 20} {
			longest, now := 0, 0
			for _, s := range look.Ledger.Seconds {
				if now++; 4*s.Completed < 3*step || 4*s.Completed > 5*step {
					now = 0
				}
				longest = max(longest, now)
			}
			if longest < 3 {
				t.Errorf("%d/s for %d s: %+v", step, longest, look.Ledger.Seconds)
			}
		}
		if rate := look.Ledger.Rate; rate < 15 || rate > 25 {
			t.Errorf("the rate is %.1f/s", rate)
		}
	}
}

// A step is told before it is done, is done when its time has passed or somebody is in a hurry, and can be looked
// at before the next one is told.
func TestSteps(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	cfg := config(node)
	cfg.Pace = endless
	g, err := tour.NewGuide(t.Context(), cfg, []*tour.Scenario{scenario(t, 5), scenario(t, 10)})
	if err != nil {
		t.Fatal(err)
	}
	g.SkipWait() // does nothing yet
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	const steps = 3
	l := (*lab.Lab)(nil)
	reach := func(n int, phase tour.Phase) {
		t.Helper()
		l, _ = untilTold(t, g, "the next step", func(look tour.Snapshot) bool {
			return len(look.Steps) == n && look.Steps[n-1].Phase == phase && look.Result == nil
		})
	}
	reach(1, tour.Pending)
	if look := l.Snapshot(lab.Query{}); len(look.Pool) > 0 || look.Starting > 0 || look.Ledger.Calls.Sent > 0 {
		t.Errorf("done before it could be read: %+v", look.Pool)
	}
	// Until it waits for something else.
	hurry := func(beyond func(tour.Snapshot) bool) {
		t.Helper()
		untilTold(t, g, "somebody is in a hurry", func(look tour.Snapshot) bool {
			if beyond(look) {
				return true
			}
			g.SkipWait()
			return false
		})
	}
	hurry(func(look tour.Snapshot) bool { return look.Steps[0].Phase != tour.Pending })
	reach(1, tour.Done)
	if n := l.Snapshot(lab.Query{}).Ledger.Calls.Completed; n != 20 {
		t.Errorf("%d calls after the first step", n)
	}
	hurry(func(look tour.Snapshot) bool { return len(look.Steps) == 2 })
	reach(2, tour.Done) // whoever is in a hurry has not to read it either
	if n := l.Snapshot(lab.Query{}).Ledger.Replies.Unknown; n > 1 {
		t.Errorf("%d unknown replies after the second step", n)
	}
	hurry(func(look tour.Snapshot) bool { return look.Result != nil })
	if _, look := g.Snapshot(); !look.Result.OK() || len(look.Steps) != steps {
		t.Errorf("%+v", look)
	}

	// Whoever goes on, back, or away need not wait for the present step.
	begin := g.Repeat
	for what, leave := range []func(context.Context) error{g.Next, g.Back, g.Repeat, g.Close} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if begin != nil {
			if err := begin(ctx); err != nil {
				t.Fatal(err)
			}
		}
		untilTold(t, g, "a step", func(look tour.Snapshot) bool { return look.State == tour.Playing && len(look.Steps) == 1 })
		if err := leave(ctx); err != nil {
			t.Errorf("%d: %v", what, err)
		}
		if _, look := g.Snapshot(); look.Result != nil {
			t.Errorf("%d: %+v", what, look)
		}
		begin = g.Next
		if what == 2 { // it has begun again
			begin = nil
		}
		cancel()
	}
	if all := g.Results(); len(all) != 1 || !all[0].OK() {
		t.Errorf("%+v", all)
	}
}

// The last time that a scenario was played to its end counts.
func TestResults(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	var good atomic.Bool
	cfg := config(node)
	cfg.Intercept = func(l tour.Lab) tour.Lab {
		if good.Load() {
			return l
		}
		return &meddler{Lab: l, setFault: func(string) error { return nil }}
	}
	g, err := tour.NewGuide(t.Context(), cfg, []*tour.Scenario{scenario(t, 10)})
	if err != nil {
		t.Fatal(err)
	}
	result := func() tour.Snapshot {
		t.Helper()
		if err := g.Repeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, look := untilTold(t, g, "a result", func(look tour.Snapshot) bool { return look.Result != nil })
		return look
	}
	want := func(ok bool) {
		t.Helper()
		if all := g.Results(); len(all) != 1 || all[0].OK() != ok {
			t.Errorf("%+v, not %t", all, ok)
		}
	}
	if all := g.Results(); len(all) > 0 {
		t.Errorf("%+v before anything was played", all)
	}
	if look := result(); look.Result.OK() {
		t.Errorf("%+v", look.Result)
	}
	want(false)
	if err := g.Back(t.Context()); err != nil {
		t.Error(err)
	}
	g.Leave() // it is not played
	if _, look := g.Snapshot(); look.Result != nil {
		t.Errorf("the result of another time: %+v", look.Result)
	}
	want(false)
	good.Store(true)
	result()
	want(true)
	good.Store(false)
	result()
	want(false)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.Close(ctx); err != nil {
		t.Error(err)
	}
}
