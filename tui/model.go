package tui

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// A Subject is what a screen looks at: a lab, or a picture of one.
type Subject interface {
	Snapshot(lab.Query) lab.Snapshot
	Inspect(id string) (ledger.Story, bool)
	InspectStray(seq uint64) (ledger.Story, bool)
	Find(prefix string, most int) []string
}

// A Lab is what a screen looks at and drives. None of it knows of screens; those that
// take a context, and KillServer, may block, the others return at once.
type Lab interface {
	Subject
	Freeze() Subject

	Call() (id string)
	Burst(n int) error
	SetFib(fib string) error
	SetBody(template string) error
	SetConcurrency(n int) error
	SetRate(perSecond float64) error
	SetTimeout(d time.Duration) error
	Pause()
	Resume()
	Begin()
	AllowStart()
	SetFault(list string) error
	StartServer(ctx context.Context) (name string, err error)
	StopServer(ctx context.Context, name string) error
	KillServer(name string) error
	RestartServer(ctx context.Context, name string) error
	SecondReply(ctx context.Context, id string) (of string, err error)
	UnknownReply(ctx context.Context) (id string, err error)
	DropConnection()
	Note(mood lab.Level, text, id string)
	RunConfig() report.RunConfig
}

// A Player is a recording, in the place of a lab. What can be done to labs alone it
// answers with a note. None of it blocks.
type Player interface {
	Lab

	Toggle()          // plays, or pauses
	SetSpeed(float64) // 0 is as fast as possible
	Step(events int)
	Seek(by time.Duration)
	SeekBegin()
	SeekEnd()
	Next(lab.Incident)
	Previous(lab.Incident)
	GoTo(id string)
}

// A Model is the whole screen: the one tea.Model there is. What is on it are plain
// structs and pure functions, in files of their own.
//
// The picture is polled: ten times a second the model takes a [lab.Snapshot] and draws that.
// Nothing that happens in the lab is sent to it, so that nothing there ever waits for
// the terminal.
type Model struct {
	ctx     context.Context
	lab     Lab
	player  Player // the lab, where it is a recording; else nil
	tour    Tour   // nil where there is none
	told    tour.Snapshot
	frozen  Subject // nil while the picture is live
	st      *text.Styles
	keys    []keyGroup
	tell    func(sequence string) // writes to the terminal, past the renderer
	tick    int                   // the chain of ticks that is listened to
	w, h    int
	look    lab.Snapshot
	mode    mode
	below   []mode // what the present mode came up over, and that before
	failure error
	writing sync.WaitGroup // files that are being written

	lanes     lanes
	servers   serverList
	onServers bool // the list of servers has the focus
	span      int  // of spans

	inspector inspector
	target    target
	log       noteLog
	prompt    prompt
	menu      menu
	helpFrom  int // the first line of the help that is shown
	filter    string

	making  int  // things that are being made, to be selected
	jumping bool // the player is on its way to what is to be selected
	opening bool // enter was pressed meanwhile

	continued <-chan os.Signal // told when the process goes on that was stopped
	suspended int              // how often by ctrl+z, without having been told so

	said  int    // lines of advice and of the footer, in the last picture
	frame string // what View returns
}

// open brings a mode up over the present one.
func (m *Model) open(over mode) {
	m.below = append(m.below, m.mode)
	m.mode = over
}

// close goes back to what the present mode came up over.
func (m *Model) close() {
	m.mode = browsing
	if n := len(m.below) - 1; n >= 0 {
		m.mode, m.below = m.below[n], m.below[:n]
	}
	if m.mode == browsing {
		m.lanes.search() // they were not looked at meanwhile
	}
}

// A target is whose story the inspector shows.
type target struct {
	id   string
	seq  uint64    // of a discarded reply; 0 for a call
	came time.Time // when that came in: the step to show first
}

// interval is how often the picture is taken.
const interval = 100 * time.Millisecond

// newModel returns a screen for a lab. ctx ends what the screen has begun.
func newModel(ctx context.Context, l Lab, st *text.Styles, tell func(string)) *Model {
	m := &Model{ctx: ctx, lab: l, st: st, keys: newKeys(), mode: browsing, tell: tell, span: 1}
	if p, ok := l.(Player); ok {
		m.player = p
	}
	m.refresh()
	return m
}

type (
	// tickMsg is time to look. Ticks of an old chain are not listened to.
	tickMsg int
	// doneMsg says that something that was asked for is done; its note tells how.
	doneMsg struct{}
	// panicMsg is a panic of a command.
	panicMsg struct{ err error }
)

// Init begins to look.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.nextTick(), m.nextContinued()) }

func (m *Model) nextTick() tea.Cmd {
	chain := m.tick
	return tea.Tick(interval, func(time.Time) tea.Msg { return tickMsg(chain) })
}

// Update takes a message. It waits for nothing but for a file to be opened: what may
// block is a command.
// A panic on the way quits: the terminal must be restored before that can be told.
func (m *Model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if v := recover(); v != nil {
			m.failure, cmd = lab.NewPanicError(v), tea.Quit
		}
	}()
	switch msg := msg.(type) {
	case tickMsg:
		if int(msg) != m.tick {
			return m, nil
		}
		cmd = m.nextTick()
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.KeyMsg:
		cmd = m.typed(msg)
	case continuedMsg:
		cmd = m.nextContinued()
		if m.suspended > 0 { // Bubble Tea is at it, or has been: its message may have come first
			m.suspended--
		} else {
			cmd = tea.Batch(cmd, takeBack())
		}
	case tea.ResumeMsg:
		m.tick++ // a tick that was under way may be lost, or not
		cmd = m.nextTick()
	case panicMsg:
		m.failure = msg.err
	case doneMsg:
	case madeMsg:
		m.made(msg)
	default:
		return m, nil
	}
	m.refresh()
	if m.failure == nil && m.look.Err != nil {
		m.failure = m.look.Err
	}
	if m.failure != nil {
		return m, tea.Quit
	}
	return m, cmd
}

// refresh takes the picture anew and draws it.
func (m *Model) refresh() {
	m.followTour()
	if m.frozen == nil && time.Since(m.look.Ledger.Now) > 5*interval { // suspended, or the terminal stood still
		m.lanes.search()
	}
	m.take()
	m.settle()
	if m.mode == inspecting && !m.showStory() && m.player != nil { // in a lab it stays, as it was last
		m.close()
		m.lab.Note(lab.Info, "at this time of the recording that call is not remembered", "")
		m.take()
	}
	if m.mode == prompting {
		m.prompt.lookAgain()
	}
	m.frame = m.draw()
}

// take takes the picture anew.
func (m *Model) take() {
	m.look = m.subject().Snapshot(m.query())
	if m.frozen != nil { // what one does, and what comes of it, is told all the same
		live := m.lab.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now()}, Notes: lab.MaxNotes})
		m.look.Notes, m.look.Err = live.Notes, live.Err
		m.look.Load, m.look.Fault, m.look.StartWarning = live.Load, live.Fault, live.StartWarning // which keys change
	}
}

func (m *Model) subject() Subject {
	if m.frozen != nil {
		return m.frozen
	}
	return m.lab
}

// query asks for what is on the screen and no more.
func (m *Model) query() lab.Query {
	q := lab.Query{
		Ledger: ledger.Query{
			Now: time.Now(), Seconds: secondsOf(spans[m.span]), LogBars: true,
		},
		Notes: 1,
	}
	if m.mode == readingLog || slices.Contains(m.below, readingLog) {
		q.Notes = lab.MaxNotes
	}
	if d, ok := m.layout(); ok {
		q.Ledger.Bars = max(d.latency-2*d.margin, 1)
		m.lanes.query(&q.Ledger, m.w, d.lanes)
	}
	return q
}

// do makes a command of what may block.
func (m *Model) do(f func(ctx context.Context, l Lab)) tea.Cmd {
	ctx, l := m.ctx, m.lab
	return func() (msg tea.Msg) {
		defer func() {
			if v := recover(); v != nil {
				msg = panicMsg{lab.NewPanicError(v)}
			}
		}()
		f(ctx, l)
		return doneMsg{}
	}
}

// fail notes what is wrong with what was asked for, where the lab has not done so.
func (m *Model) fail(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		m.lab.Note(lab.Failure, err.Error(), "")
	}
}
