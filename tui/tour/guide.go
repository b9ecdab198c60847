package tour

import (
	"context"
	"errors"
	"slices"
	"sync"

	"rpcscope/tui/lab"
)

// A State says how far a scenario has come.
type State int

const (
	Intro    State = iota // its story is told; nothing has been done yet
	Playing               // it is being played
	Finished              // it has been played, or given up; its lab can be played with
)

// A Look is what there is to tell at one moment. It shares no memory with the guide, but
// for the scenario, which does not change.
type Snapshot struct {
	Scenario *Scenario
	Count    int // how many scenarios there are
	Position int // which of them this is, from 1
	State    State
	// Steps are those that have been told, the present one last.
	Steps []Step
	// Result is what came of it; nil where nothing has.
	Result *Result
	// Moving says that another scenario's stage is being set.
	Loading bool
	// Free says that the tour has been left: the lab is there to be played with.
	Left bool
}

// A Guide leads a person through scenarios: one stage at a time, at the person's pace.
// Make one with [NewGuide], and close it. Its methods may be called from any goroutine.
type Guide struct {
	cfg Config
	all []*Scenario

	ctx     context.Context // of all that is played, or opened after the first stage
	cancel  context.CancelFunc
	working sync.WaitGroup // plays, and stages that are being opened or closed

	mu      sync.Mutex
	at      int
	stage   *Session
	state   State
	moving  bool
	free    bool
	closed  bool
	stop    context.CancelFunc // of what is being played
	result  *Result            // of the present stage; nil where there is none yet
	results map[int]*Result    // the last of each, by its place
	err     error              // of stages that were closed
}

// NewGuide opens the stage of the first scenario. It blocks as [Open] does.
func NewGuide(ctx context.Context, cfg Config, scenarios []*Scenario) (*Guide, error) {
	stage, err := Open(ctx, scenarios[0], cfg)
	if err != nil {
		return nil, err
	}
	g := &Guide{cfg: cfg, all: scenarios, stage: stage, results: make(map[int]*Result), stop: func() {}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// Look returns what there is to tell, and the lab that it is about. It never blocks.
func (g *Guide) Snapshot() (*lab.Lab, Snapshot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	look := Snapshot{
		Scenario: g.stage.Scenario, Count: len(g.all), Position: g.at + 1,
		State: g.state, Loading: g.moving, Left: g.free,
	}
	if g.state != Intro {
		look.Steps = g.stage.Steps()
	}
	if g.result != nil {
		copied := *g.result
		copied.Facts = slices.Clone(copied.Facts)
		look.Result = &copied
	}
	return g.stage.Lab, look
}

// Results returns the last result of each scenario that was played to its end, in their order: one that failed
// and held when it was repeated has held, and one that was given up is as it was before.
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

// Next begins the scenario that has been told, or else goes on to the next one and tells
// it. After the last one it leaves the tour, as [Guide.Leave] does, and takes it up again when
// it has been left. It returns when that has begun; what opening a stage may block for, it
// blocks for.
func (g *Guide) Next(ctx context.Context) error {
	g.mu.Lock()
	at, told, free := g.at, g.state == Intro, g.free
	g.mu.Unlock()
	switch {
	case told:
		g.play()
		return nil
	case at < len(g.all)-1:
		return g.move(ctx, at+1, false)
	case !free:
		g.Leave()
		l, _ := g.Snapshot()
		l.Note(lab.Info, "that was the last scenario: now all keys of the help (?) are yours, and q quits", "")
		return nil
	}
	g.mu.Lock()
	g.free = false
	g.mu.Unlock()
	return nil
}

// Back tells the scenario before, and the first one once more. It blocks as Next does.
func (g *Guide) Back(ctx context.Context) error {
	g.mu.Lock()
	at := g.at
	g.mu.Unlock()
	return g.move(ctx, max(at-1, 0), false)
}

// Repeat plays the scenario once more, on a new stage. It blocks as Next does.
func (g *Guide) Repeat(ctx context.Context) error {
	g.mu.Lock()
	at, told := g.at, g.state == Intro
	g.mu.Unlock()
	if told {
		g.play()
		return nil
	}
	return g.move(ctx, at, true)
}

// Number returns the number of a call, as [lab.Lab.Number] does.
func (g *Guide) Number(id string) int {
	g.mu.Lock()
	l := g.stage.Lab
	g.mu.Unlock()
	return l.Number(id)
}

// Hurry goes on with the next step at once, as [Stage.Hurry] does. It never blocks.
func (g *Guide) SkipWait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stage.SkipWait()
}

// Leave ends the tour where it is: the scenario does nothing more, and its lab stays as it
// is, to be played with. Next, Back and Repeat take the tour up again.
func (g *Guide) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stop()
	g.free = true
	if g.state == Intro { // whatever is done now, it is not as it was told
		g.state = Finished
	}
}

// Close ends the tour, and all that its scenarios have begun, as [Stage.Close] does. When
// it returns nothing of it is left. The labs' books can still be read.
func (g *Guide) Close(ctx context.Context) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		g.retire(ctx, g.stage)
	}
	g.mu.Unlock()
	g.cancel()
	g.working.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// errClosed is what cannot be done any more after Close.
var errClosed = errors.New("the tour is closed")

// move opens the stage of another scenario, and closes the present one meanwhile. Close ends
// it, and waits for it.
func (g *Guide) move(ctx context.Context, to int, play bool) error {
	g.mu.Lock()
	if g.moving || g.closed {
		g.mu.Unlock()
		return nil
	}
	g.moving = true
	g.stop()
	g.working.Add(1)
	defer g.working.Done()
	g.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	stage, err := Open(ctx, g.all[to], g.cfg)

	g.mu.Lock()
	g.moving = false
	switch {
	case err != nil:
		g.mu.Unlock()
		return err
	case g.closed:
		g.mu.Unlock()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		return errors.Join(errClosed, stage.Close(ending))
	}
	g.retire(context.WithoutCancel(ctx), g.stage)
	g.at, g.stage, g.state, g.free, g.result = to, stage, Intro, false, nil
	g.mu.Unlock()
	if play {
		g.play()
	}
	return nil
}

// retire closes a stage in the background. mu is held.
func (g *Guide) retire(ctx context.Context, stage *Session) {
	g.stop()
	g.working.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, closeWait)
		defer cancel()
		if err := stage.Close(ctx); err != nil {
			g.mu.Lock()
			g.err = errors.Join(g.err, err)
			g.mu.Unlock()
		}
	})
}

// play plays the scenario that has been told, in the background.
func (g *Guide) play() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != Intro || g.moving || g.closed {
		return
	}
	ctx, stop := context.WithCancel(g.ctx)
	at, stage := g.at, g.stage
	g.state, g.stop = Playing, stop
	g.working.Go(func() {
		defer stop()
		result := stage.Play(ctx)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.stage == stage {
			g.state = Finished
		}
		if ctx.Err() != nil { // it was given up
			return
		}
		g.results[at] = &result
		if g.stage == stage {
			g.result = &result
		}
	})
}
