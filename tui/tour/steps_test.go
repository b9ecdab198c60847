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

// endless is a pace at which every step waits to be skipped.
const endless = 1e6

// The claims also hold at the slower speed for a user who watches, and the screen shows the effects
// that the scenario announces. Scenarios that compare servers have the machine for themselves.
func TestClaimsHoldOnScreen(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for _, s := range tour.Scenarios() {
		t.Run(s.Title, func(t *testing.T) {
			if !compares(s.Number) {
				t.Parallel()
			}
			brokertest.Shared(t)
			r := playPaced(t, t.Context(), node, s, 1e-9, nil, func(l *lab.Lab) { shows(t, s.Number, l) })
			if !r.OK() {
				t.Error(r.Line())
			}
		})
	}
}

// shows fails the test if the screen does not show the effects that a scenario announces. It compares
// rates only with each other, since a busy machine changes them.
func shows(t *testing.T, scenario int, l *lab.Lab) {
	snap := l.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now(), Seconds: 60, Completed: 4096}})
	switch scenario {
	case 1: // the numbers of calls, out of order
		seen, inOrder := make(map[int]bool), true
		for i, c := range snap.Ledger.Completed {
			n := l.Number(c.ID)
			seen[n] = true
			inOrder = inOrder && n == len(snap.Ledger.Completed)-i
		}
		if len(seen) != 1000 || seen[0] || inOrder {
			t.Errorf("%d numbers of 1000, in order: %t", len(seen), inOrder)
		}
	case 2: // the rates of both servers, which are alike
		rates := make(map[bool][]float64)
		for _, s := range snap.Ledger.Servers {
			rates[s.Rate > 0] = append(rates[s.Rate > 0], s.Rate)
		}
		if now := rates[true]; snap.Load.Paused || len(now) != 2 || now[0] > 2*now[1] || now[1] > 2*now[0] {
			t.Errorf("the servers' rates are %v, the load is paused: %t", rates, snap.Load.Paused)
		}
	case 3: // a step in the chart for each start of servers
		var starts []time.Time
		for i, m := range snap.Marks {
			if i != 2 { // the third server starts with the fourth
				starts = append(starts, m.Time)
			}
		}
		if len(starts) != 3 {
			t.Fatalf("marks: %+v", snap.Marks)
		}
		var rates []float64
		for i, from := range starts {
			to := snap.Ledger.Now
			if i+1 < len(starts) {
				to = starts[i+1]
			}
			if to.Sub(from) < 4*time.Second {
				t.Errorf("step %d takes only %v", i+1, to.Sub(from))
			}
			completed := 0
			for _, c := range snap.Ledger.Completed {
				if c.Ended.After(from) && c.Ended.Before(to) {
					completed++
				}
			}
			rates = append(rates, float64(completed)/to.Sub(from).Seconds())
		}
		if rates[1] < 1.3*rates[0] || rates[2] < 1.3*rates[1] {
			t.Errorf("the rates are %.1f", rates)
		}
	}
}

// A step is shown before it runs, runs after a wait or a skip, and is followed by another wait.
func TestSteps(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	cfg := config(node)
	cfg.Pace = endless
	g, err := tour.NewGuide(t.Context(), cfg, []*tour.Scenario{scenario(t, 5), scenario(t, 10)})
	if err != nil {
		t.Fatal(err)
	}
	g.SkipWait() // has no effect yet
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	const steps = 3
	l := (*lab.Lab)(nil)
	reach := func(n int, phase tour.Phase) {
		t.Helper()
		l, _ = waitFor(t, g, "the next step", func(snap tour.Snapshot) bool {
			return len(snap.Steps) == n && snap.Steps[n-1].Phase == phase && snap.Result == nil
		})
	}
	reach(1, tour.Pending)
	if snap := l.Snapshot(lab.Query{}); len(snap.Pool) > 0 || snap.Ledger.Calls.Sent > 0 {
		t.Errorf("done before it could be read: %+v", snap.Pool)
	}
	// skipUntil skips waits until a condition holds.
	skipUntil := func(reached func(tour.Snapshot) bool) {
		t.Helper()
		waitFor(t, g, "the wait is skipped", func(snap tour.Snapshot) bool {
			if reached(snap) {
				return true
			}
			g.SkipWait()
			return false
		})
	}
	skipUntil(func(snap tour.Snapshot) bool { return snap.Steps[0].Phase != tour.Pending })
	reach(1, tour.Done)
	if n := l.Snapshot(lab.Query{}).Ledger.Calls.Completed; n != 20 {
		t.Errorf("%d calls after the first step", n)
	}
	skipUntil(func(snap tour.Snapshot) bool { return len(snap.Steps) == 2 })
	reach(2, tour.Done) // a skip ends both waits
	if n := l.Snapshot(lab.Query{}).Ledger.Replies.Unknown; n > 1 {
		t.Errorf("%d unknown replies after the second step", n)
	}
	skipUntil(func(snap tour.Snapshot) bool { return snap.Result != nil })
	if _, snap := g.Snapshot(); !snap.Result.OK() || len(snap.Steps) != steps {
		t.Errorf("%+v", snap)
	}

	// The methods of the guide do not wait for the current step.
	begin := g.Repeat
	for i, leave := range []func(context.Context) error{g.Next, g.Back, g.Repeat, g.Close} {
		ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
		if begin != nil {
			if err := begin(ctx); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, g, "a step", func(snap tour.Snapshot) bool { return snap.State == tour.Playing && len(snap.Steps) == 1 })
		if err := leave(ctx); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if _, snap := g.Snapshot(); snap.Result != nil {
			t.Errorf("%d: %+v", i, snap)
		}
		begin = g.Next
		if i == 2 { // it is played again
			begin = nil
		}
		cancel()
	}
	if all := g.Results(); len(all) != 1 || !all[0].OK() {
		t.Errorf("%+v", all)
	}
}

// The last result of a scenario counts.
func TestResults(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	var good atomic.Bool
	cfg := config(node)
	cfg.Intercept = func(l tour.Lab) tour.Lab {
		if good.Load() {
			return l
		}
		return &wrapper{Lab: l, setFault: func(string) error { return nil }}
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
		_, snap := waitFor(t, g, "a result", func(snap tour.Snapshot) bool { return snap.Result != nil })
		return snap
	}
	want := func(ok bool) {
		t.Helper()
		if all := g.Results(); len(all) != 1 || all[0].OK() != ok {
			t.Errorf("%+v, not %t", all, ok)
		}
	}
	if all := g.Results(); len(all) > 0 {
		t.Errorf("%+v before a scenario was played", all)
	}
	if snap := result(); snap.Result.OK() {
		t.Errorf("%+v", snap.Result)
	}
	want(false)
	if err := g.Back(t.Context()); err != nil {
		t.Error(err)
	}
	g.Leave() // it is not played
	if _, snap := g.Snapshot(); snap.Result != nil {
		t.Errorf("the result of another time: %+v", snap.Result)
	}
	want(false)
	good.Store(true)
	result()
	want(true)
	good.Store(false)
	result()
	want(false)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := g.Close(ctx); err != nil {
		t.Error(err)
	}
}
