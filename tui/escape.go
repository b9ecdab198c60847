package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"github.com/rivo/uniseg"
)

// ellipsis stands for what was cut off. It takes one cell.
const ellipsis = "…"

// maxMarks is how many combining marks one character may bear. Vietnamese and Thai need
// two, pointed Hebrew three; more would climb into the lines above and below.
const maxMarks = 3

// Escape returns text from elsewhere in a form that is fit for one line of a terminal:
// valid UTF-8 of printable characters only, at most so many cells wide. What is longer is
// cut and ends in an ellipsis; with most below 1 nothing is left.
//
// Printable characters of all scripts are kept, combining marks too where they have
// something to combine with. Everything else is shown escaped as Go would: control
// characters (\n, \x1b, \u009b), bytes that are no UTF-8 and so lone surrogates (\xed),
// what is invisible or changes the direction of its surroundings (\u200b, \u202e), line
// separators, spaces that are not what they look like, private and unassigned characters;
// and what terminals disagree on the width of: halves of flags, and the colours of skin.
//
// A backslash stays as it is, so that Escape of an escaped text changes nothing. It costs
// no more than what is shown, however long s is.
func Escape(s string, most int) string {
	if most <= 0 {
		return ""
	}
	if len(s) <= most && plain(s) {
		return s
	}
	var b strings.Builder
	width := 0
	fits := 0  // b[:fits] leaves a cell for the ellipsis
	marks := 0 // how many more the character before may bear
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		w := 0
		switch {
		case r == utf8.RuneError && size == 1:
			w, marks = escapeByte(&b, s[i]), 0
		case unicode.Is(unicode.M, r) && !invisible(r) && marks > 0:
			b.WriteRune(r)
			w = runeCells(r)
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
			w, marks = runeCells(r), maxMarks
			if unicode.IsSpace(r) {
				marks = 0
			}
		}
		i += size
		if width += w; width > most {
			return b.String()[:fits] + ellipsis
		}
		if width < most {
			fits = b.Len()
		}
	}
	return b.String()
}

// plain reports whether s is printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printable reports whether r can be seen and moves the cursor, forward, over itself.
func printable(r rune) bool {
	const ideographicSpace = '\u3000' // what CJK text has for a space
	return (unicode.IsPrint(r) || r == ideographicSpace) && !invisible(r) && !skinColour(r) && runeCells(r) > 0
}

// skinColour reports whether r gives the emoji before it another colour: some terminals
// draw both in two cells, others in four.
func skinColour(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// regionalIndicator reports whether r is a letter of which two are a flag, of two cells.
// What one alone takes depends on the terminal.
func regionalIndicator(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// invisible reports whether r is a letter or mark that is not seen: fillers, variation
// selectors and the like. Unicode says of them that they are ignorable by default.
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

// narrow takes characters of ambiguous width for one cell wide, as nearly all terminals
// do whatever their locale.
var narrow = &runewidth.Condition{StrictEmojiNeutral: true}

// runeCells returns how many cells r takes. Where the libraries that terminals and
// layouts are built on do not agree, it is the most that one of them says: a line that
// is a cell short is better than one that wraps.
func runeCells(r rune) int {
	if r < utf8.RuneSelf || drawing(r) || regionalIndicator(r) {
		return 1
	}
	s := string(r)
	return max(narrow.RuneWidth(r), uniseg.StringWidth(s), ansi.StringWidth(s))
}

// drawing reports whether r is one of the lines and blocks that a screen is full of.
// They take one cell.
func drawing(r rune) bool { return r >= 0x2500 && r < 0x25a0 }

// cells returns how many cells s takes, which is escaped or our own.
func cells(s string) int {
	if plain(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}
