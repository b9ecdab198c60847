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

// redrawInterval is about the time in which a number can be read.
const redrawInterval = time.Second / 8

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// IsDumb reports whether the terminal cannot move its cursor, according to TERM. It can show neither the screen nor a
// [ProgressLine].
func IsDumb() bool { return os.Getenv("TERM") == "dumb" }

// TerminalWidth returns the width of the terminal f in cells, or 80 if it is unknown.
func TerminalWidth(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return defaultWidth
}

// A ProgressLine shows the progress of a load in the last line of a terminal. Between Start and Stop nobody else
// should write to that terminal.
type ProgressLine struct {
	Out    io.Writer
	Styles *text.Styles
	// Width returns the width of the terminal. It is called before each redraw.
	Width func() int
	// Progress is called from one goroutine, before each redraw.
	Progress func() (load.Progress, ledger.Snapshot)

	stop, stopped chan struct{}
}

// NewProgressLine returns a progress line for the terminal f.
func NewProgressLine(f *os.File, progress func() (load.Progress, ledger.Snapshot)) *ProgressLine {
	return &ProgressLine{
		Out: f, Styles: text.NewStyles(f), Progress: progress,
		Width: func() int { return TerminalWidth(f) },
	}
}

// Start draws the line eight times a second until Stop. It does not block.
func (l *ProgressLine) Start() {
	if l.stop != nil {
		return
	}
	l.stop, l.stopped = make(chan struct{}), make(chan struct{})
	go l.run(l.stop, l.stopped)
}

// Stop removes the line and waits for its goroutine. It does nothing if the line is not started.
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
	ticks := time.NewTicker(redrawInterval)
	defer ticks.Stop()
	for {
		p, s := l.Progress()
		// Some terminals wrap when the last cell is written. An error must not end the load, so it is ignored.
		_, _ = io.WriteString(l.Out, home+ProgressText(l.Styles, p, &s, l.Width()-1)+erase)
		select {
		case <-ticks.C:
		case <-stop:
			_, _ = io.WriteString(l.Out, home+erase)
			return
		}
	}
}
