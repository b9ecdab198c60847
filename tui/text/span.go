package text

import "strings"

// A Span is text in one ink. The text is escaped, or written by this program.
type Span struct {
	Text string
	Ink  Ink
}

// Span returns a span of s in this ink.
func (i Ink) Span(s string) Span { return Span{s, i} }

// Plain returns a span of s without any ink.
func Plain(s string) Span { return Span{Text: s} }

// Gap returns a span of n spaces.
func Gap(n int) Span { return Span{Text: Spaces(n)} }

// A Line is a line of text in several inks.
type Line []Span

// Width returns how many cells l takes.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		n += Width(s.Text)
	}
	return n
}

// Add appends s in ink. It extends the last span if that has the same ink, or if nobody could see a difference.
func (l *Line) Add(s string, ink Ink) {
	if n := len(*l); n > 0 && ((*l)[n-1].Ink == ink || s == " " && !ink.solid) {
		(*l)[n-1].Text += s
		return
	}
	*l = append(*l, Span{s, ink})
}

// Cut returns l, at most width cells wide. If it is cut, it ends in an ellipsis.
func (l Line) Cut(width int) Line {
	if l.Width() <= width {
		return l
	}
	var out Line
	for _, s := range l {
		n := Width(s.Text)
		if n > width {
			s.Text = Escape(s.Text, width)
			if s.Text == "" { // the span before has to make room for the ellipsis
				break
			}
			return append(out, s)
		}
		out = append(out, s)
		width -= n
	}
	if n := len(out); n > 0 {
		out[n-1].Text = Escape(out[n-1].Text+Ellipsis+Ellipsis, Width(out[n-1].Text))
	}
	return out
}

// Fill returns l, exactly width cells wide.
func (l Line) Fill(width int) Line {
	l = l.Cut(width)
	if gap := width - l.Width(); gap > 0 {
		l = append(l[:len(l):len(l)], Gap(gap))
	}
	return l
}

// WithInk returns l in one ink.
func (l Line) WithInk(ink Ink) Line {
	out := make(Line, len(l))
	for i, s := range l {
		out[i] = Span{s.Text, ink}
	}
	return out
}

// Render returns l with the escape sequences of its inks, without spaces at its end.
func (l Line) Render() string {
	var b strings.Builder
	l.write(&b)
	return strings.TrimRight(b.String(), " ")
}

func (l Line) write(b *strings.Builder) {
	for _, s := range l {
		b.WriteString(s.Ink.Render(s.Text))
	}
}

// Left pads s with spaces to width cells, at its right.
func Left(s string, width int) string { return s + Spaces(width-Width(s)) }

// Right pads s with spaces to width cells, at its left.
func Right(s string, width int) string { return Spaces(width-Width(s)) + s }

// Spaces returns n spaces.
func Spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }
