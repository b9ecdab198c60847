package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/server"
	"rpcscope/tui/text"
)

// A choice is a row of a menu.
type choice struct {
	value string // what it means
	words string // what it does
	other bool   // ask for the value
}

// faultChoices are the faults that the next server can be given.
var faultChoices = func() []choice {
	words := map[string][2]string{
		"crash-before-ack":   {"=0.02", "replies and dies before the ack: a real duplicate"},
		"crash-before-reply": {"=0.02", "dies before its reply: another server answers"},
		"early-ack":          {"=0.02", "acks first, dies before its reply: a lost call"},
		"duplicate":          {"=0.05", "sends the reply twice"},
		"unknown":            {"=0.05", "sends a reply of an unknown ID as well"},
		"drop":               {"=0.02", "never replies: the call times out"},
		"error":              {"=0.05", "answers with an error: the call fails"},
		"panic":              {"=0.05", "panics: an error reply, and the server lives"},
		"slow":               {"=0.02:6s", "sleeps for 6 s: the reply comes too late"},
		"ack-delay":          {"=3s", "acks 3 s late: kill it meanwhile, see duplicates"},
	}
	all := []choice{{value: "", words: "none: the next server is a good one"}}
	for _, name := range server.FaultNames() {
		w := words[name]
		all = append(all, choice{value: name + w[0], words: w[1]})
	}
	return append(all, choice{words: "something else: type it", other: true})
}()

// A menu is a list to choose from.
type menu struct {
	name     string // of its frame
	title    string
	choices  []choice
	choose   func(choice) tea.Cmd
	selected int
}

func (m *menu) move(delta int) {
	m.selected = min(max(m.selected+delta, 0), len(m.choices)-1)
}

// lines are the menu in at most h lines of w cells.
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
