package report

import (
	"strings"

	"rpcscope/tui/text"
)

// The widths of a sheet.
const (
	minWidth, maxWidth = 40, 100
	defaultWidth       = 80
)

// labelCells is the width of the column of labels.
const labelCells = 11

// A sheet is a text of labelled rows, none of them wider than width.
type sheet struct {
	strings.Builder
	*text.Styles
	width int
}

// newSheet returns a sheet as wide as width, or 80 cells wide if width is not positive.
func newSheet(st *text.Styles, width int) *sheet {
	if width <= 0 {
		width = defaultWidth
	}
	return &sheet{Styles: st, width: min(max(width, minWidth), maxWidth)}
}

func (s *sheet) line(l text.Line) {
	s.WriteString(l.Cut(s.width).Render())
	s.WriteByte('\n')
}

func (s *sheet) gap() { s.WriteByte('\n') }

// row writes a line with a label before it.
func (s *sheet) row(label string, l ...text.Span) {
	s.line(append(text.Line{s.Label.Span(text.Left(label, labelCells))}, l...))
}

// flow writes items one after the other, in as many rows as they need.
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

// words writes a text in as many rows as it needs.
func (s *sheet) words(label, str string, style text.Ink) {
	for _, l := range text.Paragraph(s.Label.Span(text.Left(label, labelCells)), text.Wrap(str, s.width-labelCells), style) {
		s.line(l)
	}
}

// note writes an empty line and a paragraph with an arrow before it, unless str is empty.
func (s *sheet) note(str string) {
	if str == "" {
		return
	}
	s.gap()
	for _, l := range text.Paragraph(s.Warn.Span("→ "), text.Wrap(str, s.width-2), s.Plain) {
		s.line(l)
	}
}
