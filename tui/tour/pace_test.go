package tour_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

// endless is the pace of somebody who never goes on.
var endless = tour.Pace{Word: 1000 * time.Hour, Look: 1000 * time.Hour}

// Where somebody looks on, servers work so slowly that there is something to be seen. The claims hold all the same.
func TestClaimsHoldOnScreen(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for _, number := range []int{1, 2, 4, 5, 7, 8, 9, 10} { // the servers of the others are as slow as ever
		s := scenario(t, number)
		t.Run(s.Title, func(t *testing.T) {
			t.Parallel()
			brokertest.Shared(t)
			if r := playAt(t, t.Context(), node, s, tour.Pace{Look: time.Nanosecond}, nil); !r.OK() {
				t.Error(r.Line())
			}
		})
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
	g.Hurry() // does nothing yet
	if err := g.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	const steps = 3
	l := (*lab.Lab)(nil)
	reach := func(n int, phase tour.Phase) {
		t.Helper()
		l, _ = untilTold(t, g, "the next step", func(look tour.Look) bool {
			return len(look.Steps) == n && look.Steps[n-1].Phase == phase && look.Result == nil
		})
	}
	reach(1, tour.Next)
	if look := l.Look(lab.Query{}); len(look.Pool) > 0 || look.Starting > 0 || look.Books.Calls.Sent > 0 {
		t.Errorf("done before it could be read: %+v", look.Pool)
	}
	// Until it waits for something else.
	hurry := func(beyond func(tour.Look) bool) {
		t.Helper()
		untilTold(t, g, "somebody is in a hurry", func(look tour.Look) bool {
			if beyond(look) {
				return true
			}
			g.Hurry()
			return false
		})
	}
	hurry(func(look tour.Look) bool { return look.Steps[0].Phase != tour.Next })
	reach(1, tour.Done)
	if n := l.Look(lab.Query{}).Books.Calls.Completed; n != 20 {
		t.Errorf("%d calls after the first step", n)
	}
	hurry(func(look tour.Look) bool { return len(look.Steps) == 2 })
	reach(2, tour.Done) // whoever is in a hurry has not to read it either
	if n := l.Look(lab.Query{}).Books.Replies.Unknown; n > 1 {
		t.Errorf("%d unknown replies after the second step", n)
	}
	hurry(func(look tour.Look) bool { return look.Result != nil })
	if _, look := g.Look(); !look.Result.OK() || len(look.Steps) != steps {
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
		untilTold(t, g, "a step", func(look tour.Look) bool { return look.State == tour.Acting && len(look.Steps) == 1 })
		if err := leave(ctx); err != nil {
			t.Errorf("%d: %v", what, err)
		}
		if _, look := g.Look(); look.Result != nil {
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
	cfg.Between = func(l tour.Lab) tour.Lab {
		if good.Load() {
			return l
		}
		return &meddler{Lab: l, setFault: func(string) error { return nil }}
	}
	g, err := tour.NewGuide(t.Context(), cfg, []*tour.Scenario{scenario(t, 10)})
	if err != nil {
		t.Fatal(err)
	}
	result := func() tour.Look {
		t.Helper()
		if err := g.Repeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, look := untilTold(t, g, "a result", func(look tour.Look) bool { return look.Result != nil })
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
	if _, look := g.Look(); look.Result != nil {
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
