package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

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
		{[]string{"S"}, []string{"stop fib-2"}}, // the newest, if none is selected
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

// Keys that come in one message are pressed one by one. Pasted text is not pressed.
func TestKeysOfOneMessageArePressedInOrder(t *testing.T) {
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
