package tui

import (
	"context"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/internal/noquery"
	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

func init() { noquery.Restore() } // Bubble Tea has been initialised

// Run shows a lab on the terminal until the user quits or ctx ends. It blocks, restores the terminal, and does not
// close the lab.
//
// The error is a panic of the screen or the lab, with its stack, or is about the terminal.
func Run(ctx context.Context, l *lab.Lab) error { return run[Session](ctx, newModel, openLab{l}) }

// RunReplay shows a recording as [Run] shows a lab.
func RunReplay(ctx context.Context, p *replay.Player) error {
	return run[Session](ctx, newModel, p)
}

// RunTour shows the labs of a tour, one after the other, as [Run] shows a lab.
func RunTour(ctx context.Context, g *tour.Guide) error {
	return run[Tour](ctx, newTourModel, openTour{g})
}

func run[S any](ctx context.Context, newModel func(context.Context, S, *text.Styles, func(string)) *Model, shown S) error {
	// Bubble Tea handles a message only after it has drawn the one before. A terminal that stands still must not
	// keep the end of ctx waiting.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	write := func(sequence string) { os.Stdout.WriteString(sequence) } //nolint:errcheck // a terminal that is gone
	m := newModel(ctx, shown, text.NewStyles(os.Stdout), write)
	options := []tea.ProgramOption{
		tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithoutCatchPanics(), // Update catches its own
	}
	if report.IsTerminal(os.Stdin) { // else Bubble Tea finds one
		options = append(options, tea.WithInput(terminalInput{File: os.Stdin, gone: cancel}))
	}
	p := tea.NewProgram(m, options...)
	stop := context.AfterFunc(ctx, p.Quit)
	defer stop()
	_, err := p.Run()
	m.writing.Wait()
	if m.failure != nil {
		return m.failure
	}
	return err
}

// An openLab is a [Lab].
type openLab struct{ *lab.Lab }

func (l openLab) Freeze() Picture { return l.Lab.Freeze() }

// An openTour is a [Tour].
type openTour struct{ *tour.Guide }

func (t openTour) Snapshot() (Lab, tour.Snapshot) {
	l, stage := t.Guide.Snapshot()
	return openLab{l}, stage
}
