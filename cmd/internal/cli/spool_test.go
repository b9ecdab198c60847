package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

const spooled = 2 * spoolRoom // lines: more than there is room for

// stuck returns a spool with lines that nobody has read yet, and what reads them all.
func stuck(t *testing.T, format string) (s *Spool, read func() string) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() }) // whatever is not read
	s = NewSpool(w, LostFromLog(format))
	for i := range spooled {
		fmt.Fprintf(s, "{\"line\": %d}\n", i)
	}
	return s, func() string {
		go func() {
			select {
			case <-s.done:
			case <-time.After(time.Minute):
				t.Error("the spool does not end")
			}
			w.Close()
		}()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
}

// wantAll checks that each line has arrived, or is among those of which the log tells, in its
// own format, that they were lost.
func wantAll(t *testing.T, text string, lines int) {
	t.Helper()
	arrived, lost := 0, 0
	for line := range strings.Lines(text) {
		var l struct {
			Line  *int
			Level string
			Msg   string
			Lines int
		}
		switch err := json.Unmarshal([]byte(line), &l); {
		case err != nil:
			t.Errorf("%v: %q", err, line)
		case l.Line != nil:
			arrived++
		case l.Level != "WARN" || l.Msg != LogLinesLost:
			t.Errorf("%q", line)
		default:
			lost += l.Lines
		}
	}
	if arrived < spoolRoom || lost == 0 || arrived+lost != lines {
		t.Errorf("%d lines arrived and %d were lost, of %d with room for %d", arrived, lost, lines, spoolRoom)
	}
}

// A reader that does not read holds nobody up; when it does read, it gets what there was room
// for and learns how much was lost.
func TestSpool(t *testing.T) {
	s, read := stuck(t, "json")
	text := make(chan string)
	go func() { text <- read() }()
	lines := spooled
	lost := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.lost > 0
	}
	for deadline := time.Now().Add(time.Minute); lost(); time.Sleep(time.Millisecond) { // until there is room
		if time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
		fmt.Fprintln(s, `{"line": -1}`)
		lines++
	}
	s.Close(time.Minute)
	wantAll(t, <-text, lines)
}

// What was lost last is told at the end; nothing comes after it.
func TestSpoolClosed(t *testing.T) {
	s, read := stuck(t, "json")
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Close(time.Minute)
	}()
	text := read()
	<-closed
	fmt.Fprintln(s, "late")
	s.Close(0)
	wantAll(t, text, spooled)
}

// Where nobody reads, its end is not waited for.
func TestSpoolStuck(t *testing.T) {
	for _, format := range []string{"text", "json", "neither"} {
		s, _ := stuck(t, format)
		s.Close(0)
		fmt.Fprintln(s, "late")
	}
}
