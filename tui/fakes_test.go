package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// A fakeLab is a [Lab] that records its calls.
type fakeLab struct {
	ledger *ledger.Ledger
	snap   lab.Snapshot // all but Ledger

	mu   sync.Mutex
	done []string
	fail error // returned by the methods

	numbers map[string]int // of calls
}

func (s *fakeLab) did(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, strings.TrimSpace(fmt.Sprintf(format, args...)))
	return s.fail
}

func (s *fakeLab) Snapshot(q lab.Query) lab.Snapshot {
	snap := s.snap
	q.Ledger.Now = time.Time{}
	snap.Ledger = s.ledger.Snapshot(q.Ledger)
	snap.Notes = slices.Clone(snap.Notes[max(len(snap.Notes)-q.Notes, 0):])
	return snap
}

func (s *fakeLab) Inspect(id string) (ledger.Story, bool)       { return s.ledger.Inspect(id) }
func (s *fakeLab) InspectStray(seq uint64) (ledger.Story, bool) { return s.ledger.InspectStray(seq) }
func (s *fakeLab) Find(prefix string, max int) []string         { return s.ledger.Find(prefix, max) }
func (s *fakeLab) Number(id string) int                         { return s.numbers[id] }
func (s *fakeLab) Call() string                                 { s.did("call"); return "" } //nolint:errcheck
func (s *fakeLab) Burst(n int) error                            { return s.did("burst %d", n) }
func (s *fakeLab) SetFib(fib string) error                      { return s.did("fib %s", fib) }
func (s *fakeLab) SetBody(template string) error                { return s.did("body %s", template) }

func (s *fakeLab) SetConcurrency(n int) error {
	s.snap.Load.Concurrency = n
	return s.did("concurrency %d", n)
}

func (s *fakeLab) SetRate(r float64) error                                { return s.did("rate %g", r) }
func (s *fakeLab) SetTimeout(d time.Duration) error                       { return s.did("timeout %v", d) }
func (s *fakeLab) Pause()                                                 { s.snap.Load.Paused = true; s.did("pause") }   //nolint:errcheck
func (s *fakeLab) Resume()                                                { s.snap.Load.Paused = false; s.did("resume") } //nolint:errcheck
func (s *fakeLab) Begin()                                                 { s.snap.Load.Waiting = false; s.did("begin") } //nolint:errcheck
func (s *fakeLab) AllowStart()                                            { s.snap.StartWarning = ""; s.did("allow") }    //nolint:errcheck
func (s *fakeLab) SetFault(list string) error                             { return s.did("fault %s", list) }
func (s *fakeLab) StartServer(context.Context, ...string) (string, error) { return "", s.did("start") }
func (s *fakeLab) StopServer(_ context.Context, n string) error           { return s.did("stop %s", n) }
func (s *fakeLab) KillServer(n string) error                              { return s.did("kill %s", n) }
func (s *fakeLab) RestartServer(_ context.Context, n string) error        { return s.did("restart %s", n) }

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
	return &fakeLab{ledger: s.ledger.Clone(), snap: frozen(s.snap)}
}

func frozen(l lab.Snapshot) lab.Snapshot { l.Frozen = true; return l }

// setFakeLab returns a lab with two servers and rows in all four lanes, and the story of its ledger.
func setFakeLab() (*fakeLab, *story) {
	b := newStory()
	b.complete(400, 0, "fib-1", "fib-2")
	s := &fakeLab{ledger: b.ledger, snap: lab.Snapshot{
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

// press presses keys one after the other and runs their commands. It reports whether one quits or suspends.
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
			case tea.QuitMsg, tea.SuspendMsg:
				return true
			case nil:
			default:
				m.Update(msg)
			}
		}
	}
	return false
}
