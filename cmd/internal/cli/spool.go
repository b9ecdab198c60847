package cli

import (
	"fmt"
	"io"
	"time"
)

// A Spool writes what it is given from a goroutine of its own, so that whoever logs is never
// held up by a pipe that nobody reads. What there is no room for is dropped, and counted in a
// line of its own when there is room again. Each Write is a line.
type Spool struct {
	lines chan []byte
	done  chan struct{}
	lost  int // Write's own: like that of an io.Writer, it is for one goroutine at a time
}

// spoolRoom is how many lines may wait.
const spoolRoom = 4096

// NewSpool returns a spool that writes to w. It is for the caller to close.
func NewSpool(w io.Writer) *Spool {
	s := &Spool{lines: make(chan []byte, spoolRoom), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for line := range s.lines {
			_, _ = w.Write(line) // there is nobody to tell
		}
	}()
	return s
}

// Write never blocks, and always says that all is well.
func (s *Spool) Write(line []byte) (int, error) {
	if s.lost > 0 {
		select {
		case s.lines <- fmt.Appendf(nil, "%d lines of the log were lost: nobody took them\n", s.lost):
			s.lost = 0
		default:
			s.lost++
			return len(line), nil
		}
	}
	select {
	case s.lines <- append([]byte(nil), line...):
	default:
		s.lost++
	}
	return len(line), nil
}

// Close waits until everything is written, but not longer than wait. Write must not be
// called any more.
func (s *Spool) Close(wait time.Duration) {
	close(s.lines)
	select {
	case <-s.done:
	case <-time.After(wait):
	}
}
