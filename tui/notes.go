package tui

import (
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// noteInLines draws a note in at most rows lines of w cells.
func noteInLines(st *text.Styles, n lab.Note, w, rows int) []text.Line {
	ink, mark := st.Plain, "·"
	switch n.Level {
	case lab.Success:
		ink, mark = st.Good, "✓"
	case lab.Failure:
		ink, mark = st.Bad, "✗"
	}
	when := n.Time.Format("15:04:05") + "  "
	indent := text.Width(when) + 2
	parts := text.Limit(text.Wrap(text.Escape(n.Text, 1024), w-indent), rows)
	if len(parts) == 0 {
		parts = []string{""}
	}
	out := text.Paragraph(st.Plain.Span(text.Spaces(indent)), parts, st.Plain)
	out[0] = text.Line{st.Faint.Span(when), ink.Span(mark + " "), st.Plain.Span(parts[0])}
	for i := range out {
		out[i] = out[i].Cut(w)
	}
	return out
}

// A noteLog scrolls through the notes. Its zero value shows the newest.
type noteLog struct {
	seq uint64 // of the selected note; 0 follows the newest
}

// index returns the index of the selected note, or -1 if there are no notes.
func (g *noteLog) index(notes []lab.Note) int {
	if g.seq != 0 {
		for i := range notes {
			if notes[i].Seq >= g.seq { // older ones may be gone
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

func (g *noteLog) selected(notes []lab.Note) (lab.Note, bool) {
	i := g.index(notes)
	if i < 0 {
		return lab.Note{}, false
	}
	return notes[i], true
}

// lines draws the notes around the selected one.
func (g *noteLog) lines(st *text.Styles, notes []lab.Note, w, h int) []text.Line {
	if len(notes) == 0 || h <= 0 {
		return []text.Line{{st.Faint.Span(" no notes yet")}}
	}
	at := g.index(notes)
	selected := noteInLines(st, notes[at], w-2, h)
	room := h - len(selected)
	from := min(max(at-room/2, 0), max(len(notes)-1-room, 0))
	var out []text.Line
	for i := from; i < len(notes) && len(out) < h; i++ {
		mark, lines := st.Plain.Span("  "), selected
		if i == at {
			mark = st.Title.Span("▸ ")
		} else {
			lines = noteInLines(st, notes[i], w-2, 1)
		}
		for _, l := range lines {
			out = append(out, append(text.Line{mark}, l...))
			mark = st.Plain.Span("  ")
		}
	}
	return out
}
