package tui

import (
	"strings"

	"rpcscope/tui/text"
)

// The keys in the footers, from left to right. If there is no room for all, the last are left out. The footer of the
// lanes depends on what they show.
const (
	labFooter    = "N R ? q c s enter d u K space f + x / tab n F z v"
	tourFooter   = ". N P R L tab ? q enter z o v f"
	replayFooter = "? q space . > d u x + enter 0 $ } / tab F z"
)

var footers = map[mode]string{
	inspecting:  "esc up pgdown d y f ?",
	readingLog:  "esc up down enter ?",
	readingHelp: "esc down ctrl+c",
	choosing:    "enter up down esc",
	prompting:   "enter esc",
}

// footer returns the keys of the present footer.
func (m *Model) footer() []string {
	keys := footers[m.mode]
	switch {
	case m.mode != browsing:
	case m.player != nil:
		keys = replayFooter
	case m.telling():
		keys = tourFooter
	default:
		keys = labFooter
	}
	return strings.Fields(keys)
}

// keyLine is the last line of the screen.
func (m *Model) keyLine() text.Line {
	l := text.Line{m.st.Plain.Span(" ")}
	room := m.w - 1
	for _, key := range m.footer() {
		r := m.keyRow(key, m.source())
		if r == nil || r.when != nil && !r.when(&m.snapshot) {
			continue
		}
		words := r.hint
		if r.words != nil {
			words = r.words(m)
		}
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
		return "start"
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
