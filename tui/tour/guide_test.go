package tour_test

import (
	"context"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

// waitFor polls until the condition holds.
func waitFor(t testing.TB, g *tour.Guide, condition string, holds func(tour.Snapshot) bool) (*lab.Lab, tour.Snapshot) {
	t.Helper()
	late := time.After(waitLimit)
	for {
		l, snap := g.Snapshot()
		if holds(snap) {
			return l, snap
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatalf("never: %s; %+v", condition, snap)
		}
	}
}

// The user goes on and back, repeats, leaves and returns.
func TestGuide(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	some, err := tour.Only(5, 3, 10)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tour.NewGuide(t.Context(), config(node), some)
	if err != nil {
		t.Fatal(err)
	}
	var queues []string // of all sessions
	present := func(number int, state tour.State) tour.Snapshot {
		t.Helper()
		l, snap := g.Snapshot()
		if q := l.RunConfig().Queue; len(queues) == 0 || queues[len(queues)-1] != q {
			queues = append(queues, q)
		}
		if snap.Scenario.Number != number || snap.State != state || snap.Count != 3 {
			t.Errorf("scenario %d in state %d, not %d in %d", snap.Scenario.Number, snap.State, number, state)
		}
		return snap
	}
	do := func(f func(context.Context) error) {
		t.Helper()
		if err := f(t.Context()); err != nil {
			t.Error(err)
		}
	}
	over := func(snap tour.Snapshot) bool { return snap.State == tour.Finished }

	if snap := present(5, tour.Intro); snap.Position != 1 || snap.Result != nil {
		t.Errorf("%+v", snap)
	}
	do(g.Next)
	_, snap := waitFor(t, g, "a result", over)
	if snap.Result == nil || !snap.Result.OK() {
		t.Errorf("%+v", snap.Result)
	}
	do(g.Next)
	present(3, tour.Intro)
	do(g.Next)
	waitFor(t, g, "it begins", func(snap tour.Snapshot) bool { return snap.State == tour.Playing })
	do(g.Back) // which ends it
	present(5, tour.Intro)
	do(g.Back)
	present(5, tour.Intro)
	do(g.Repeat)
	waitFor(t, g, "a result", over)
	present(5, tour.Finished)
	do(g.Repeat)
	waitFor(t, g, "a result", over)
	present(5, tour.Finished)

	do(g.Next)
	do(g.Next)
	l, _ := g.Snapshot()
	for l.Snapshot(lab.Query{}).Ledger.Calls.InFlight == 0 {
		time.Sleep(time.Millisecond)
	}
	g.Leave()
	_, snap = waitFor(t, g, "it does no more", over)
	if !snap.Left || snap.Result != nil {
		t.Errorf("%+v", snap)
	}
	if _, err := l.StartServer(t.Context()); err != nil { // the user may use the lab
		t.Error(err)
	}
	present(3, tour.Finished)
	do(g.Next)
	if snap := present(10, tour.Intro); snap.Left {
		t.Error("the user is not back in the tour")
	}
	g.Leave() // before it is played
	if snap := present(10, tour.Finished); !snap.Left || snap.Result != nil {
		t.Errorf("%+v", snap)
	}
	do(g.Next) // there is no next one
	if snap := present(10, tour.Finished); snap.Left {
		t.Error("the user is not back in the tour")
	}
	do(g.Repeat)
	waitFor(t, g, "it begins", func(snap tour.Snapshot) bool { return snap.State == tour.Playing })
	do(g.Next) // which leaves it
	if _, snap := waitFor(t, g, "it does no more", over); !snap.Left {
		t.Error("the tour goes on after the last scenario")
	}
	do(g.Repeat)
	waitFor(t, g, "a result", over)
	present(10, tour.Finished)
	do(g.Next) // there is no next one
	if snap := present(10, tour.Finished); !snap.Left {
		t.Error("the tour goes on after the last scenario")
	}

	if results := g.Results(); len(results) != 2 || !results[0].OK() || results[1].Scenario.Number != 10 {
		t.Errorf("%+v", results)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	for range 2 {
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	do(g.Back)
	do(g.Repeat)
	for _, queue := range queues {
		gone(t, node, queue)
	}
	if len(queues) < 6 {
		t.Errorf("not a new session for each scenario: %q", queues)
	}
}

// Close also closes a session that is being opened.
func TestGuideCloseWhileOpening(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for range 5 {
		g, err := tour.NewGuide(t.Context(), config(node), tour.Scenarios())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- g.Back(t.Context()) }()
		for loading := false; !loading && len(done) == 0; { // Back may have returned already
			_, snap := g.Snapshot()
			loading = snap.Loading
		}
		ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		l, snap := g.Snapshot()
		if snap.Loading {
			t.Error("a session is still being opened")
		}
		gone(t, node, l.RunConfig().Queue)
		<-done // with an error or without one
	}
}

// If a session cannot be opened, the current one stays.
func TestGuideWithoutBroker(t *testing.T) {
	node := brokertest.Own(t)
	brokertest.NoLeaks(t)
	g, err := tour.NewGuide(t.Context(), config(node), tour.Scenarios())
	if err != nil {
		t.Fatal(err)
	}
	node.Kill()
	g.Leave()
	if err := g.Next(t.Context()); err == nil {
		t.Error("no broker is no error")
	}
	if _, snap := g.Snapshot(); snap.Scenario.Number != 1 || snap.Loading {
		t.Errorf("%+v", snap)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := g.Close(ctx); err == nil {
		t.Error("Close does not report a queue that could not be deleted")
	}
}
