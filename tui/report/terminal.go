package report

import (
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/text"
)

// redraw is how often a progress line is drawn: often enough to look alive, and about as
// fast as digits can be read.
const redraw = time.Second / 8

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// IsDumb reports whether terminals cannot move their cursor, according to TERM: they can show
// neither a screen nor a [ProgressLine].
func IsDumb() bool { return os.Getenv("TERM") == "dumb" }

// TerminalWidth returns how many cells wide the terminal f is now, 80 where that cannot
// be told.
func TerminalWidth(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return defaultSummary
}

// A ProgressLine keeps the last line of a terminal up to date with a load. While it is
// there, nobody else should write to that terminal. Set the fields, then Start it.
type ProgressLine struct {
	Out    io.Writer
	Styles *text.Styles
	// Width is asked before every drawing, so that the line follows the window.
	Width func() int
	// Look is where the numbers are from. It is called from one goroutine, eight times
	// a second.
	Look func() (load.Progress, ledger.Snapshot)

	stop, stopped chan struct{}
}

// NewProgressLine returns a progress line for the terminal f.
func NewProgressLine(f *os.File, look func() (load.Progress, ledger.Snapshot)) *ProgressLine {
	return &ProgressLine{
		Out: f, Styles: text.NewStyles(f), Look: look,
		Width: func() int { return TerminalWidth(f) },
	}
}

// Start draws the line and goes on drawing it until Stop. It does not block.
func (l *ProgressLine) Start() {
	if l.stop != nil {
		return
	}
	l.stop, l.stopped = make(chan struct{}), make(chan struct{})
	go l.run(l.stop, l.stopped)
}

// Stop removes the line; when it returns, its goroutine has ended and the cursor is at the
// beginning of an empty line. A line that was not started, or is stopped, stays as it is.
func (l *ProgressLine) Stop() {
	if l.stop == nil {
		return
	}
	close(l.stop)
	<-l.stopped
	l.stop = nil
}

func (l *ProgressLine) run(stop, stopped chan struct{}) {
	defer close(stopped)
	const home, erase = "\r", "\x1b[K"
	ticks := time.NewTicker(redraw)
	defer ticks.Stop()
	for {
		p, s := l.Look()
		// One cell is left free: some terminals wrap as soon as the last one is taken. An
		// error is no reason to end anybody's load, so it is not looked at.
		_, _ = io.WriteString(l.Out, home+ProgressText(l.Styles, p, &s, l.Width()-1)+erase)
		select {
		case <-ticks.C:
		case <-stop:
			_, _ = io.WriteString(l.Out, home+erase)
			return
		}
	}
}
