package tui

import (
	"io"

	"github.com/charmbracelet/lipgloss"
)

// Styles are all the styles there are, by what they mean. They are for one writer; make
// them once, since making one costs more than using it.
type Styles struct {
	Plain lipgloss.Style
	Title lipgloss.Style // what one should read first
	Label lipgloss.Style // what a number is
	Faint lipgloss.Style // words that explain

	// What became of calls and replies. The same colour means the same everywhere.
	InFlight, Completed, Failed, Duplicate, Orphaned lipgloss.Style

	// How good it is.
	Good, Warn, Bad lipgloss.Style

	// The bars of a chart, and the part of one that is not filled.
	Bar, Rest lipgloss.Style
}

// NewStyles returns the styles for w: without colour where w is no terminal, or the
// environment says NO_COLOR.
func NewStyles(w io.Writer) *Styles { return StylesOf(lipgloss.NewRenderer(w)) }

// StylesOf returns the styles of a renderer.
func StylesOf(r *lipgloss.Renderer) *Styles {
	// The sixteen colours only: people have chosen them to suit their background.
	ink := func(ansi string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(ansi)) }
	const red, green, yellow, blue, magenta, cyan = "1", "2", "3", "4", "5", "6"
	return &Styles{
		Plain: r.NewStyle(),
		Title: r.NewStyle().Bold(true),
		Label: r.NewStyle().Bold(true),
		Faint: r.NewStyle().Faint(true),

		InFlight:  ink(cyan),
		Completed: ink(green),
		Failed:    ink(red),
		Duplicate: ink(yellow),
		Orphaned:  ink(magenta),

		Good: ink(green).Bold(true),
		Warn: ink(yellow).Bold(true),
		Bad:  ink(red).Bold(true),

		Bar:  ink(blue),
		Rest: r.NewStyle().Faint(true),
	}
}
