package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
)

// tab goes through the four lanes and the servers, shift+tab back.
func TestTabGoesThroughLanesAndServers(t *testing.T) {
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

func TestFrozenPictureStandsStillAndNotesGoOn(t *testing.T) {
	s, b := setFakeLab()
	m := newScreen(t, s, 120, 40)
	before := m.snapshot.Ledger.Calls
	press(m, "f")
	b.complete(50, 0, "fib-1")
	m.Update(tickMsg(m.tickChain))
	if m.snapshot.Ledger.Calls != before || !m.snapshot.Frozen || !strings.Contains(m.View(), "FROZEN") {
		t.Errorf("the picture moves, or does not say that it is frozen:\n%s", m.View())
	}
	s.Note(lab.Success, "something was done", "")
	m.Update(tickMsg(m.tickChain))
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
	old := tickMsg(m.tickChain)
	if _, cmd := m.Update(tea.ResumeMsg{}); cmd == nil {
		t.Error("no tick after a suspension")
	}
	if _, cmd := m.Update(old); cmd != nil {
		t.Error("two chains of ticks after a suspension")
	}
}

func TestPanicQuitsWithTheError(t *testing.T) {
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	msg := m.do(func(context.Context, Lab) { panic("of a command") })()
	if _, cmd := m.Update(msg); cmd == nil || m.failure == nil || !strings.Contains(m.failure.Error(), "of a command") {
		t.Errorf("a panic of a command: %v", m.failure)
	}

	m = newScreen(t, s, 80, 24)
	s.snap.Err = errors.New("the lab has panicked")
	if _, cmd := m.Update(tickMsg(m.tickChain)); cmd == nil || !errors.Is(m.failure, s.snap.Err) {
		t.Errorf("a panic of the lab: %v", m.failure)
	}
	s.snap.Err = nil

	m = newScreen(t, s, 80, 24)
	m.session = nil
	if _, cmd := m.Update(tickMsg(m.tickChain)); cmd == nil || m.failure == nil {
		t.Errorf("a panic of the screen: %v", m.failure)
	}
}

// esc goes back to the mode below.
func TestEscGoesBackToTheModeBelow(t *testing.T) {
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
