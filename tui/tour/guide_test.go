package tour_test

import (
	"context"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

// untilTold looks until the condition holds.
func untilTold(t testing.TB, g *tour.Guide, what string, holds func(tour.Snapshot) bool) (*lab.Lab, tour.Snapshot) {
	t.Helper()
	late := time.After(patience)
	for {
		l, look := g.Snapshot()
		if holds(look) {
			return l, look
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatalf("never: %s; %+v", what, look)
		}
	}
}

// A person goes on, back, repeats, leaves, and comes back.
func TestGuide(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	some, err := tour.Only("5,3,10")
	if err != nil {
		t.Fatal(err)
	}
	g, err := tour.NewGuide(t.Context(), config(node), some)
	if err != nil {
		t.Fatal(err)
	}
	var queues []string // of the stages there were
	present := func(number int, state tour.State) tour.Snapshot {
		t.Helper()
		l, look := g.Snapshot()
		if q := l.RunConfig().Queue; len(queues) == 0 || queues[len(queues)-1] != q {
			queues = append(queues, q)
		}
		if look.Scenario.Number != number || look.State != state || look.Count != 3 {
			t.Errorf("scenario %d in state %d, not %d in %d", look.Scenario.Number, look.State, number, state)
		}
		return look
	}
	do := func(f func(context.Context) error) {
		t.Helper()
		if err := f(t.Context()); err != nil {
			t.Error(err)
		}
	}
	over := func(look tour.Snapshot) bool { return look.State == tour.Finished }

	if look := present(5, tour.Intro); look.Position != 1 || look.Result != nil {
		t.Errorf("%+v", look)
	}
	do(g.Next)
	_, look := untilTold(t, g, "a result", over)
	if look.Result == nil || !look.Result.OK() {
		t.Errorf("%+v", look.Result)
	}
	do(g.Next)
	present(3, tour.Intro)
	do(g.Next)
	untilTold(t, g, "it begins", func(look tour.Snapshot) bool { return look.State == tour.Playing })
	do(g.Back) // it is given up
	present(5, tour.Intro)
	do(g.Back)
	present(5, tour.Intro)
	do(g.Repeat)
	untilTold(t, g, "a result", over)
	present(5, tour.Finished)
	do(g.Repeat)
	untilTold(t, g, "a result", over)
	present(5, tour.Finished)

	do(g.Next)
	do(g.Next)
	l, _ := g.Snapshot()
	for l.Snapshot(lab.Query{}).Ledger.Calls.InFlight == 0 {
		time.Sleep(time.Millisecond)
	}
	g.Leave()
	_, look = untilTold(t, g, "it does no more", over)
	if !look.Left || look.Result != nil {
		t.Errorf("%+v", look)
	}
	if _, err := l.StartServer(t.Context()); err != nil { // the lab can be played with
		t.Error(err)
	}
	present(3, tour.Finished)
	do(g.Next)
	if look := present(10, tour.Intro); look.Left {
		t.Error("the tour is not taken up again")
	}
	g.Leave() // before it has begun
	if look := present(10, tour.Finished); !look.Left || look.Result != nil {
		t.Errorf("%+v", look)
	}
	do(g.Next) // there is no next one
	if look := present(10, tour.Finished); look.Left {
		t.Error("the tour is not taken up again")
	}
	do(g.Repeat)
	untilTold(t, g, "it begins", func(look tour.Snapshot) bool { return look.State == tour.Playing })
	do(g.Next) // which leaves it
	if _, look := untilTold(t, g, "it does no more", over); !look.Left {
		t.Error("the tour goes on after the last scenario")
	}
	do(g.Repeat)
	untilTold(t, g, "a result", over)
	present(10, tour.Finished)
	do(g.Next) // there is no next one
	if look := present(10, tour.Finished); !look.Left {
		t.Error("the tour goes on after the last scenario")
	}

	if results := g.Results(); len(results) != 2 || !results[0].OK() || results[1].Scenario.Number != 10 {
		t.Errorf("%+v", results)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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
		t.Errorf("not a new stage for each scenario: %q", queues)
	}
}

// A stage that is being opened when the tour is closed is not left behind either.
func TestGuideClosedOnTheWay(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for range 5 {
		g, err := tour.NewGuide(t.Context(), config(node), tour.Scenarios())
		if err != nil {
			t.Fatal(err)
		}
		went := make(chan error, 1)
		go func() { went <- g.Back(t.Context()) }()
		for moving := false; !moving && len(went) == 0; { // which may be over in no time
			_, look := g.Snapshot()
			moving = look.Loading
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		l, look := g.Snapshot()
		if look.Loading {
			t.Error("a stage is still being opened")
		}
		gone(t, node, l.RunConfig().Queue)
		<-went // with an error or without one
	}
}

// A stage that cannot be opened leaves the present one as it is.
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
	if _, look := g.Snapshot(); look.Scenario.Number != 1 || look.Loading {
		t.Errorf("%+v", look)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.Close(ctx); err == nil {
		t.Error("a queue that could not be deleted is not told of")
	}
}
