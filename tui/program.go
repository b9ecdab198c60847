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

// Run shows a lab on the terminal until the user quits or ctx ends, and returns with
// the terminal as it was. It blocks. The lab goes on; closing it is the caller's.
//
// The error is a panic's where there was one, the screen's or the lab's, with its
// stack; else it is about the terminal.
func Run(ctx context.Context, l *lab.Lab) error { return run(ctx, on(openLab{l})) }

// RunReplay shows a recording in the same way. Closing the player is the caller's.
func RunReplay(ctx context.Context, p *replay.Player) error { return run(ctx, on(openReplay{p})) }

// RunTour is [Run] of a tour, and of the labs that it leads through.
func RunTour(ctx context.Context, g *tour.Guide) error {
	return run(ctx, func(ctx context.Context, st *text.Styles, tell func(string)) *Model {
		return newTourModel(ctx, openTour{g}, st, tell)
	})
}

// on makes the model of one lab.
func on(l Lab) func(context.Context, *text.Styles, func(string)) *Model {
	return func(ctx context.Context, st *text.Styles, tell func(string)) *Model {
		return newModel(ctx, l, st, tell)
	}
}

func run(ctx context.Context, model func(context.Context, *text.Styles, func(string)) *Model) error {
	// Bubble Tea looks at what it is told next only when it has drawn what it was told
	// before. Whatever cannot wait does not go through it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tell := func(sequence string) { os.Stdout.WriteString(sequence) } //nolint:errcheck // a terminal that is gone
	m := model(ctx, text.NewStyles(os.Stdout), tell)
	continued := make(chan os.Signal, 1)
	defer notifyContinued(continued)()
	m.continued = continued
	options := []tea.ProgramOption{
		tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithoutCatchPanics(), // Update catches its own
	}
	if report.IsTerminal(os.Stdin) { // else Bubble Tea finds one
		options = append(options, tea.WithInput(&terminalInput{File: os.Stdin, gone: cancel}))
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

// An openLab is a lab as a screen wants it.
type openLab struct{ *lab.Lab }

// Freeze returns a picture of now.
func (l openLab) Freeze() Subject { return l.Lab.Freeze() }

// An openReplay is a recording as a screen wants it.
type openReplay struct{ *replay.Player }

// Freeze returns the recording itself: it stands still when it does not play.
func (r openReplay) Freeze() Subject { return r.Player }

// An openTour is a tour as a screen wants it.
type openTour struct{ *tour.Guide }

// Snapshot returns the present lab, and what there is to tell of it.
func (t openTour) Snapshot() (Lab, tour.Snapshot) {
	l, look := t.Guide.Snapshot()
	return openLab{l}, look
}
