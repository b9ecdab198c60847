package replay

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// The speeds of a [Player], in recorded time for each second.
const (
	MinSpeed = 0.1
	MaxSpeed = 100
	// FullSpeed is as fast as possible.
	FullSpeed = 0
)

// A Player plays a recording. Make one with [Open], and close it. Its methods may be
// called from anywhere and return at once: what they ask for is done by a goroutine.
type Player struct {
	file   *recording
	name   string
	index  *index
	wake   chan struct{} // has the goroutine look what there is to do; buffers one
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu       sync.Mutex
	at       *cursor       // what is shown
	now      time.Duration // what time it is there; at least at.now
	playing  bool
	speed    float64
	played   time.Time                // until when it has been played
	head     time.Duration            // where now would be if all were as fast as it should
	wish     *wish                    // where to go, as soon as that is known
	goal     *goal                    // where to go
	to       string                   // what that is, in words
	finds    func(*cursor) *lab.Found // what will have been found there
	found    *lab.Found               // what has been found
	moving   *cursor                  // on its way there
	near     *checkpoint              // shortly before where one has gone to
	notes    []lab.Note
	seq      uint64
	panicked error
	told     bool // of the damage
}

// Open opens a recording and begins to read it. It plays when it is told to.
//
// The error is about the file, or a *[ledger.RecordingError] about its first line.
// Damage that comes later is no error: see [lab.Replay].
func Open(path string) (*Player, error) {
	file, err := openRecording(path)
	if err != nil {
		return nil, err
	}
	p := newPlayer(file, filepath.Base(path), usualGrain)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.start(func() { p.index.read(ctx, file.open(file.begin())) })
	p.start(func() { p.drive(ctx) })
	return p, nil
}

// newPlayer returns a player at the first event, without its goroutines.
func newPlayer(file *recording, name string, g grain) *Player {
	p := &Player{
		file: file, name: name, index: newIndex(file.begin(), g), speed: 1,
		wake: make(chan struct{}, 1), at: file.open(file.begin()),
	}
	if !p.at.atEnd() {
		p.at.step()
	}
	return p
}

// start runs f on a goroutine of the player. A panic of it is told by [Player.Snapshot].
func (p *Player) start(f func()) {
	p.ended.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				err := lab.NewPanicError(v)
				p.mu.Lock()
				defer p.mu.Unlock()
				p.panicked = err
			}
		}()
		f()
	})
}

// Close ends the player. When it returns, no goroutine of it is left. What it showed last
// can still be looked at.
func (p *Player) Close() error {
	p.cancel()
	p.ended.Wait()
	return p.file.file.Close()
}

// Err is why the recording cannot be read to its end, or what [Contradictions] has found; nil
// where all is well, or where that is not known yet.
func (p *Player) Err() error {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	return cmp.Or(p.index.damage, p.index.contradicts)
}

// RunConfig returns what the recorded run was asked to do.
func (p *Player) RunConfig() report.RunConfig { return p.file.cfg }

// Snapshot returns what there is to see at the present position: Ledger.Now is its time,
// whatever the query says.
func (p *Player) Snapshot(q lab.Query) lab.Snapshot {
	cfg := p.RunConfig()
	body, custom := cfg.Custom()
	p.mu.Lock()
	defer p.mu.Unlock()
	replay := p.replay()
	q.Ledger.Now = p.at.origin.Add(p.now)
	return lab.Snapshot{
		Ledger: p.at.books.Snapshot(q.Ledger),
		Queue:  lab.Queue{Name: cfg.Queue},
		Load: lab.Load{
			Concurrency: cfg.Concurrency, Rate: cfg.Rate, Fib: cfg.Fib, Custom: custom, Body: body, Seed: cfg.Seed,
			Timeout: time.Duration(cfg.TimeoutMS) * time.Millisecond,
		},
		Notes:  slices.Clone(p.notes[max(len(p.notes)-max(q.Notes, 0), 0):]),
		Replay: replay,
		Err:    p.panicked,
	}
}

// replay is the state of the player. mu is held.
func (p *Player) replay() *lab.Replay {
	x := p.index
	x.mu.Lock()
	defer x.mu.Unlock()
	r := &lab.Replay{
		File: p.name, Position: p.now, Duration: max(x.now, p.at.now), Event: p.at.events, Events: max(x.events, p.at.events),
		Last: p.at.last.words(), Playing: p.playing, Speed: p.speed, Indexed: x.share(p.file.size),
		Found: p.found,
	}
	switch {
	case p.wish != nil:
		r.Seeking = p.wish.words
	case p.goal != nil:
		r.Seeking = p.to
	}
	r.Incidents, r.Part = x.strip.upTo(x.now)
	if x.damage != nil {
		r.Damage = x.damage.Error()
		if !p.told {
			p.told = true
			p.note(lab.Failure, "the recording ends at "+r.Damage)
		}
	}
	return r
}

// Inspect returns the story of a correlation ID as it was at the present position.
func (p *Player) Inspect(id string) (ledger.Story, bool) { return p.books().Inspect(id) }

// InspectStray returns the story that a discarded reply belongs to.
func (p *Player) InspectStray(seq uint64) (ledger.Story, bool) { return p.books().InspectStray(seq) }

// Find returns IDs that begin with prefix, at most so many: of all the recording, as far as it
// has been read. [Player.GoTo] goes to where one can be inspected.
func (p *Player) Find(prefix string, most int) []string {
	found := p.books().Find(prefix, most)
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	for _, id := range p.index.ids.find(prefix, most) {
		found = insert(found, id, most)
	}
	return found
}

func (p *Player) books() *ledger.Ledger {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at.books
}

// Note leaves a note about something that a screen has done by itself.
func (p *Player) Note(mood lab.Level, text, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(mood, text)
	p.notes[len(p.notes)-1].ID = id
}

// note leaves a note. mu is held.
func (p *Player) note(mood lab.Level, text string) {
	if len(p.notes) == lab.MaxNotes {
		p.notes = slices.Delete(p.notes, 0, 1)
	}
	p.seq++
	p.notes = append(p.notes, lab.Note{Seq: p.seq, Time: time.Now(), Level: mood, Text: text})
}
