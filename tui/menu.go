package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/text"
)

// A choice is a row of a menu.
type choice struct {
	value string
	words string // explains it
	other bool   // asks for the value
}

// A menu is a list to choose from.
type menu struct {
	name     string // of its frame
	title    string
	choices  []choice
	choose   func(choice) tea.Cmd
	selected int
}

// chosen closes the menu with the selected choice.
func (m *Model) chosen() tea.Cmd {
	m.close()
	return m.menu.choose(m.menu.choices[m.menu.selected])
}

func (m *menu) move(delta int) {
	m.selected = min(max(m.selected+delta, 0), len(m.choices)-1)
}

// lines draws the menu in at most h lines of w cells.
func (m *menu) lines(st *text.Styles, w, h int) []text.Line {
	names := 0
	for _, c := range m.choices {
		names = max(names, text.Width(c.value))
	}
	var out []text.Line
	for _, s := range text.Wrap(m.title, max(w-2, 1)) {
		out = append(out, text.Line{st.Title.Span(" " + s)}.Cut(w))
	}
	out = append(out, nil)
	from := 0
	if room := h - len(out); m.selected >= room {
		from = m.selected - max(room, 1) + 1
	}
	for i, c := range m.choices[from:] {
		value := c.value
		if value == "" && !c.other {
			value = "none"
		}
		mark, ink := "   ", st.Key
		if from+i == m.selected {
			mark, ink = " ▸ ", st.Selected
		}
		out = append(out, text.Line{st.Title.Span(mark), ink.Span(text.Left(value, names)), st.Plain.Span("  " + c.words)}.Cut(w))
	}
	return out[:max(min(len(out), h), 0)]
}
