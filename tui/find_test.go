package tui

import (
	"strings"
	"testing"
)

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
