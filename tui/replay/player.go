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

// The speeds of a [Player]: recorded seconds per second.
const (
	MinSpeed = 0.1
	MaxSpeed = 100
	// FullSpeed is as fast as possible.
	FullSpeed = 0
)

// A Player plays a recording. Use [Open] to make one, and close it. Any goroutine may call its methods.
// They return at once; a goroutine of the player does the work.
type Player struct {
	file   *recording
	name   string
	index  *index
	wake   chan struct{} // wakes drive; buffers one
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	at       *cursor       // the current position
	now      time.Duration // the current time, at least at.now
	playing  bool
	speed    float64
	played   time.Time     // the real time up to which the player has played
	head     time.Duration // the time at which now would be if playing were not behind
	seek     *seek         // nil if none is pending
	found    *lab.Found    // by the last seek
	notes    []lab.Note
	seq      uint64
	panicked error
	noted    bool // the damage has a note
}

// Open opens a recording and starts to read it. It does not start to play.
//
// The error is about the file, or a *[ledger.RecordingError] about its first line. Later damage is not an
// error: see [lab.Replay].
func Open(path string) (*Player, error) {
	file, err := openRecording(path)
	if err != nil {
		return nil, err
	}
	p := newPlayer(file, filepath.Base(path), defaultGrain)
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

// start runs f on a goroutine. [Player.Snapshot] reports a panic.
func (p *Player) start(f func()) {
	p.done.Go(func() {
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

// Close ends the player and its goroutines. Its last snapshot is still available.
func (p *Player) Close() error {
	p.cancel()
	p.done.Wait()
	return p.file.file.Close()
}

// Err returns the damage of the recording, or else the error of [Contradictions]. It returns nil until
// they are known.
func (p *Player) Err() error {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	return cmp.Or(p.index.damage, p.index.contradicts)
}

// RunConfig returns the configuration of the recorded run.
func (p *Player) RunConfig() report.RunConfig { return p.file.cfg }

// Snapshot returns the state at the current position. It ignores q.Ledger.Now.
func (p *Player) Snapshot(q lab.Query) lab.Snapshot {
	cfg := p.RunConfig()
	body, custom := cfg.Custom()
	p.mu.Lock()
	defer p.mu.Unlock()
	replay := p.replay()
	q.Ledger.Now = p.at.origin.Add(p.now)
	return lab.Snapshot{
		Ledger: p.at.state.Snapshot(q.Ledger),
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

// replay returns the state of the player. p.mu is held.
func (p *Player) replay() *lab.Replay {
	x := p.index
	x.mu.Lock()
	defer x.mu.Unlock()
	r := &lab.Replay{
		File: p.name, Position: p.now, Duration: max(x.now, p.at.now), Event: p.at.events, Events: max(x.events, p.at.events),
		Last: p.at.last.words(), Playing: p.playing, Speed: p.speed, Indexed: x.share(p.file.size),
		Found: p.found,
	}
	if p.seek != nil {
		r.Seeking = p.seek.words
	}
	r.Incidents, r.Part = x.strip.upTo(x.now)
	if x.damage != nil {
		r.Damage = x.damage.Error()
		if !p.noted {
			p.noted = true
			p.note(lab.Failure, "the recording ends at "+r.Damage)
		}
	}
	return r
}

// Inspect returns the story of a correlation ID at the current position.
func (p *Player) Inspect(id string) (ledger.Story, bool) { return p.ledger().Inspect(id) }

// InspectStray returns the story that a discarded reply belongs to.
func (p *Player) InspectStray(seq uint64) (ledger.Story, bool) { return p.ledger().InspectStray(seq) }

// Find returns the first n IDs with a prefix in the part of the recording that has been read.
// [Player.GoTo] moves to a place that allows to inspect one.
func (p *Player) Find(prefix string, n int) []string {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	return p.index.ids.find(prefix, n)
}

func (p *Player) ledger() *ledger.Ledger {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at.state
}

// Note adds a note, for a screen.
func (p *Player) Note(level lab.Level, text, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(level, text)
	p.notes[len(p.notes)-1].ID = id
}

// note adds a note. p.mu is held.
func (p *Player) note(level lab.Level, text string) {
	if len(p.notes) == lab.MaxNotes {
		p.notes = slices.Delete(p.notes, 0, 1)
	}
	p.seq++
	p.notes = append(p.notes, lab.Note{Seq: p.seq, Time: time.Now(), Level: level, Text: text})
}
