package tui

import (
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// noteInLines is a note in at most so many lines of w cells: cut, if they have no room for
// it.
func noteInLines(st *text.Styles, n lab.Note, w, most int) []text.Line {
	ink, mark := st.Plain, "·"
	switch n.Level {
	case lab.Success:
		ink, mark = st.Good, "✓"
	case lab.Failure:
		ink, mark = st.Bad, "✗"
	}
	when := n.Time.Format("15:04:05") + "  "
	indent := text.Width(when) + 2
	parts := text.Limit(text.Wrap(text.Escape(n.Text, mostNoteCells), w-indent), most)
	if len(parts) == 0 {
		parts = []string{""}
	}
	var out []text.Line
	for _, part := range parts {
		l := text.Line{st.Plain.Span(text.Spaces(indent)), st.Plain.Span(part)}
		if out == nil {
			l = text.Line{st.Faint.Span(when), ink.Span(mark + " "), st.Plain.Span(part)}
		}
		out = append(out, l.Cut(w))
	}
	return out
}

// mostNoteCells is the most that is shown of a note.
const mostNoteCells = 1024

// A noteLog scrolls through the notes. Its zero value shows the newest.
type noteLog struct {
	// seq is the note that is selected, 0 for always the newest.
	seq uint64
}

// index is where in notes the selected one is; -1 where there are none.
func (g *noteLog) index(notes []lab.Note) int {
	if g.seq != 0 {
		for i := range notes {
			if notes[i].Seq >= g.seq { // the oldest ones go first
				return i
			}
		}
	}
	return len(notes) - 1
}

func (g *noteLog) move(notes []lab.Note, delta int) {
	i := g.index(notes)
	if i < 0 {
		return
	}
	i = min(max(i+delta, 0), len(notes)-1)
	g.seq = notes[i].Seq
	if i == len(notes)-1 {
		g.seq = 0
	}
}

// selected returns the selected note.
func (g *noteLog) selected(notes []lab.Note) (lab.Note, bool) {
	i := g.index(notes)
	if i < 0 {
		return lab.Note{}, false
	}
	return notes[i], true
}

// noteTitle is what the notes are: a replay notes its own doings, not those of the recording.
func noteTitle(look *lab.Snapshot) string {
	if look.Replay != nil {
		return "What this replay said"
	}
	return "All that happened"
}

// noteLines are the notes in h lines of w cells.
func (m *Model) noteLines(w, h int) []text.Line {
	if len(m.snapshot.Notes) == 0 && m.snapshot.Replay != nil {
		return []text.Line{{m.st.Faint.Span(" nothing yet; what happened in the recording is on its bar and in the lanes")}}
	}
	return m.log.lines(m.st, m.snapshot.Notes, w, h)
}

// lines are the notes around the selected one, in h lines of w cells.
func (g *noteLog) lines(st *text.Styles, notes []lab.Note, w, h int) []text.Line {
	if len(notes) == 0 || h <= 0 {
		return []text.Line{{st.Faint.Span(" nothing has happened yet")}}
	}
	at := g.index(notes)
	selected := noteInLines(st, notes[at], w-2, h) // whole
	room := h - len(selected)                      // for the others
	from := min(max(at-room/2, 0), max(len(notes)-1-room, 0))
	var out []text.Line
	for i := from; i < len(notes) && len(out) < h; i++ {
		if i != at {
			for _, l := range noteInLines(st, notes[i], w-2, 1) {
				out = append(out, append(text.Line{st.Plain.Span("  ")}, l...))
			}
			continue
		}
		mark := st.Title.Span("▸ ")
		for _, l := range selected {
			out = append(out, append(text.Line{mark}, l...))
			mark = st.Plain.Span("  ")
		}
	}
	return out
}
