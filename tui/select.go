package tui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/explain"
)

// selected returns the call or reply that is selected, if there is one.
func (m *Model) selected() (target, bool) {
	switch m.mode {
	case inspecting:
		return m.target, true
	case readingLog:
		n, ok := m.log.selected(m.snapshot.Notes)
		return target{id: n.ID}, ok && n.ID != ""
	}
	if m.onServers {
		return target{}, false
	}
	row, ok := m.lanes.selected(&m.snapshot)
	return row.target, ok
}

// inspectSelected shows the story of the selected row, as soon as it has come in.
func (m *Model) inspectSelected() {
	switch t, ok := m.selected(); {
	case m.pending():
		m.opening = true
	case ok:
		m.inspect(t)
	case m.onServers:
		m.fail(errors.New("enter tells the story of a call: tab moves to a lane"))
	}
}

// inspectNote shows the story of the call that the selected note is about.
func (m *Model) inspectNote() {
	if t, ok := m.selected(); ok {
		m.inspect(t)
	}
}

// inspect shows a story.
func (m *Model) inspect(t target) {
	if _, ok := m.story(t); !ok {
		m.fail(m.unknown())
		return
	}
	if m.mode != inspecting {
		m.open(inspecting)
	}
	m.target = t
	m.inspector = inspector{came: t.came}
	m.showStory()
}

// unknown says why there is no story to inspect, and which key helps.
func (m *Model) unknown() error {
	switch {
	case m.player != nil:
		return errors.New("at this time of the recording that one is not remembered: / finds it")
	case m.frozen != nil:
		return errors.New("that one is not on the frozen screen: f goes live")
	}
	return errors.New("that one is no longer remembered: f freezes the screen, so that nothing is forgotten")
}

// showStory gives the inspector the story as it is now. It returns false if there is none.
func (m *Model) showStory() bool {
	story, ok := m.story(m.target)
	if ok {
		m.inspector.show(story, explain.Circumstances{Now: m.snapshot.Ledger.Now, Pool: m.snapshot.Pool, Connection: m.snapshot.Ledger.Connection})
	}
	return ok
}

func (m *Model) toggleFrozen() {
	if m.frozen == nil {
		m.frozen = m.lab.Freeze()
		return
	}
	m.frozen = nil
}

func (m *Model) askFilter() {
	m.ask("Show only", "state:failed server:fib-1 n:20-35 id:7f3a, or any text; ! for not; nothing for all", m.filter, func(s string) (tea.Cmd, error) {
		return nil, m.setFilter(s)
	})
}

func (m *Model) setFilter(s string) error {
	f, err := parseFilter(s)
	if err != nil {
		return err
	}
	m.filter = strings.TrimSpace(s)
	m.lanes.filter = f
	return nil
}
