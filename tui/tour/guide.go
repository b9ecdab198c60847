package tour

import (
	"context"
	"errors"
	"sync"

	"rpcscope/tui/lab"
)

// A State is the state of a scenario.
type State int

const (
	Intro    State = iota // its text is shown; nothing has been done
	Playing               // it is played
	Finished              // it was played or left; the user may use its lab
)

// A Snapshot is the state of a tour at one moment, for the screen.
type Snapshot struct {
	Scenario *Scenario
	Count    int // of scenarios
	Position int // of this one, from 1
	State    State
	Steps    []Step  // so far, the current one last
	Result   *Result // or nil
	Loading  bool    // the session of another scenario is being opened
	Left     bool    // the user has left the tour and uses the lab
}

// A Guide leads a user through scenarios: one session at a time, at the user's pace. Create one with
// [NewGuide] and close it. Its methods may be called from any goroutine.
type Guide struct {
	cfg Config
	all []*Scenario

	ctx     context.Context // of all plays, and of opening sessions after the first
	cancel  context.CancelFunc
	running sync.WaitGroup // plays, and sessions that are opened or closed

	mu      sync.Mutex
	at      int
	session *Session
	state   State
	loading bool
	left    bool
	closed  bool
	stop    context.CancelFunc // ends the play
	result  *Result            // of the session, or nil
	results map[int]*Result    // the last result of each scenario, by index
	err     error              // of sessions that were closed
}

// NewGuide opens the session of the first scenario. It blocks as [Open] does.
func NewGuide(ctx context.Context, cfg Config, scenarios []*Scenario) (*Guide, error) {
	session, err := Open(ctx, scenarios[0], cfg)
	if err != nil {
		return nil, err
	}
	g := &Guide{cfg: cfg, all: scenarios, session: session, results: make(map[int]*Result), stop: func() {}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// Snapshot returns the current lab and the state of the tour. It never blocks.
func (g *Guide) Snapshot() (*lab.Lab, Snapshot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Snapshot{
		Scenario: g.session.Scenario, Count: len(g.all), Position: g.at + 1,
		State: g.state, Result: g.result, Loading: g.loading, Left: g.left,
	}
	if g.state != Intro {
		s.Steps = g.session.Steps()
	}
	return g.session.Lab, s
}

// Results returns the last result of each scenario that was played to its end, in the order of the
// scenarios.
func (g *Guide) Results() []Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Result
	for i := range g.all {
		if r := g.results[i]; r != nil {
			all = append(all, *r)
		}
	}
	return all
}

// Next plays the current scenario in the background, or opens the next one if it has been played.
// After the last one it leaves the tour, as [Guide.Leave] does, or returns to it. It may block as
// [Open] does.
func (g *Guide) Next(ctx context.Context) error {
	g.mu.Lock()
	at, isIntro, left := g.at, g.state == Intro, g.left
	g.mu.Unlock()
	switch {
	case isIntro:
		g.play()
		return nil
	case at < len(g.all)-1:
		return g.goTo(ctx, at+1, false)
	case !left:
		g.Leave()
		l, _ := g.Snapshot()
		l.Note(lab.Info, "that was the last scenario: now all keys of the help (?) are yours, and q quits", "")
		return nil
	}
	g.mu.Lock()
	g.left = false
	g.mu.Unlock()
	return nil
}

// Back opens the scenario before, or the first one again. It blocks as [Open] does.
func (g *Guide) Back(ctx context.Context) error {
	g.mu.Lock()
	at := g.at
	g.mu.Unlock()
	return g.goTo(ctx, max(at-1, 0), false)
}

// Repeat plays the scenario again in a new session. It blocks as [Open] does.
func (g *Guide) Repeat(ctx context.Context) error {
	g.mu.Lock()
	at, isIntro := g.at, g.state == Intro
	g.mu.Unlock()
	if isIntro {
		g.play()
		return nil
	}
	return g.goTo(ctx, at, true)
}

// SkipWait is [Session.SkipWait] of the current session.
func (g *Guide) SkipWait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.session.SkipWait()
}

// Leave ends the scenario and leaves its lab to the user. Next, Back and Repeat return to the tour.
func (g *Guide) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stop()
	g.left = true
	if g.state == Intro { // it expects an unused lab
		g.state = Finished
	}
}

// Close ends the tour and closes all sessions, as [Session.Close] does. The labs' ledgers can still be
// read.
func (g *Guide) Close(ctx context.Context) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		g.closeInBackground(ctx, g.session)
	}
	g.mu.Unlock()
	g.cancel()
	g.running.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// goTo opens the session of another scenario and closes the current one. Close ends it and waits.
func (g *Guide) goTo(ctx context.Context, to int, play bool) error {
	g.mu.Lock()
	if g.loading || g.closed {
		g.mu.Unlock()
		return nil
	}
	g.loading = true
	g.stop()
	g.running.Add(1)
	defer g.running.Done()
	g.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	session, err := Open(ctx, g.all[to], g.cfg)

	g.mu.Lock()
	g.loading = false
	switch {
	case err != nil:
		g.mu.Unlock()
		return err
	case g.closed:
		g.closeInBackground(context.WithoutCancel(ctx), session) // Close waits for it
		g.mu.Unlock()
		return errors.New("the tour is closed")
	}
	g.closeInBackground(context.WithoutCancel(ctx), g.session)
	g.at, g.session, g.state, g.left, g.result = to, session, Intro, false, nil
	g.mu.Unlock()
	if play {
		g.play()
	}
	return nil
}

// closeInBackground closes a session. mu is held.
func (g *Guide) closeInBackground(ctx context.Context, session *Session) {
	g.stop()
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, closeTimeout)
		defer cancel()
		if err := session.Close(ctx); err != nil {
			g.mu.Lock()
			g.err = errors.Join(g.err, err)
			g.mu.Unlock()
		}
	})
}

// play plays the current scenario in the background, unless it was played already.
func (g *Guide) play() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != Intro || g.loading || g.closed {
		return
	}
	ctx, stop := context.WithCancel(g.ctx)
	at, session := g.at, g.session
	g.state, g.stop = Playing, stop
	g.running.Go(func() {
		defer stop()
		result := session.Play(ctx)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.session == session {
			g.state = Finished
		}
		if ctx.Err() != nil { // the user went on
			return
		}
		g.results[at] = &result
		if g.session == session {
			g.result = &result
		}
	})
}
