package text

import (
	"strings"
	"unicode"
)

// Wrap breaks s into lines of at most n cells. It breaks between words, and within words that are longer than a line.
func Wrap(text string, n int) []string { return WrapAfter(text, 0, n) }

// WrapAfter is [Wrap] for a text whose first line has only n-used cells. That line is "" if no word fits.
func WrapAfter(text string, used, n int) []string {
	if n < 1 {
		return nil
	}
	var lines []string
	now, room := "", n-used
	for word := range strings.FieldsSeq(text) {
		for _, part := range Fold(word, n) {
			if now != "" && Width(now)+1+Width(part) <= room {
				now += " " + part
				continue
			}
			if now != "" || Width(part) > room {
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

// Limit joins the lines of a wrapped text from the nth on, so that at most n are left.
func Limit(lines []string, n int) []string {
	if n < 1 || len(lines) <= n {
		return lines
	}
	return append(lines[:n-1:n-1], strings.Join(lines[n-1:], " "))
}

// Fold breaks an escaped text into lines of at most n cells, but not between a character and its marks or within a flag.
// An empty text is one empty line.
func Fold(text string, n int) []string {
	var out []string
	start, width := 0, 0 // of this line
	char, wide := 0, 0   // of this character with its marks
	half := false        // the rune before was the first half of a flag
	for i, r := range text {
		whole := half && regionalIndicator(r)
		half = regionalIndicator(r) && !whole
		if !unicode.Is(unicode.M, r) && !whole {
			char, wide = i, 0
		}
		w := runeWidth(r)
		width, wide = width+w, wide+w
		if width > n && char > start {
			out = append(out, text[start:char])
			start, width = char, wide
		}
	}
	out = append(out, text[start:])
	for i := range out {
		out[i] = Escape(out[i], n) // a character that is wider than all of n, or its marks
	}
	return out
}

// Paragraph returns a line for each of the parts, with label before the first one and as much space before the others.
func Paragraph(label Span, parts []string, ink Ink) []Line {
	var out []Line
	for _, part := range parts {
		out = append(out, Line{label, ink.Span(part)})
		label.Text = Spaces(Width(label.Text))
	}
	return out
}
