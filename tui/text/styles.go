package text

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// An Ink is a style whose escape sequences have been worked out: to render a lipgloss style takes a few µs, too much for
// hundreds of spans ten times a second.
type Ink struct {
	open, close string
	solid       bool // shows on a space too
}

// newInk returns the ink of a style that sets only colour and weight.
func newInk(s lipgloss.Style) Ink {
	open, end, _ := strings.Cut(s.Render("x"), "x")
	return Ink{open: open, close: end, solid: s.GetReverse()}
}

// Render returns s between the escape sequences of this ink.
func (i Ink) Render(s string) string {
	if i.open == "" || !i.solid && strings.TrimSpace(s) == "" {
		return s
	}
	return i.open + s + i.close
}

// Styles are the inks of a writer, by their meaning. Make them once: that costs more than using them.
type Styles struct {
	Plain Ink
	Title Ink // to be read first
	Label Ink // names a number
	Faint Ink // explains

	// The states of calls and replies, the same everywhere.
	InFlight, Completed, Failed, Duplicate, Orphaned Ink

	Good, Warn, Bad Ink

	// The filled and the empty part of a bar.
	Bar, Rest Ink

	// Lines between panels, the selected row (which has a mark too), and a key in a list of keys.
	Border, Selected, Key Ink
}

// NewStyles returns the styles for w. They are without colour if w is not a terminal, or if NO_COLOR is set.
func NewStyles(w io.Writer) *Styles {
	return StylesOf(lipgloss.NewRenderer(w, termenv.WithEnvironment(terminalEnv{})))
}

// StylesOf returns the styles of a renderer.
func StylesOf(r *lipgloss.Renderer) *Styles {
	// Only the sixteen colours: people choose them to suit their background.
	const red, green, yellow, blue, magenta, cyan = "1", "2", "3", "4", "5", "6"
	style := r.NewStyle
	ink := func(ansi string) lipgloss.Style { return style().Foreground(lipgloss.Color(ansi)) }
	return &Styles{
		Plain: newInk(style()),
		Title: newInk(style().Bold(true)),
		Label: newInk(style().Bold(true)),
		Faint: newInk(style().Faint(true)),

		InFlight:  newInk(ink(cyan)),
		Completed: newInk(ink(green)),
		Failed:    newInk(ink(red)),
		Duplicate: newInk(ink(yellow)),
		Orphaned:  newInk(ink(magenta)),

		Good: newInk(ink(green).Bold(true)),
		Warn: newInk(ink(yellow).Bold(true)),
		Bad:  newInk(ink(red).Bold(true)),

		Bar:  newInk(ink(blue)),
		Rest: newInk(style().Faint(true)),

		Border:   newInk(style().Faint(true)),
		Selected: newInk(style().Reverse(true)),
		Key:      newInk(style().Bold(true)),
	}
}
