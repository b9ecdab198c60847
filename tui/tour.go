package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// A Tour shows one lab after the other, with a story each. Next, Back and Repeat may block, the others return at once.
type Tour interface {
	// Snapshot returns the present lab and the state of its scenario.
	Snapshot() (Lab, tour.Snapshot)
	Next(ctx context.Context) error
	Back(ctx context.Context) error
	Repeat(ctx context.Context) error
	SkipWait()
	Leave()
}

func newTourModel(ctx context.Context, t Tour, st *text.Styles, write func(string)) *Model {
	l, _ := t.Snapshot()
	m := newModel(ctx, l, st, write)
	m.tour = t
	m.lab = nil // so that followTour begins with it
	m.refresh()
	return m
}

// followTour switches to the present lab of the tour, without a selection, a filter or a mode of the one before.
func (m *Model) followTour() {
	if m.tour == nil {
		return
	}
	l, stage := m.tour.Snapshot()
	if l != m.lab {
		m.session, m.lab, m.frozen = l, l, nil
		m.lanes, m.servers, m.onServers, m.filter = lanes{}, serverList{}, false, ""
		m.lanes.number, m.lanes.focus = l.Number, laneKind(stage.Scenario.Lane)
		m.mode, m.modeStack, m.log, m.opening = browsing, nil, noteLog{}, false
	}
	m.tourSnapshot = stage
	m.servers.inScenario = m.telling()
}

// telling reports whether the screen shows the story of a scenario.
func (m *Model) telling() bool { return m.tour != nil && !m.tourSnapshot.Left }

// headerSnapshot returns the snapshot for the header. A scenario starts its load and its queue itself, so the header
// does not say that they are paused or missing before.
func (m *Model) headerSnapshot() *lab.Snapshot {
	s := m.snapshot
	if m.telling() {
		if s.Load.Paused {
			s.Load.Concurrency = 0
		}
		s.Load.Paused, s.Load.Waiting = false, false
		s.Queue.Known = s.Queue.Known && (!s.Queue.Missing || s.Ledger.Calls.Sent > 0)
	}
	return &s
}

func (m *Model) nextScenario() tea.Cmd     { return m.travel(m.tour.Next) }
func (m *Model) previousScenario() tea.Cmd { return m.travel(m.tour.Back) }
func (m *Model) repeatScenario() tea.Cmd   { return m.travel(m.tour.Repeat) }

// travel calls f, which may change the scenario.
func (m *Model) travel(f func(context.Context) error) tea.Cmd {
	return m.do(func(ctx context.Context, l Lab) {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			l.Note(lab.Failure, err.Error(), "")
		}
	})
}

// The words of the tour's keys in the footer.

func (m *Model) nextScenarioWords() string {
	t := &m.tourSnapshot
	last := t.Position == t.Count
	switch {
	case t.Left && last:
		return ""
	case t.Left:
		return "next scenario"
	case t.State == tour.Intro:
		return "start"
	case t.State == tour.Playing:
		return "skip"
	case last:
		return "finish"
	}
	return "next"
}

func (m *Model) stepWords() string {
	if m.tourSnapshot.State != tour.Playing {
		return ""
	}
	return "next step"
}

// advice returns the advice to show. While a scenario plays it is about the tour, since faults are part of the story.
func (m *Model) advice() explain.Advice {
	if !m.telling() || m.snapshot.Err != nil {
		return explain.Advise(&m.snapshot)
	}
	s := tourAdvice(&m.tourSnapshot)
	if m.snapshot.StandIn != "" && m.tourSnapshot.Position == 1 && m.tourSnapshot.State == tour.Intro {
		s += " " + text.Escape(m.snapshot.StandIn, 300)
	}
	return explain.Advice{Level: lab.Info, Text: s}
}

// tourAdvice names the next key, in a row of the smallest screen.
func tourAdvice(t *tour.Snapshot) string {
	last := t.Position == t.Count
	switch {
	case t.Loading:
		return "One moment: the next scenario is being set up."
	case t.State == tour.Intro:
		return "Press N to see it happen."
	case t.State == tour.Playing:
		return "It is happening now, step by step, and needs no key."
	case t.Result == nil && last:
		return "It was given up. Press R to see it from the beginning."
	case t.Result == nil:
		return "It was given up. Press R to see it from the beginning, or N for the next."
	case last:
		return "That was the last one. Press N to play with what is here, or q to quit."
	}
	return "Press N for the next one, R to see this again, or L to play with it."
}
