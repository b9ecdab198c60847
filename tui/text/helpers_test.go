package text

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"github.com/muesli/termenv"
)

func TestMain(m *testing.M) {
	runewidth.DefaultCondition.EastAsianWidth = false // independent of the tester's locale
	m.Run()
}

const hostile = "\x1b]0;owned\x07\x1b[2J\u202efib\u200b\n\xff\u009b31m" + "e\u0301\u0301\u0301\u0301\u0301"

var epoch = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// styled returns styles without colour, or with 256 colours.
func styled(colour bool) *Styles {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	if colour {
		r.SetColorProfile(termenv.ANSI256)
	}
	return StylesOf(r)
}

// fits fails the test if a line of s is wider than width for one of the libraries that terminals and layouts use.
func fits(t interface {
	Helper()
	Errorf(string, ...any)
}, s string, width int) {
	t.Helper()
	for l := range strings.Lines(s) {
		l = strings.TrimSuffix(l, "\n")
		bare := ansi.Strip(l)
		perRune := 0
		for _, r := range bare {
			perRune += runewidth.RuneWidth(r)
		}
		if w := max(runewidth.StringWidth(bare), ansi.StringWidth(l), lipgloss.Width(l), perRune); w > width {
			t.Errorf("%d cells wide, not %d: %q", w, width, l)
		}
	}
}
