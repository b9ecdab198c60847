package tui

import (
	"cmp"
	"slices"
	"strings"

	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// A footer is one of the lines of keys at the bottom of the screen.
type footer int

const (
	inLab    footer = iota // the lanes of a lab
	inTour                 // the lanes of a tour while it tells a story
	inReplay               // the lanes of a recording
	inStory                // the story of a call
	inLog
	inHelp
	inMenu
	inPrompt
)

// hints are the places of a key in footers.
type hints map[footer]hint

// A hint is a key's place in a footer. The lower its rank, the further left it is and the longer it
// stays if the line is too short for all.
type hint struct {
	rank  int
	words func(*Model) string // returns "" if the key is of no use now
}

// show returns a hint whose words are always the same.
func show(rank int, words string) hint {
	return hint{rank, func(*Model) string { return words }}
}

// showIf returns a hint that is shown if useful.
func showIf(useful func(*lab.Snapshot) bool, rank int, words string) hint {
	return hint{rank, func(m *Model) string {
		if !useful(&m.snapshot) {
			return ""
		}
		return words
	}}
}

func (m *Model) footer() footer {
	switch {
	case m.mode == inspecting:
		return inStory
	case m.mode == readingLog:
		return inLog
	case m.mode == readingHelp:
		return inHelp
	case m.mode == choosing:
		return inMenu
	case m.mode == prompting:
		return inPrompt
	case m.player != nil:
		return inReplay
	case m.telling():
		return inTour
	}
	return inLab
}

// keyLine is the last line of the screen.
func (m *Model) keyLine() text.Line {
	on, in := m.source(), m.footer()
	var rows []*keyRow
	for _, g := range m.keys {
		for i := range g.rows {
			if r := &g.rows[i]; r.footer[in].words != nil && r.works(on, m.mode) {
				rows = append(rows, r)
			}
		}
	}
	slices.SortFunc(rows, func(a, b *keyRow) int { return cmp.Compare(a.footer[in].rank, b.footer[in].rank) })

	l := text.Line{m.st.Plain.Span(" ")}
	room := m.w - 1
	for _, r := range rows {
		words := r.footer[in].words(m)
		if words == "" {
			continue
		}
		name, _, _ := strings.Cut(r.label(), " ")
		if len(l) > 1 {
			name = "  " + name
		}
		if n := text.Width(name) + 1 + text.Width(words); n <= room {
			l = append(l, m.st.Key.Span(name), m.st.Faint.Span(" "+words))
			room -= n
		}
	}
	return l
}

func (m *Model) pauseWords() string {
	switch {
	case m.snapshot.Load.Paused && m.snapshot.Load.PausedBy == "":
		return "resume"
	case m.snapshot.Load.Paused, m.snapshot.Load.Waiting:
		return "begin"
	}
	return "pause"
}

func (m *Model) playWords() string {
	if m.snapshot.Replay.Playing {
		return "pause"
	}
	return "play"
}

func (m *Model) freezeWords() string {
	if m.frozen != nil {
		return "unfreeze"
	}
	return "freeze"
}
