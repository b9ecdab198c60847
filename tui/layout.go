package tui

import (
	"math"
	"strings"
)

// A span is text in one style. Its text is escaped or our own, so that its width can
// be told before it is styled.
type span struct {
	text  string
	style Ink
}

// A line is a line of text in several styles.
type line []span

func (l line) cells() int {
	n := 0
	for _, s := range l {
		n += cells(s.text)
	}
	return n
}

// cut returns l, no wider than most.
func (l line) cut(most int) line {
	if l.cells() <= most {
		return l
	}
	var out line
	for _, s := range l {
		n := cells(s.text)
		if n > most {
			s.text = Escape(s.text, most)
			if s.text == "" { // most is 0: something has to make room for the ellipsis
				break
			}
			return append(out, s)
		}
		out = append(out, s)
		most -= n
	}
	if n := len(out); n > 0 {
		out[n-1].text = Escape(out[n-1].text+ellipsis+ellipsis, cells(out[n-1].text))
	}
	return out
}

func (l line) render() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.style.Render(s.text))
	}
	return strings.TrimRight(b.String(), " ")
}

// left and right pad s to n cells.
func left(s string, n int) string  { return s + spaces(n-cells(s)) }
func right(s string, n int) string { return spaces(n-cells(s)) + s }

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// bar draws x, from 0 to 1, as a bar that would be n cells long for 1. It is in eighths
// of a cell, and not empty unless x is 0.
func bar(x float64, n int) string {
	if n <= 0 || math.IsNaN(x) || x <= 0 {
		return ""
	}
	eighths := max(int(math.Round(min(x, 1)*float64(8*n))), 1)
	s := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	return s
}

// wrap breaks text into lines of at most n cells, between words if they are not longer than
// a line.
func wrap(text string, n int) []string { return wrapAfter(text, 0, n) }

// wrapAfter is wrap for text that follows so many cells in its first line. The first of the
// lines is "" if not even a word has room there.
func wrapAfter(text string, used, n int) []string {
	if n < 1 {
		return nil
	}
	var lines []string
	now, room := "", n-used
	for word := range strings.FieldsSeq(text) {
		for _, part := range fold(word, n) {
			if now != "" && cells(now)+1+cells(part) <= room {
				now += " " + part
				continue
			}
			if now != "" || cells(part) > room {
				lines, room = append(lines, now), n
			}
			now = part
		}
	}
	if now != "" {
		lines = append(lines, now)
	}
	return lines
}

// atMost returns no more than so many of the lines of a wrapped text; the last one then has
// all the rest of the text, to be cut.
func atMost(lines []string, most int) []string {
	if most < 1 || len(lines) <= most {
		return lines
	}
	return append(lines[:most-1:most-1], strings.Join(lines[most-1:], " "))
}

// labelCells is the width of the column that says what a row is about.
const labelCells = 11

// A sheet is a text of labelled rows, none wider than width.
type sheet struct {
	strings.Builder
	*Styles
	width int
}

// line writes one line.
func (s *sheet) line(l line) {
	s.WriteString(l.cut(s.width).render())
	s.WriteByte('\n')
}

// gap writes an empty line.
func (s *sheet) gap() { s.WriteByte('\n') }

// row writes one line with a label before it.
func (s *sheet) row(label string, l ...span) {
	s.line(append(line{{left(label, labelCells), s.Label}}, l...))
}

// flow writes items one after the other, in as many rows as they take.
func (s *sheet) flow(label string, items []line) {
	const dot = " · "
	room := s.width - labelCells
	var now line
	flush := func() {
		if len(now) > 0 {
			s.row(label, now...)
			label, now = "", nil
		}
	}
	for _, item := range items {
		if now != nil && now.cells()+cells(dot)+item.cells() > room {
			flush()
		}
		if now != nil {
			now = append(now, span{dot, s.Faint})
		}
		now = append(now, item.cut(room)...)
	}
	flush()
}

// words writes a text of many words, in as many rows as it takes.
func (s *sheet) words(label, text string, style Ink) {
	for _, part := range wrap(text, s.width-labelCells) {
		s.row(label, span{part, style})
		label = ""
	}
}
