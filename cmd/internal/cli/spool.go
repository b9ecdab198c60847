package cli

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// LogLinesLost is the event by which the [Spool] of a log tells how many lines were lost, its
// attribute lines.
const LogLinesLost = "lines lost"

// A Spool writes lines from a goroutine of its own, in their order, so that whoever has
// something to say is never held up by a pipe that nobody reads. What there is no room for is
// dropped, and counted in a line in its place when there is room again. Each Write is a line;
// it may be called by many goroutines.
type Spool struct {
	notice func(lost int) []byte
	lines  chan []byte
	done   chan struct{}

	mu     sync.Mutex
	lost   int
	closed bool
}

// spoolRoom is how many lines may wait.
const spoolRoom = 4096

// NewSpool returns a spool that writes to w. notice makes the line that tells how many were
// lost. It is for the caller to close.
func NewSpool(w io.Writer, notice func(lost int) []byte) *Spool {
	s := &Spool{notice: notice, lines: make(chan []byte, spoolRoom), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for line := range s.lines {
			_, _ = w.Write(line) // there is nobody to tell
		}
	}()
	return s
}

// Write never blocks, and always says that all is well. After Close it does nothing.
func (s *Spool) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return len(line), nil
	}
	if s.lost > 0 {
		select {
		case s.lines <- s.notice(s.lost):
			s.lost = 0
		default:
			s.lost++
			return len(line), nil
		}
	}
	select {
	case s.lines <- bytes.Clone(line):
	default:
		s.lost++
	}
	return len(line), nil
}

// LostFromLog makes the notice of a log in the format "text" or "json".
func LostFromLog(format string) func(lost int) []byte {
	return func(lost int) []byte {
		var line bytes.Buffer
		log, err := Logger(&line, format, true)
		if err != nil {
			return nil // then nobody has been able to log either
		}
		log.Warn(LogLinesLost, "lines", lost)
		return line.Bytes()
	}
}

// Close waits until everything is written, but not longer than wait.
func (s *Spool) Close(wait time.Duration) {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	if s.lost > 0 {
		select {
		case s.lines <- s.notice(s.lost):
		case <-late.C:
			return // nobody reads: they need not be told, and the goroutine stands still
		}
	}
	close(s.lines)
	select {
	case <-s.done:
	case <-late.C:
	}
}
