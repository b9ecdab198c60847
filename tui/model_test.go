package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// A fakeLab is a lab that remembers what it was asked to do and does none of it.
type fakeLab struct {
	books *ledger.Ledger
	snap  lab.Snapshot // all but Ledger

	mu   sync.Mutex
	done []string
	fail error // what verbs return
}

func (s *fakeLab) did(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, strings.TrimSpace(fmt.Sprintf(format, args...)))
	return s.fail
}

func (s *fakeLab) Snapshot(q lab.Query) lab.Snapshot {
	look := s.snap
	q.Ledger.Now = time.Time{}
	look.Ledger = s.books.Snapshot(q.Ledger)
	look.Notes = slices.Clone(look.Notes[max(len(look.Notes)-q.Notes, 0):])
	return look
}
func (s *fakeLab) Inspect(id string) (ledger.Story, bool)       { return s.books.Inspect(id) }
func (s *fakeLab) InspectStray(seq uint64) (ledger.Story, bool) { return s.books.InspectStray(seq) }
func (s *fakeLab) Find(prefix string, most int) []string        { return s.books.Find(prefix, most) }
func (s *fakeLab) Call() string                                 { s.did("call"); return "" } //nolint:errcheck
func (s *fakeLab) Burst(n int) error                            { return s.did("burst %d", n) }
func (s *fakeLab) SetFib(fib string) error                      { return s.did("fib %s", fib) }
func (s *fakeLab) SetBody(template string) error                { return s.did("body %s", template) }
func (s *fakeLab) SetConcurrency(n int) error {
	s.snap.Load.Concurrency = n
	return s.did("concurrency %d", n)
}
func (s *fakeLab) SetRate(r float64) error                         { return s.did("rate %g", r) }
func (s *fakeLab) SetTimeout(d time.Duration) error                { return s.did("timeout %v", d) }
func (s *fakeLab) Pause()                                          { s.snap.Load.Paused = true; s.did("pause") }   //nolint:errcheck
func (s *fakeLab) Resume()                                         { s.snap.Load.Paused = false; s.did("resume") } //nolint:errcheck
func (s *fakeLab) Begin()                                          { s.snap.Load.Waiting = false; s.did("begin") } //nolint:errcheck
func (s *fakeLab) AllowStart()                                     { s.snap.StartWarning = ""; s.did("allow") }    //nolint:errcheck
func (s *fakeLab) SetFault(list string) error                      { return s.did("fault %s", list) }
func (s *fakeLab) StartServer(context.Context) (string, error)     { return "", s.did("start") }
func (s *fakeLab) StopServer(_ context.Context, n string) error    { return s.did("stop %s", n) }
func (s *fakeLab) KillServer(n string) error                       { return s.did("kill %s", n) }
func (s *fakeLab) RestartServer(_ context.Context, n string) error { return s.did("restart %s", n) }
func (s *fakeLab) SecondReply(_ context.Context, id string) (string, error) {
	return id, s.did("second %s", id)
}
func (s *fakeLab) UnknownReply(context.Context) (string, error) { return "", s.did("unknown") }
func (s *fakeLab) DropConnection()                              { s.did("drop") } //nolint:errcheck
func (s *fakeLab) RunConfig() report.RunConfig                  { return closedLoop }
func (s *fakeLab) Note(mood lab.Level, text, id string) {
	s.snap.Notes = append(s.snap.Notes, lab.Note{Seq: uint64(len(s.snap.Notes) + 1), Time: at(0), Level: mood, Text: text, ID: id})
}

func (s *fakeLab) Freeze() Picture {
	return &fakeLab{books: s.books.Clone(), snap: frozen(s.snap)}
}

func frozen(l lab.Snapshot) lab.Snapshot { l.Frozen = true; return l }

// setFakeLab is a lab in the middle of an afternoon: two servers, all four lanes.
func setFakeLab() (*fakeLab, *story) {
	b := newStory()
	b.complete(400, 0, "fib-1", "fib-2")
	s := &fakeLab{books: b.books, snap: lab.Snapshot{
		Queue: lab.Queue{Name: "rpc_queue", Known: true, Ready: 3, Consumers: 2, At: at(0)},
		Load:  lab.Load{Concurrency: 64, Fib: "30", Timeout: 5 * time.Second, Seed: 42},
		Pool: []pool.Status{
			{Name: "fib-1", PID: 4121, State: pool.Running, Started: at(-time.Minute)},
			{Name: "fib-2", PID: 4122, State: pool.Running, Started: at(-time.Minute)},
		},
		Notes: []lab.Note{{Seq: 1, Time: at(0), Level: lab.Success, Text: "fib-1 consumes from rpc_queue: the load begins"}},
	}}
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", 7)
	b.tell(amqprpc.Event{
		Kind: amqprpc.EventReply, ID: id, Class: amqprpc.Duplicate, Outcome: amqprpc.Completed, Since: 1200 * time.Millisecond, AnsweredBy: "fib-1",
		Message: &amqprpc.Message{CorrelationID: id, AppID: "fib-2", Body: []byte("832040")},
	})
	b.tell(amqprpc.Event{
		Kind: amqprpc.EventReply, ID: "00000000-aaaa-4000-8000-000000000000", Class: amqprpc.Unknown,
		Message: &amqprpc.Message{CorrelationID: "00000000-aaaa-4000-8000-000000000000", AppID: "somebody", Body: []byte("0")},
	})
	for range 64 {
		b.send(0)
		b.now += 20 * time.Millisecond
	}
	return s, b
}

func newScreen(t testing.TB, s Session, w, h int) *Model {
	t.Helper()
	m := newModel(t.Context(), s, styled(false), func(string) {})
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m
}

// press presses keys, one after the other, and carries out what they ask for.
func press(m *Model, keys ...string) (quit bool) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		for typ := tea.KeyType(-100); typ < 200; typ++ {
			if named := (tea.KeyMsg{Type: typ}); typ != tea.KeyRunes && named.String() == k && k != "" {
				msg.Type = typ
				break
			}
		}
		_, cmd := m.Update(msg)
		if cmd != nil {
			switch msg := cmd().(type) {
			case tea.QuitMsg:
				return true
			case nil:
			default:
				m.Update(msg)
			}
		}
	}
	return false
}

func TestKeysDoWhatTheySay(t *testing.T) {
	newest := fmt.Sprintf("%08x-0000-4000-8000-000000000000", 400)
	for _, c := range []struct {
		keys []string
		want []string
	}{
		{[]string{"c"}, []string{"call"}},
		{[]string{"b", "enter"}, []string{"burst 100"}},
		{[]string{"n", "backspace", "backspace", "2", "0", "-", "3", "5", "enter"}, []string{"fib 20-35"}},
		{[]string{"+"}, []string{"concurrency 128"}},
		{[]string{"-"}, []string{"concurrency 32"}},
		{[]string{"l", "ctrl+u", "2", "0", "0", "/", "s", "enter"}, []string{"rate 200"}},
		{[]string{"l", "ctrl+u", "9", "enter"}, []string{"concurrency 9"}},
		{[]string{"t", "ctrl+u", "2", "5", "0", "m", "s", "enter"}, []string{"timeout 250ms"}},
		{[]string{" ", " "}, []string{"pause", "resume"}},
		{[]string{"s"}, []string{"start"}},
		{[]string{"S"}, []string{"stop fib-2"}}, // the newest, where none is selected
		{[]string{"K"}, []string{"kill fib-2"}},
		{[]string{"r"}, []string{"restart fib-2"}},
		{[]string{"shift+tab", "home", "K"}, []string{"kill fib-1"}}, // the selected one
		{[]string{"x", "down", "enter"}, []string{"fault crash-before-ack=0.02"}},
		{[]string{"x", "end", "up", "enter"}, []string{"fault ack-delay=3s"}},
		{[]string{"x", "end", "enter", "d", "r", "o", "p", "enter"}, []string{"fault drop"}},
		{[]string{"d"}, []string{"second"}}, // the lab takes the newest completed
		{[]string{"tab", "d"}, []string{"second " + newest}},
		{[]string{"u"}, []string{"unknown"}},
		{[]string{"D"}, []string{"drop"}},
		{[]string{"b", "esc"}, nil},
		{[]string{"l", "ctrl+u", "x", "enter", "esc"}, nil},
	} {
		t.Run(strings.Join(c.keys, " "), func(t *testing.T) {
			s, _ := setFakeLab()
			m := newScreen(t, s, 120, 40)
			if press(m, c.keys...) {
				t.Error("quits")
			}
			if !slices.Equal(s.done, c.want) {
				t.Errorf("did %q, not %q", s.done, c.want)
			}
		})
	}
}

// Keys that come together are keys all the same; what is pasted is none.
func TestKeysTogether(t *testing.T) {
	runes := func(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)} }
	run := func(m *Model, msg tea.Msg) {
		_, cmd := m.Update(msg)
		for batch := []tea.Cmd{cmd}; len(batch) > 0; batch = batch[1:] {
			if batch[0] == nil {
				continue
			}
			switch msg := batch[0]().(type) {
			case tea.BatchMsg:
				batch = append(batch, msg...)
			default:
				m.Update(msg)
			}
		}
	}
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 40)
	run(m, runes("cKu"))
	if want := []string{"call", "kill fib-2", "unknown"}; !slices.Equal(s.done, want) {
		t.Errorf("cKu did %q", s.done)
	}
	run(m, runes("n9"))
	if m.mode != prompting || m.prompt.input.Value() != "309" {
		t.Errorf("n9 in one asks with %q", m.prompt.input.Value())
	}
	press(m, "esc", "enter")
	alt := runes("z")
	alt.Alt = true
	run(m, alt)
	if m.mode != browsing || !m.lanes.zoomed {
		t.Error("esc z in one does not leave the inspector and zoom")
	}
	s.done = nil
	s.done = nil
	run(m, runes("++-"))
	run(m, runes("  "))
	if want := []string{"concurrency 128", "concurrency 256", "concurrency 128", "pause", "resume"}; !slices.Equal(s.done, want) {
		t.Errorf("++- and two spaces did %q", s.done)
	}
	run(m, runes("f"))
	run(m, runes("++"))
	if m.snapshot.Load.Concurrency != 512 {
		t.Errorf("a frozen screen says that the load is %d", m.snapshot.Load.Concurrency)
	}
	run(m, runes("f"))
	run(m, runes("n"))
	alt = runes("K")
	alt.Alt = true
	s.done = nil
	run(m, alt)
	if m.mode != browsing || len(s.done) > 0 {
		t.Errorf("alt+K in a prompt did %q", s.done)
	}
	paste := runes("cccq")
	paste.Paste = true
	run(m, paste)
	if len(s.done) > 0 {
		t.Errorf("a paste did %q", s.done)
	}
	run(m, runes("b"))
	paste.Runes = []rune("7\n8")
	run(m, paste)
	if got := m.prompt.input.Value(); got != "1007 8" {
		t.Errorf("pasted %q into a prompt", got)
	}
}

func TestQuit(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"n", "ctrl+c"}, {"?", "ctrl+c"}, {"?", "q", "q"}, {"v", "q", "q"}, {"enter", "esc", "q"}} {
		s, _ := setFakeLab()
		m := newScreen(t, s, 80, 24)
		if last := len(keys) - 1; press(m, keys[:last]...) || !press(m, keys[last]) {
			t.Errorf("%q does not quit with its last key", keys)
		}
	}
}

// Where the broker is a stand-in, the help says so, and how to get the other one; else it
// has nothing to say of brokers.
func TestHelpStandIn(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 60)
	press(m, "?")
	says(t, m.View(), nil, []string{"The broker"})
	s.snap.StandIn = standIn
	m.Update(tickMsg(m.tick))
	says(t, m.View(), []string{"The broker", "rpcscope demo --url amqp://user:password@host/"}, nil)
}

// An empty lane in flight says why it is empty.
func TestEmptyInFlight(t *testing.T) {
	s := &fakeLab{books: newStory().books}
	s.snap.Load.Paused = true
	m := newScreen(t, s, 120, 40)
	if !strings.Contains(m.View(), "│ The load is paused. Press") {
		t.Errorf("a paused load is not explained:\n%s", m.View())
	}
	s.snap.Load.Paused = false
	m.Update(tickMsg(m.tick))
	if !strings.Contains(m.View(), "│ None. No request waits for") {
		t.Errorf("the reason outlives itself:\n%s", m.View())
	}
}

// The four lanes and the servers, around the corner both ways.
func TestPanels(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	for i, want := range []int{1, 2, 3, laneCount, 0, 1} {
		press(m, "tab")
		if m.onServers != (want == laneCount) || !m.onServers && int(m.lanes.focus) != want {
			t.Errorf("tab %d: lane %d, servers %t", i, m.lanes.focus, m.onServers)
		}
	}
	press(m, "shift+tab", "shift+tab")
	if !m.onServers {
		t.Errorf("back: lane %d", m.lanes.focus)
	}
}

func TestFreeze(t *testing.T) {
	s, b := setFakeLab()
	m := newScreen(t, s, 120, 40)
	before := m.snapshot.Ledger.Calls
	press(m, "f")
	b.complete(50, 0, "fib-1")
	m.Update(tickMsg(m.tick))
	if m.snapshot.Ledger.Calls != before || !m.snapshot.Frozen || !strings.Contains(m.View(), "FROZEN") {
		t.Errorf("the picture moves, or does not say that it is frozen:\n%s", m.View())
	}
	s.Note(lab.Success, "something was done", "")
	m.Update(tickMsg(m.tick))
	if !strings.Contains(m.View(), "something was done") {
		t.Error("a frozen screen does not tell what is done")
	}
	press(m, "f")
	if m.snapshot.Ledger.Calls.Sent != before.Sent+50 || m.snapshot.Frozen {
		t.Errorf("does not go on: %+v", m.snapshot.Ledger.Calls)
	}
}

func TestStaleTicksEnd(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	old := tickMsg(m.tick)
	if _, cmd := m.Update(tea.ResumeMsg{}); cmd == nil {
		t.Error("no tick after a suspension")
	}
	if _, cmd := m.Update(old); cmd != nil {
		t.Error("two chains of ticks after a suspension")
	}
}

func TestPanics(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	msg := m.do(func(context.Context, Lab) { panic("of a command") })()
	if _, cmd := m.Update(msg); cmd == nil || m.failure == nil || !strings.Contains(m.failure.Error(), "of a command") {
		t.Errorf("a panic of a command: %v", m.failure)
	}

	m = newScreen(t, s, 80, 24)
	s.snap.Err = errors.New("the lab has panicked")
	if _, cmd := m.Update(tickMsg(m.tick)); cmd == nil || !errors.Is(m.failure, s.snap.Err) {
		t.Errorf("a panic of the lab: %v", m.failure)
	}
	s.snap.Err = nil

	m = newScreen(t, s, 80, 24)
	m.session = nil
	if _, cmd := m.Update(tickMsg(m.tick)); cmd == nil || m.failure == nil {
		t.Errorf("a panic of the screen: %v", m.failure)
	}
}

func TestCopy(t *testing.T) {
	s, _ := setFakeLab()
	var told string
	m := newModel(t.Context(), s, styled(false), func(sequence string) { told += sequence })
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	press(m, "y")
	// 00000191-... in base64
	if !strings.HasPrefix(told, "\x1b]52;c;MDAwMDAxOTEt") {
		t.Errorf("told the terminal %q", told)
	}
	told = ""
	for want, keys := range map[string][]string{
		"that note is about no call": {"v", "home", "y", "esc"}, "there is no ID here to copy: tab moves to a lane": {"shift+tab", "y"},
		"there is no ID in this lane to copy": {"F", "n", "o", "n", "e", "enter", "y", "esc"},
	} {
		m := newModel(t.Context(), s, styled(false), func(sequence string) { told += sequence })
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		press(m, keys...)
		if !strings.Contains(unbroken(m.View()), want) || told != "" {
			t.Errorf("%q: told the terminal %q, and not %q:\n%s", keys, told, want, m.View())
		}
	}
	if got := clipboardSequence("a\nrm -rf /\x1b[31m"); strings.Contains(got, "Cg") || got == "" {
		t.Errorf("a hostile ID goes to the clipboard as %q", got)
	}
}

// What came up over something goes back to it.
func TestModes(t *testing.T) {
	s, _ := setFakeLab()
	s.Note(lab.Success, "about a call", fmt.Sprintf("%08x-0000-4000-8000-000000000000", 5))
	m := newScreen(t, s, 120, 40)
	press(m, "v", "enter", "?")
	for _, want := range []mode{inspecting, readingLog, browsing} {
		press(m, "esc")
		if m.mode != want {
			t.Fatalf("in mode %d, not %d:\n%s", m.mode, want, m.View())
		}
	}
	press(m, "enter", "x", "esc")
	if m.mode != inspecting {
		t.Errorf("the menu goes back to mode %d", m.mode)
	}
	press(m, "esc", "v", "d")
	if want := []string{"second 00000005-0000-4000-8000-000000000000"}; !slices.Equal(s.done, want) {
		t.Errorf("d on a note did %q", s.done)
	}
}

func TestExport(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	file := filepath.Join(t.TempDir(), "out.json")
	press(m, "e", "ctrl+u")
	press(m, strings.Split(file, "")...)
	press(m, "enter")
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(b), `"duplicates"`) {
		t.Fatalf("%v: %.200s", err, b)
	}
	told := func() string { return s.snap.Notes[len(s.snap.Notes)-1].Text }
	if want := "exported to " + file + ": all numbers, and of the rows 64 in flight, 400 completed, 0 failed, 1 duplicate, 1 orphaned"; told() != want {
		t.Errorf("says %q, not %q", told(), want)
	}
	press(m, "F")
	press(m, append(strings.Split("server:fib-2", ""), "enter", "e", "backspace", "2", "enter")...)
	if want := ": all numbers, and of the rows 0 of 64 in flight, 200 of 400 completed, 0 failed, 1 duplicate, 0 of 1 orphaned; the filter leaves out the others"; !strings.HasSuffix(told(), want) {
		t.Errorf("filtered: says %q, not %q", told(), want)
	}
	if path := strings.Fields(told())[2]; !filepath.IsAbs(path) {
		t.Errorf("%q does not say where", told())
	}
	press(m, "esc")
	press(m, "e", "ctrl+u")
	press(m, strings.Split(file, "")...)
	press(m, "enter")
	if !strings.Contains(m.View(), "exists") {
		t.Errorf("a file that exists is not refused:\n%s", m.View())
	}
	if again, _ := os.ReadFile(file); string(again) != string(b) {
		t.Error("a file that exists was written to")
	}
}

// Of what is no longer remembered an export says how much there was.
func TestExportSaysWhatIsForgotten(t *testing.T) {
	b := newStory()
	b.complete(5000, 0, "fib-1")
	s := b.books.Snapshot(ledger.Query{Completed: mostLaneRows})
	want := "0 in flight, 4,096 of 5,000 completed, 0 failed, 0 duplicate, 0 orphaned; the others are no longer remembered"
	if got := rowsExported(&s, false); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestFind(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 40)
	press(m, "/", "0", "0", "0", "0", "0", "0", "0", "7", "enter")
	if m.mode != inspecting || m.target.id != "00000007-0000-4000-8000-000000000000" {
		t.Fatalf("found %+v in mode %d:\n%s", m.target, m.mode, m.View())
	}
	press(m, "esc", "/", "z", "enter")
	if m.mode != prompting || !strings.Contains(m.View(), "nothing remembered begins with") {
		t.Errorf("what is not there is found:\n%s", m.View())
	}
}

func TestFilter(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 40)
	press(m, append([]string{"F"}, append(strings.Split("server:fib-2", ""), "enter")...)...)
	for _, c := range m.snapshot.Ledger.Completed {
		if c.Server != "fib-2" {
			t.Fatalf("the filter lets through %+v", c)
		}
	}
	if len(m.snapshot.Ledger.Completed) == 0 {
		t.Error("the filter lets nothing through")
	}
	if !strings.Contains(m.View(), "only server:fib-2") {
		t.Errorf("the filter is not told:\n%s", m.View())
	}
	press(m, "esc")
	if m.filter != "" {
		t.Error("esc does not take the filter away")
	}
	press(m, append([]string{"F"}, append(strings.Split("state:nonsense", ""), "enter")...)...)
	if m.mode != prompting || !strings.Contains(m.View(), "nonsense") {
		t.Errorf("nonsense is a filter:\n%s", m.View())
	}
}

// unbroken is what is on a screen, without borders and line breaks.
func unbroken(view string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ").Replace(ansi.Strip(view))), " ")
}

// A message that does not fit into a line goes on in the next.
func TestLongMessagesAreWhole(t *testing.T) {
	long := "exported to /home/somebody/with/a/rather/long/name/rpcscope-20260102-150405.json, and then some more words. END"
	s, _ := setFakeLab()
	s.Note(lab.Success, long, "")
	m := newScreen(t, s, 80, 24)
	says := func(what, want string) {
		t.Helper()
		if view := m.View(); !strings.Contains(strings.ReplaceAll(unbroken(view), " ", ""), strings.ReplaceAll(want, " ", "")) || len(strings.Split(view, "\n")) != m.h {
			t.Errorf("%s is not whole:\n%s", what, view)
		}
	}
	says("the newest note", long)
	s.Note(lab.Success, long+strings.Repeat(" and more", 30), "")
	s.Note(lab.Success, "short", "")
	m.Update(tickMsg(m.tick))
	press(m, "v", "up")
	says("the selected note of the log", long+strings.Repeat(" and more", 30))
	press(m, "esc", "F")
	press(m, append(strings.Split("state:nonsense", ""), "enter")...)
	says("an error of a prompt", "state:nonsense: the states are "+strings.Join(filterStates, ", "))
	press(m, "esc", "tab", "tab", "tab", "down")
	s.snap.Queue = lab.Queue{Name: "rpc_queue", Err: strings.TrimSuffix(strings.Repeat("no such thing ", 12), " ")}
	m.Update(tickMsg(m.tick))
	says("advice", explain.Advise(&m.snapshot)[0].Text)
}

// What is selected by hand is told whole, on two lines; what follows the newest row is one
// line, so that nothing jumps.
func TestSelectionIsWhole(t *testing.T) {
	s, b := setFakeLab()
	b.tell(amqprpc.Event{Kind: amqprpc.EventReply, ID: "00000007-0000-4000-8000-000000000000", Class: amqprpc.Duplicate, Outcome: amqprpc.Completed,
		Since: time.Second, AnsweredBy: "fib-1", Message: &amqprpc.Message{CorrelationID: "x", AppID: "a-server-of-somebody"}})
	m := newScreen(t, s, 80, 24)
	press(m, "tab", "tab")
	if lines := m.selectionLines(); len(lines) != 1 {
		t.Errorf("%d lines while it follows the newest", len(lines))
	}
	press(m, "down")
	want := "00000007-0000-4000-8000-000000000000: 2nd reply, from fib-2, 1.20 s after fib-1's answer: a duplicate, since the call has its answer. Discarded."
	if lines := m.selectionLines(); len(lines) != maxSelectionRows || !strings.Contains(unbroken(m.View()), want) {
		t.Errorf("not %q:\n%s", want, m.View())
	}
	if n := len(strings.Split(m.View(), "\n")); n != m.h {
		t.Errorf("%d lines on the screen", n)
	}
}

// Whatever the size, a screen has exactly its lines, and none is too wide.
func TestSizes(t *testing.T) {
	s, b := setFakeLab()
	hostile := "\x1b]0;title\a\u202e漢字" + strings.Repeat("x", 300)
	b.tell(amqprpc.Event{Kind: amqprpc.EventReply, ID: hostile, Class: amqprpc.Unknown, Message: &amqprpc.Message{
		CorrelationID: hostile, AppID: hostile, Body: []byte(hostile),
	}})
	s.snap.Queue.Name = hostile
	s.Note(lab.Failure, hostile, hostile)
	for _, keys := range [][]string{nil, {"?"}, {"v"}, {"x"}, {"n"}, {"/", "0"}, {"z"}, {"shift+tab"}, {"tab", "tab", "tab", "enter"}, {"enter"}, {"f"},
		{"tab", "tab", "down"}, {"F", ":", "enter"}} {
		m := newScreen(t, s, 120, 40)
		press(m, keys...)
		sizes := [][2]int{{0, 0}, {1, 1}, {5, 1}, {0, 10}, {10, 0}, {79, 24}, {80, 23}, {80, 24}, {81, 25}, {99, 30}, {100, 30}, {120, 40}, {300, 100}}
		for w := 80; w < 200; w += 7 {
			sizes = append(sizes, [2]int{w, 24 + w%23})
		}
		for _, size := range sizes {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			view := m.View()
			lines := strings.Split(view, "\n")
			if w, h := size[0], size[1]; w >= minWidth && h >= minHeight && len(lines) != h || len(lines) > max(h, 1) {
				t.Fatalf("%q at %v: %d lines\n%s", keys, size, len(lines), view)
			}
			fits(t, view, size[0])
			if strings.ContainsAny(ansi.Strip(view), "\x1b\a\u202e") {
				t.Fatalf("%q at %v: control characters in %q", keys, size, view)
			}
		}
	}
}

func TestViews(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, colour := range []bool{false, true} {
			for name, keys := range map[string][]string{
				"lanes": nil, "help": {"?"}, "faults": {"x"}, "inspect": {"tab", "tab", "enter"}, "notes": {"v"}, "prompt": {"/", "0", "0"},
			} {
				s, _ := setFakeLab()
				m := newModel(t.Context(), s, styled(colour), func(string) {})
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				press(m, keys...)
				suffix := ""
				if colour {
					suffix = "-colour"
				}
				golden(t, fmt.Sprintf("screen-%s-%dx%d%s", name, size[0], size[1], suffix), m.View())
			}
		}
	}
}

// Without colour the states can still be told apart.
func TestNoColour(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 40)
	if view := m.View(); strings.Contains(view, "\x1b") {
		t.Errorf("escape sequences without colour: %q", view)
	}
	for _, word := range []string{"In flight", "Completed", "Duplicate", "Orphaned", "connected", "unknown", "▸"} {
		if !strings.Contains(m.View(), word) {
			t.Errorf("no %q on the screen:\n%s", word, m.View())
		}
	}
}
