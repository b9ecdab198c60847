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
// progress line.
func IsDumb() bool { return os.Getenv("TERM") == "dumb" }

// TerminalWidth returns the width of the terminal f in cells, or 80 if it is unknown.
func TerminalWidth(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return defaultWidth
}

// ShowProgress shows the progress of a load in the last line of the terminal f until stop is called. Until then nobody
// else should write to that terminal. It calls progress from one goroutine, eight times a second.
func ShowProgress(f *os.File, progress func() (load.Progress, ledger.Snapshot)) (stop func()) {
	return showProgress(f, text.NewStyles(f), func() int { return TerminalWidth(f) }, progress)
}

func showProgress(out io.Writer, st *text.Styles, width func() int, progress func() (load.Progress, ledger.Snapshot)) (stop func()) {
	const home, erase = "\r", "\x1b[K"
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticks := time.NewTicker(redrawInterval)
		defer ticks.Stop()
		for {
			p, s := progress()
			// Some terminals wrap when the last cell is written. An error must not end the load, so it is ignored.
			_, _ = io.WriteString(out, home+progressText(st, p, &s, width()-1)+erase)
			select {
			case <-ticks.C:
			case <-stopping:
				_, _ = io.WriteString(out, home+erase)
				return
			}
		}
	}()
	return func() {
		close(stopping)
		<-stopped
	}
}
