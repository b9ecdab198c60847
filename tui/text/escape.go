package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"github.com/rivo/uniseg"
)

// Ellipsis stands for text that was cut off. It takes one cell.
const Ellipsis = "…"

// maxMarks is how many combining marks one character may have. Vietnamese and Thai need two, pointed Hebrew three. More would
// reach into the lines above and below.
const maxMarks = 3

// Escape returns text from elsewhere as one line for a terminal: valid UTF-8 of printable characters, at most width cells wide.
// Longer text is cut and ends in an ellipsis.
//
// Escape keeps the printable characters of all scripts, and combining marks that have a character to combine with. It writes
// all else as Go does: control characters (\n, \x1b, \u009b), bytes that are not UTF-8 (\xed), characters that are invisible or
// change the direction of their surroundings (\u200b, \u202e), line separators, unusual spaces, private and unassigned
// characters, and those whose width terminals disagree on (halves of flags, skin tones).
//
// It keeps backslashes, so Escape of an escaped text changes nothing. Its cost does not depend on the length of s.
func Escape(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if len(s) <= width && isASCII(s) {
		return s
	}
	var b strings.Builder
	used := 0
	fits := 0  // b[:fits] leaves a cell for the ellipsis
	marks := 0 // how many more marks the last character may have
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		w := 0
		switch {
		case r == utf8.RuneError && size == 1:
			w, marks = escapeByte(&b, s[i]), 0
		case unicode.Is(unicode.M, r) && !invisible(r) && marks > 0:
			b.WriteRune(r)
			w = runeWidth(r)
			marks--
		case regionalIndicator(r):
			if next, n := utf8.DecodeRuneInString(s[i+size:]); regionalIndicator(next) {
				b.WriteRune(r)
				b.WriteRune(next)
				size += n
				w, marks = 2, 0
			} else {
				w, marks = escapeRune(&b, r), 0
			}
		case unicode.Is(unicode.M, r) || !printable(r):
			w, marks = escapeRune(&b, r), 0
		default:
			b.WriteRune(r)
			w, marks = runeWidth(r), maxMarks
			if unicode.IsSpace(r) {
				marks = 0
			}
		}
		i += size
		if used += w; used > width {
			return b.String()[:fits] + Ellipsis
		}
		if used < width {
			fits = b.Len()
		}
	}
	return b.String()
}

// isASCII reports whether s is printable ASCII.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printable reports whether r is visible and moves the cursor forward over itself.
func printable(r rune) bool {
	const ideographicSpace = '\u3000' // the space of CJK text
	return (unicode.IsPrint(r) || r == ideographicSpace) && !invisible(r) && !skinTone(r) && runeWidth(r) > 0
}

// skinTone reports whether r changes the colour of the emoji before it. Some terminals draw both in two cells, others in four.
func skinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// regionalIndicator reports whether r is half of a flag. A flag takes two cells; the width of a half depends on the terminal.
func regionalIndicator(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// invisible reports whether r is a letter or mark that cannot be seen, such as a filler or a variation selector. Unicode calls
// these default ignorable.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escapeByte(b *strings.Builder, c byte) int {
	b.WriteString(`\x`)
	return 2 + hex(b, rune(c), 2)
}

func escapeRune(b *strings.Builder, r rune) int {
	const letters = `abtnvfr` // \a is 7, \r is 13
	switch {
	case r >= '\a' && r <= '\r':
		b.WriteByte('\\')
		b.WriteByte(letters[r-'\a'])
		return 2
	case r < utf8.RuneSelf:
		return escapeByte(b, byte(r))
	case r < 0x10000:
		b.WriteString(`\u`)
		return 2 + hex(b, r, 4)
	}
	b.WriteString(`\U`)
	return 2 + hex(b, r, 8)
}

func hex(b *strings.Builder, r rune, digits int) int {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b.WriteByte("0123456789abcdef"[r>>shift&0xf])
	}
	return digits
}

// narrow counts characters of ambiguous width as one cell, as nearly all terminals do in any locale.
var narrow = &runewidth.Condition{StrictEmojiNeutral: true}

// runeWidth returns how many cells r takes. If the libraries of terminals and layouts disagree, it returns the maximum: a line
// that is a cell short is better than one that wraps.
func runeWidth(r rune) int {
	if r < utf8.RuneSelf || drawing(r) || regionalIndicator(r) {
		return 1
	}
	s := string(r)
	return max(narrow.RuneWidth(r), uniseg.StringWidth(s), ansi.StringWidth(s))
}

// drawing reports whether r is one of the lines and blocks of a screen, which take one cell.
func drawing(r rune) bool { return r >= 0x2500 && r < 0x25a0 }

// Width returns how many cells s takes. It must be escaped, or written by this program.
func Width(s string) int {
	if isASCII(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}
