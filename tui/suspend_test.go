package tui

import (
	"os"
	"reflect"
	"syscall"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// The screen retakes the terminal after SIGCONT, but not after ctrl+z, when Bubble Tea does so, whichever message comes
// first.
func TestRetakeTerminal(t *testing.T) {
	ctrlZ, resume, continued := tea.KeyMsg{Type: tea.KeyCtrlZ}, tea.ResumeMsg{}, continuedMsg{}
	for _, c := range []struct {
		name string
		msgs []tea.Msg
		want int // how often
	}{
		{"stopped", []tea.Msg{continued, resume}, 1},
		{"stopped twice", []tea.Msg{continued, continued, resume, resume}, 2},
		{"ctrl+z, the signal first", []tea.Msg{ctrlZ, continued, resume}, 0},
		{"ctrl+z, the signal last", []tea.Msg{ctrlZ, resume, continued}, 0},
		{"ctrl+z, then stopped", []tea.Msg{ctrlZ, resume, continued, continued, resume}, 1},
		{"ctrl+z twice", []tea.Msg{ctrlZ, resume, ctrlZ, continued, resume, continued}, 0},
	} {
		l, _ := setFakeLab()
		m := newScreen(t, l, 80, 24)
		signals := make(chan os.Signal, 1)
		m.continued = signals
		back := 0
		for _, msg := range c.msgs {
			_, cmd := m.Update(msg)
			if msg != tea.Msg(continued) {
				continue
			}
			signals <- syscall.SIGTERM // any, for the next wait to end
			switch next := cmd().(type) {
			case tea.BatchMsg:
				back++
				if len(next) != 2 || next[0]() != tea.Msg(continued) || reflect.TypeOf(next[1]()) != reflect.TypeOf(retakeTerminal()()) {
					t.Errorf("%s: %d commands", c.name, len(next))
				}
			case continuedMsg:
			default:
				t.Errorf("%s: the next signal is not waited for, but %T", c.name, next)
			}
		}
		if back != c.want {
			t.Errorf("%s: %d times, want %d", c.name, back, c.want)
		}
	}
}
