package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/text"
)

// askID asks for an ID and shows its story.
func (m *Model) askID() {
	help := "of calls and discarded replies that are remembered; ↑ ↓ to choose"
	if m.player != nil {
		help = "of calls and discarded replies of all the recording; ↑ ↓ to choose"
	}
	m.ask("Find the ID that begins with", help, "", func(s string) (tea.Cmd, error) {
		s = strings.TrimSpace(s)
		found := m.picture().Find(s, 1)
		if s == "" || len(found) == 0 {
			return nil, fmt.Errorf("%s begins with %.40q", m.nothing(), s)
		}
		m.close()
		m.goTo(found[0])
		return nil, nil
	})
	m.prompt.noMatches = func() string { return m.nothing() + " begins with that" }
	m.prompt.matches = func(s string) []string {
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		return m.picture().Find(s, 8)
	}
}

// nothing says in which IDs the prompt has found none.
func (m *Model) nothing() string {
	switch r := m.snapshot.Replay; {
	case r == nil:
		return "nothing remembered"
	case r.Indexed < 1:
		return "nothing in the " + text.Percent(r.Indexed) + " of the recording that has been read"
	}
	return "nothing in the recording"
}

// goTo selects a call and shows its story. A player first goes to a time at which the call is known.
func (m *Model) goTo(id string) {
	t := target{id: id}
	if _, known := m.story(t); !known && m.player != nil {
		m.player.GoTo(id)
		m.jumping, m.opening = true, true
		return
	}
	m.choose(pick{id: id})
	m.inspect(t)
}
