package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"rpcscope/amqprpc"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
)

// The help explains an in-process broker that stands in for the one that was asked for, and no other broker.
func TestHelpStandIn(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 120, 60)
	press(m, "?")
	says(t, m.View(), nil, []string{"The broker"})
	s.snap.StandIn = standIn
	m.Update(tickMsg(m.tickChain))
	says(t, m.View(), []string{"The broker", "rpcscope demo --url amqp://user:password@host/"}, nil)
}

// An empty lane of calls in flight says why it is empty.
func TestEmptyInFlight(t *testing.T) {
	s := &fakeLab{ledger: newStory().ledger}
	s.snap.Load.Paused = true
	m := newScreen(t, s, 120, 40)
	if !strings.Contains(m.View(), "│ The load is paused. Press") {
		t.Errorf("a paused load is not explained:\n%s", m.View())
	}
	s.snap.Load.Paused = false
	m.Update(tickMsg(m.tickChain))
	if !strings.Contains(m.View(), "│ None. No request waits for") {
		t.Errorf("the reason outlives itself:\n%s", m.View())
	}
}

// unbroken returns the text of a screen without frames and line breaks.
func unbroken(view string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ").Replace(ansi.Strip(view))), " ")
}

// A message that is too long for a line is wrapped.
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
	m.Update(tickMsg(m.tickChain))
	press(m, "v", "up")
	says("the selected note of the log", long+strings.Repeat(" and more", 30))
	press(m, "esc", "F")
	press(m, append(strings.Split("state:nonsense", ""), "enter")...)
	says("an error of a prompt", "state:nonsense: the states are "+strings.Join(filterStates, ", "))
	press(m, "esc", "tab", "tab", "tab", "down")
	s.snap.Queue = lab.Queue{Name: "rpc_queue", Err: strings.TrimSuffix(strings.Repeat("no such thing ", 12), " ")}
	m.Update(tickMsg(m.tickChain))
	says("advice", explain.Advise(&m.snapshot).Text)
}

// A row that the user has selected is described in two lines, one that follows the newest row in one line.
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

// At every size the screen has exactly its lines, none of them too wide.
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

func TestScreenGolden(t *testing.T) {
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

// Without colours, words and marks tell the states apart.
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
