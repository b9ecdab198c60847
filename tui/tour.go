package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// A Tour is what a screen shows that a guide leads through: one lab after the other, with a
// story each. Next, Back and Repeat may block, the others return at once.
type Tour interface {
	// Snapshot returns the present lab, and what there is to tell of it.
	Snapshot() (Lab, tour.Snapshot)
	Next(ctx context.Context) error
	Back(ctx context.Context) error
	Repeat(ctx context.Context) error
	SkipWait()
	Leave()
	// Number returns the number of a call, 0 for none.
	Number(id string) int
}

// newTourModel returns a screen for a tour.
func newTourModel(ctx context.Context, t Tour, st *text.Styles, tell func(string)) *Model {
	l, _ := t.Snapshot()
	m := newModel(ctx, l, st, tell)
	m.tour = t
	m.lab = nil // followTour begins with it
	m.refresh()
	return m
}

// followTour goes where the tour is: to a lab of which nothing is selected, frozen or
// looked into yet.
func (m *Model) followTour() {
	if m.tour == nil {
		return
	}
	l, told := m.tour.Snapshot()
	if l != m.lab {
		m.lab, m.frozen = l, nil
		m.lanes, m.servers, m.onServers, m.filter = lanes{}, serverList{}, false, ""
		m.lanes.number, m.lanes.focus = m.tour.Number, laneKind(told.Scenario.Lane)
		m.mode, m.below, m.log, m.opening = browsing, nil, noteLog{}, false
	}
	m.told = told
	m.servers.told = m.telling()
}

// telling reports whether there is a story on the screen.
func (m *Model) telling() bool { return m.tour != nil && !m.told.Left }

// headerLook is what the header is about. A scenario makes its calls itself, and a load that
// it has not begun needs nobody to resume it; nor does anybody miss its queue before the first call.
func (m *Model) headerLook() *lab.Snapshot {
	look := m.look
	if m.telling() {
		if look.Load.Paused {
			look.Load.Concurrency = 0
		}
		look.Load.Paused, look.Load.Waiting = false, false
		look.Queue.Known = look.Queue.Known && (!look.Queue.Missing || look.Ledger.Calls.Sent > 0)
	}
	return &look
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
	t := &m.told
	last := t.Position == t.Count
	switch {
	case t.Left && last:
		return ""
	case t.Left:
		return "next scenario"
	case t.State == tour.Intro:
		return "begin"
	case t.State == tour.Playing:
		return "skip"
	case last:
		return "finish"
	}
	return "next"
}

func (m *Model) stepWords() string {
	if m.told.State != tour.Playing {
		return ""
	}
	return "next step"
}

func (m *Model) repeatWords() string {
	switch {
	case !m.told.Left:
		return "repeat"
	case m.told.Position == m.told.Count:
		return "repeat the scenario"
	}
	return "repeat this one"
}

func (m *Model) previousScenarioWords() string {
	switch {
	case !m.told.Left:
		return "back"
	case m.told.Position == m.told.Count:
		return "the one before"
	}
	return ""
}

// advice is the advice that the screen gives at present. What goes wrong in a story is
// meant to: as long as one is told, nothing has to be done about it, and the advice is about
// the tour.
func (m *Model) advice() []explain.Advice {
	if !m.telling() || m.look.Err != nil {
		return explain.Advise(&m.look)
	}
	s := tourAdvice(&m.told)
	if m.look.StandIn != "" && m.told.Position == 1 && m.told.State == tour.Intro {
		s += " " + text.Escape(m.look.StandIn, 300)
	}
	return []explain.Advice{{Level: lab.Info, Text: s}}
}

// tourAdvice says which key is the next one, in a row of the smallest screen.
func tourAdvice(t *tour.Snapshot) string {
	last := t.Position == t.Count
	switch {
	case t.Loading:
		return "One moment: the stage of another scenario is being set."
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
