package tui

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Styles are all the styles there are, by what they mean. They are for one writer; make
// them once, since making one costs more than using it.
type Styles struct {
	Plain Ink
	Title Ink // what one should read first
	Label Ink // what a number is
	Faint Ink // words that explain

	// What became of calls and replies. The same colour means the same everywhere.
	InFlight, Completed, Failed, Duplicate, Orphaned Ink

	// How good it is.
	Good, Warn, Bad Ink

	// The bars of a chart, and the part of one that is not filled.
	Bar, Rest Ink

	// The screen: lines between panels, what is selected (which bears a mark too), and a
	// key in a list of keys.
	Border, Selected, Key Ink
}

// NewStyles returns the styles for w: without colour where w is no terminal, or the
// environment says NO_COLOR.
func NewStyles(w io.Writer) *Styles {
	return StylesOf(lipgloss.NewRenderer(w, termenv.WithEnvironment(environment{})))
}

// StylesOf returns the styles of a renderer.
func StylesOf(r *lipgloss.Renderer) *Styles {
	// The sixteen colours only: people have chosen them to suit their background.
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
