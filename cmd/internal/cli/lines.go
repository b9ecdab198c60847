package cli

import (
	"io"
	"time"
)

// Lines writes lines in a goroutine, so that a reader that stops reading (a pager, a terminal after Ctrl+S) does not
// block the writers. Each Write is a line.
type Lines struct {
	waiting chan []byte // nil ends the goroutine
	written chan struct{}
}

// maxWaiting is the number of lines that wait. Further ones are dropped.
const maxWaiting = 4096

// NewLines returns Lines that writes to w. Call Flush at the end.
func NewLines(w io.Writer) Lines {
	l := Lines{make(chan []byte, maxWaiting), make(chan struct{})}
	go func() {
		defer close(l.written)
		for line := <-l.waiting; line != nil; line = <-l.waiting {
			w.Write(line) //nolint:errcheck // there is no other way to report it
		}
	}()
	return l
}

// Write queues a line. It never blocks or fails.
func (l Lines) Write(line []byte) (int, error) {
	select {
	case l.waiting <- append([]byte{}, line...):
	default:
	}
	return len(line), nil
}

// Flush waits until the lines are written, for a second at most. Later lines are dropped.
func (l Lines) Flush() {
	late := time.After(time.Second)
	select {
	case l.waiting <- nil:
	case <-late:
		return
	}
	select {
	case <-l.written:
	case <-late:
	}
}
