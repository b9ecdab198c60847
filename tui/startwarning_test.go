package tui

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
)

const sharedWarning = `another client consumes from "orders"`

// sharedLab is a lab on a queue from which somebody else consumes.
func sharedLab() *fakeLab {
	s, _ := setFakeLab()
	s.snap.Pool = nil
	s.snap.StartWarning = sharedWarning
	s.snap.Queue = lab.Queue{Name: "orders", Known: true, Consumers: 1, Others: 1, At: at(0)}
	return s
}

// If another client consumes from the queue, s, x and r ask first, and only once.
func TestStartServersOnASharedQueue(t *testing.T) {
	for _, c := range []struct {
		keys string
		want []string
	}{
		{"s", nil}, {"x", nil}, {"r", nil},
		{"s enter", nil}, {"x enter", nil}, {"r enter", nil}, // no is selected
		{"s esc s enter", nil},
		{"s down enter", []string{"allow", "start"}},
		{"r down enter", []string{"allow", "restart fib-1"}},
		{"x down enter", []string{"allow"}},
		{"x down enter down enter", []string{"allow", "fault crash-before-ack=0.02"}},
		{"s down enter s x down enter", []string{"allow", "start", "start", "fault crash-before-ack=0.02"}},
	} {
		s := sharedLab()
		if strings.HasPrefix(c.keys, "r") { // one that was started before the other came
			own, _ := setFakeLab()
			s.snap.Pool = own.snap.Pool[:1]
		}
		m := newScreen(t, s, 80, 24)
		press(m, strings.Fields(c.keys)...)
		if !slices.Equal(s.done, c.want) {
			t.Errorf("%s: did %q, want %q", c.keys, s.done, c.want)
		}
		if view := ansi.Strip(m.View()); len(c.keys) == 1 && (!strings.Contains(view, "Start servers here, although "+sharedWarning+"?") || !strings.Contains(view, "▸ no")) {
			t.Errorf("%s: it does not ask:\n%s", c.keys, view)
		}
	}
}

// In no state does the screen advise to start servers on a shared queue.
func TestNoAdviceToStartServersOnASharedQueue(t *testing.T) {
	s := sharedLab()
	view := ansi.Strip(newScreen(t, s, 200, 50).View())
	for _, word := range []string{"s server", "x fault", "Press s ", "x makes", "s starts"} {
		if strings.Contains(view, word) {
			t.Errorf("the screen says %q:\n%s", word, view)
		}
	}
	changes := map[string]func(*lab.Snapshot){
		"": func(*lab.Snapshot) {}, "missing": func(l *lab.Snapshot) { l.Queue.Missing, l.Queue.Consumers = true, 0 },
		"nobody": func(l *lab.Snapshot) { l.Queue.Consumers = 0 }, "unknown": func(l *lab.Snapshot) { l.Queue.Known, l.Queue.Err = false, "no" },
		"waiting": func(l *lab.Snapshot) { l.Load.Waiting, l.Queue.Consumers = true, 0 }, "exclusive": func(l *lab.Snapshot) { l.Queue.Exclusive, l.Queue.Consumers = true, 0 },
		"crowded": func(l *lab.Snapshot) {
			l.Queue.Ready, l.Ledger.Seconds = 1000, []ledger.Second{{Completed: 5, Failed: 90, TimedOut: 90}, {}, {}}
		},
		"hanging": func(l *lab.Snapshot) { l.Ledger.Seconds = []ledger.Second{{Failed: 90, TimedOut: 90}, {}, {}} },
		"fault":   func(l *lab.Snapshot) { l.Fault = "drop=1" },
	}
	for name, snap := range snapshots() {
		for what, change := range changes {
			l := *snap
			l.StartWarning, l.Pool = sharedWarning, nil
			change(&l)
			for _, text := range []string{adviceText(&l), explain.NoServer(&l), explain.WhyIdle(&l)} {
				if strings.Contains(text, "Press s ") || strings.Contains(text, "s to start") || strings.Contains(text, "try x") || strings.Contains(text, "x for") || strings.Contains(text, "fibserver") {
					t.Errorf("%s, %s: %s", name, what, text)
				}
			}
		}
	}
}

// space starts a load that the lab has paused, or that waits for a server.
func TestSpaceStartsTheLoad(t *testing.T) {
	s := sharedLab()
	s.snap.Load.Paused, s.snap.Load.PausedBy = true, sharedWarning
	m := newScreen(t, s, 120, 40)
	if view := ansi.Strip(m.View()); !strings.Contains(view, "The load is paused, because "+sharedWarning+". Press space to start it") || !strings.Contains(view, "space start") {
		t.Errorf("paused:\n%s", view)
	}
	s.snap.Load.PausedBy, s.snap.Load.Waiting = "", true
	press(m, " ", " ", " ")
	if want := []string{"resume", "begin", "pause"}; !slices.Equal(s.done, want) {
		t.Errorf("did %q, want %q", s.done, want)
	}
}
