package cli

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// LogLinesLost is the event by which a [Spool] tells how many lines were lost, its attribute
// lines.
const LogLinesLost = "lines lost"

// A Spool writes a log from a goroutine of its own, so that whoever logs is never held up by
// a pipe that nobody reads. What there is no room for is dropped, and counted in a line of
// the log when there is room again. Each Write is a line; it may be called by many
// goroutines.
type Spool struct {
	format string
	lines  chan []byte
	done   chan struct{}

	mu     sync.Mutex
	lost   int
	closed bool
}

// spoolRoom is how many lines may wait.
const spoolRoom = 4096

// NewSpool returns a spool for a log in the format "text" or "json" that writes to w. It is
// for the caller to close.
func NewSpool(w io.Writer, format string) *Spool {
	s := &Spool{format: format, lines: make(chan []byte, spoolRoom), done: make(chan struct{})}
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
		case s.lines <- s.notice():
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

// notice is the line that tells of those that were lost.
func (s *Spool) notice() []byte {
	var line bytes.Buffer
	log, err := Logger(&line, s.format, true)
	if err != nil {
		return nil // then nobody has been able to log either
	}
	log.Warn(LogLinesLost, "lines", s.lost)
	return line.Bytes()
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
		case s.lines <- s.notice():
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
