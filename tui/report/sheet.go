package report

import (
	"strings"

	"rpcscope/tui/text"
)

// labelCells is the width of the column that says what a row is about.
const labelCells = 11

// A sheet is a text of labelled rows, none wider than width.
type sheet struct {
	strings.Builder
	*text.Styles
	width int
}

// line writes one line.
func (s *sheet) line(l text.Line) {
	s.WriteString(l.Cut(s.width).Render())
	s.WriteByte('\n')
}

// gap writes an empty line.
func (s *sheet) gap() { s.WriteByte('\n') }

// row writes one line with a label before it.
func (s *sheet) row(label string, l ...text.Span) {
	s.line(append(text.Line{s.Label.Span(text.Left(label, labelCells))}, l...))
}

// flow writes items one after the other, in as many rows as they take.
func (s *sheet) flow(label string, items []text.Line) {
	const dot = " · "
	room := s.width - labelCells
	var now text.Line
	flush := func() {
		if len(now) > 0 {
			s.row(label, now...)
			label, now = "", nil
		}
	}
	for _, item := range items {
		if now != nil && now.Width()+text.Width(dot)+item.Width() > room {
			flush()
		}
		if now != nil {
			now = append(now, s.Faint.Span(dot))
		}
		now = append(now, item.Cut(room)...)
	}
	flush()
}

// words writes a text of many words, in as many rows as it takes.
func (s *sheet) words(label, str string, style text.Ink) {
	for _, part := range text.Wrap(str, s.width-labelCells) {
		s.row(label, style.Span(part))
		label = ""
	}
}
