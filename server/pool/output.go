package pool

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxLine   = 4096 // bytes of a line that are kept
	maxTail   = 8    // lines of each stream that are remembered
	maxQuoted = 400  // bytes of a line that an error quotes
	maxQueue  = 256  // lines that wait for the callback
)

// An output reads what a process writes. It takes whatever comes at once, so that
// the process is never held up, and holds a bounded amount of it.
type output struct {
	stdout, stderr stream
	readyAt        time.Time // zero before the ready line; the pool's mutex guards it

	look  func(line string) // at each line, in the reader's goroutine
	lines chan string       // to the callback; nil without one

	mu      sync.Mutex
	dropped int // lines since the last that found room
}

func newOutput(look func(line string), wanted bool) *output {
	o := &output{look: look}
	o.stdout.out, o.stderr.out = o, o
	if wanted {
		o.lines = make(chan string, maxQueue)
	}
	return o
}

// deliver gives the lines to the callback until end, at the callback's pace.
func (o *output) deliver(callback func(line string)) {
	if o.lines == nil {
		return
	}
	for line := range o.lines {
		callback(line)
	}
	if o.dropped > 0 {
		callback(droppedLines(o.dropped))
	}
}

// end is called when the process has ended and nothing reads it any more.
func (o *output) end() {
	o.stdout.end()
	o.stderr.end()
	if o.lines != nil {
		close(o.lines)
	}
}

// tail returns the last lines of stderr, or of stdout where that is empty, quoted.
func (o *output) tail() []string {
	if tail := o.stderr.quoted(); len(tail) > 0 {
		return tail
	}
	return o.stdout.quoted()
}

func (o *output) line(line string) {
	o.look(line)
	if o.lines == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dropped > 0 {
		select {
		case o.lines <- droppedLines(o.dropped):
			o.dropped = 0
		default:
		}
	}
	select {
	case o.lines <- line:
	default:
		o.dropped++
	}
}

func droppedLines(n int) string { return fmt.Sprintf("(%d lines dropped)", n) }

// A stream is stdout or stderr, an io.Writer that never fails.
type stream struct {
	out *output

	mu      sync.Mutex
	partial []byte // the line so far
	cut     bool   // there was more of it
	last    []string
}

func (s *stream) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		rest, after, whole := bytes.Cut(b, []byte("\n"))
		s.add(rest)
		if whole {
			s.flush()
		}
		b = after
	}
	return n, nil
}

func (s *stream) add(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if room := maxLine - len(s.partial); len(b) > room {
		b, s.cut = b[:room], true
	}
	s.partial = append(s.partial, b...)
}

// flush ends the line.
func (s *stream) flush() {
	s.mu.Lock()
	line := string(bytes.TrimSuffix(s.partial, []byte("\r")))
	if s.cut {
		line += "..."
	}
	s.partial, s.cut = s.partial[:0], false
	if len(s.last) == maxTail {
		s.last = append(s.last[:0], s.last[1:]...)
	}
	s.last = append(s.last, line)
	s.mu.Unlock()
	s.out.line(line)
}

// end flushes what came without an end of line.
func (s *stream) end() {
	s.mu.Lock()
	some := len(s.partial) > 0
	s.mu.Unlock()
	if some {
		s.flush()
	}
}

func (s *stream) quoted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var quoted []string
	for _, line := range s.last {
		if line == "" {
			continue
		}
		if len(line) > maxQuoted {
			line = line[:maxQuoted] + "..."
		}
		line = strconv.QuoteToASCII(line)
		quoted = append(quoted, strings.ReplaceAll(line[1:len(line)-1], `\"`, `"`)) // control characters stay escaped
	}
	return quoted
}
