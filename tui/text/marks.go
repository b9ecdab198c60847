package text

import "slices"

// A Mark is a glyph on an axis, with a name if there is room for it.
type Mark struct {
	At          int // cell, from 0
	Glyph, Name string
	Ink         Ink
}

// MarkedAxis draws an axis of width cells with marks on it. Of several marks in one cell it shows the last. A name
// follows its mark, or precedes it at the end of the axis. It is left out if it could be taken for that of another mark.
func MarkedAxis(st *Styles, width int, marks []Mark) Line {
	taken := make([]bool, max(width, 0))
	cells := make([]Span, len(taken))
	for i := range cells {
		cells[i] = st.Border.Span("─")
	}
	for _, m := range marks {
		if m.At >= 0 && m.At < width {
			cells[m.At], taken[m.At] = m.Ink.Span(m.Glyph), true
		}
	}
	for i, m := range slices.Backward(marks) { // the newest names matter most
		n := Width(m.Name)
		if n == 0 || m.At < 0 || m.At >= width || slices.ContainsFunc(marks[i+1:], func(later Mark) bool { return later.At == m.At }) {
			continue
		}
		from, clearFrom, clearTo := m.At+1, m.At+1, m.At+2+n // a cell beside the name must be free too
		if from+n > width {
			from, clearFrom, clearTo = m.At-n, m.At-n-1, m.At
		}
		if from < 0 || slices.Contains(taken[max(clearFrom, 0):min(clearTo, width)], true) {
			continue
		}
		cells[from] = st.Faint.Span(m.Name)
		for x := from; x < from+n; x++ {
			taken[x] = true
			if x > from {
				cells[x].Text = ""
			}
		}
	}
	var l Line
	for _, s := range cells {
		if s.Text != "" {
			l.Add(s.Text, s.Ink)
		}
	}
	return l
}
