package tui

import (
	"context"
	"errors"
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

// A Picture is a lab, a recording, or a frozen copy of a lab.
type Picture interface {
	Snapshot(lab.Query) lab.Snapshot
	Inspect(id string) (ledger.Story, bool)
	InspectStray(seq uint64) (ledger.Story, bool)
	Find(prefix string, max int) []string
}

// A Session is a lab or a recording.
type Session interface {
	Picture
	Note(level lab.Level, text, id string)
	RunConfig() report.RunConfig
}

// A Lab does what most keys ask for. The methods that take a context and KillServer may block, the others return at once.
type Lab interface {
	Session
	Freeze() Picture

	Number(id string) int
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
	StartServer(ctx context.Context, flags ...string) (name string, err error)
	StopServer(ctx context.Context, name string) error
	KillServer(name string) error
	RestartServer(ctx context.Context, name string) error
	SecondReply(ctx context.Context, id string) (of string, err error)
	UnknownReply(ctx context.Context) (id string, err error)
	DropConnection()
}

// A Player plays a recording. Its methods return at once.
type Player interface {
	Session

	Toggle()          // plays or pauses
	SetSpeed(float64) // 0 is as fast as possible
	Step(events int)
	Seek(by time.Duration)
	SeekBegin()
	SeekEnd()
	Next(lab.Incident)
	Previous(lab.Incident)
	GoTo(id string)
}

// A Model is the tea.Model of the screen. It asks for a [lab.Snapshot] ten times a second and draws it. The lab
// sends it nothing, so that the lab never waits for the terminal.
type Model struct {
	ctx           context.Context
	session       Session // lab or player
	lab           Lab     // nil for a recording
	player        Player  // nil for a lab
	tour          Tour    // nil if there is none
	tourSnapshot  tour.Snapshot
	frozen        Picture // nil if the picture is live
	st            *text.Styles
	keys          []keyGroup
	writeTerminal func(sequence string) // past the renderer
	tickChain     int                   // the number of the present chain of ticks
	w, h          int

	snapshot  lab.Snapshot
	mode      mode
	modeStack []mode // the modes to go back to
	failure   error
	writing   sync.WaitGroup // files that are being written

	lanes     lanes
	servers   serverList
	onServers bool // the list of servers has the focus
	span      int  // index in spans

	inspector inspector
	target    target
	log       noteLog
	prompt    prompt
	menu      menu
	helpFrom  int // the first line of the help that is shown
	filter    string

	creating int  // calls and replies that are being created, to be selected
	jumping  bool // the player is on its way to the row to select
	opening  bool // enter was pressed meanwhile

	messageRows int // rows of the advice and of the footer in the last picture
	frame       string
}

// open shows a mode over the present one.
func (m *Model) open(over mode) {
	m.modeStack = append(m.modeStack, m.mode)
	m.mode = over
}

// close goes back to the mode below the present one.
func (m *Model) close() {
	m.mode = browsing
	if n := len(m.modeStack) - 1; n >= 0 {
		m.mode, m.modeStack = m.modeStack[n], m.modeStack[:n]
	}
}

// A target is the call or reply whose story the inspector shows.
type target struct {
	id   string    // not escaped
	seq  uint64    // of a discarded reply; 0 for a call
	came time.Time // when the reply came in: the step to select first
}

// interval is the time between two pictures.
const interval = 100 * time.Millisecond

// newModel returns a screen. ctx ends the commands that its keys start.
func newModel(ctx context.Context, s Session, st *text.Styles, write func(string)) *Model {
	m := &Model{ctx: ctx, session: s, st: st, keys: newKeys(), mode: browsing, writeTerminal: write, span: 1}
	m.lab, _ = s.(Lab)
	m.player, _ = s.(Player)
	m.refresh()
	return m
}

type (
	// A tickMsg is time for the next picture, if it belongs to the present chain of ticks.
	tickMsg int
	// A doneMsg is the end of a command. The note of the lab says how it went.
	doneMsg struct{}
	// A panicMsg is a panic of a command.
	panicMsg struct{ err error }
)

// Init starts the ticks.
func (m *Model) Init() tea.Cmd { return m.nextTick() }

func (m *Model) nextTick() tea.Cmd {
	chain := m.tickChain
	return tea.Tick(interval, func(time.Time) tea.Msg { return tickMsg(chain) })
}

// Update handles a message. A panic quits, so that the terminal is restored before the panic is printed.
func (m *Model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if v := recover(); v != nil {
			m.failure, cmd = lab.NewPanicError(v), tea.Quit
		}
	}()
	switch msg := msg.(type) {
	case tickMsg:
		if int(msg) != m.tickChain {
			return m, nil
		}
		cmd = m.nextTick()
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.KeyMsg:
		cmd = m.typed(msg)
	case tea.ResumeMsg:
		m.tickChain++ // the tick that was under way may be lost
		cmd = m.nextTick()
	case panicMsg:
		m.failure = msg.err
	case doneMsg:
	case createdMsg:
		m.created(msg)
	default:
		return m, nil
	}
	m.refresh()
	if m.failure == nil && m.snapshot.Err != nil {
		m.failure = m.snapshot.Err
	}
	if m.failure != nil {
		return m, tea.Quit
	}
	return m, cmd
}

// refresh takes a snapshot and draws it.
func (m *Model) refresh() {
	m.followTour()
	m.takeSnapshot()
	m.selectPick()
	if m.mode == inspecting && !m.showStory() && m.player != nil { // in a lab the last known story stays
		m.close()
		m.session.Note(lab.Info, "at this time of the recording that call is not remembered", "")
		m.takeSnapshot()
	}
	if m.mode == prompting {
		m.prompt.retry()
	}
	m.frame = m.draw()
}

func (m *Model) takeSnapshot() {
	m.snapshot = m.picture().Snapshot(m.query())
	if m.frozen != nil { // keys go on changing these
		live := m.session.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now()}, Notes: lab.MaxNotes})
		m.snapshot.Notes, m.snapshot.Err = live.Notes, live.Err
		m.snapshot.Load, m.snapshot.Fault, m.snapshot.StartWarning = live.Load, live.Fault, live.StartWarning
	}
}

func (m *Model) picture() Picture {
	if m.frozen != nil {
		return m.frozen
	}
	return m.session
}

// query returns a query for the rows that the screen shows.
func (m *Model) query() lab.Query {
	q := lab.Query{
		Ledger: ledger.Query{
			Now: time.Now(), Seconds: secondsOf(spans[m.span]), LogBars: true,
		},
		Notes: 1,
	}
	if m.mode == readingLog || slices.Contains(m.modeStack, readingLog) {
		q.Notes = lab.MaxNotes
	}
	if d, ok := m.layout(); ok {
		q.Ledger.Bars = max(d.latency-2*d.margin, 1)
		m.lanes.query(&q.Ledger, m.w, d.lanes)
	}
	return q
}

// do returns a command that calls f, which may block.
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

// fail notes an error.
func (m *Model) fail(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		m.session.Note(lab.Failure, err.Error(), "")
	}
}
