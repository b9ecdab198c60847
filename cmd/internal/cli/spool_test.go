package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// A reader that does not read holds nobody up; when it does read, it gets what there was room
// for and learns how much was lost.
func TestSpool(t *testing.T) {
	r, w := io.Pipe()
	s := NewSpool(w)
	const lines = 2 * spoolRoom
	for i := range lines {
		fmt.Fprintf(s, "line %d\n", i)
	}
	s.Close(0) // nobody reads: it does not wait
	got := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		got <- string(b)
	}()
	<-s.done
	w.Close()
	text := <-got
	if n := strings.Count(text, "\n"); n < spoolRoom || n >= lines || !strings.HasPrefix(text, "line 0\nline 1\n") {
		t.Errorf("%d lines arrived, of %d with room for %d", n, lines, spoolRoom)
	}

	r, w = io.Pipe()
	s = NewSpool(w)
	for i := range lines {
		fmt.Fprintf(s, "line %d\n", i)
	}
	go func() {
		b, _ := io.ReadAll(r)
		got <- string(b)
	}()
	for deadline := time.Now().Add(time.Minute); s.lost > 0; time.Sleep(time.Millisecond) { // until there is room
		if time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
		fmt.Fprintf(s, "and more\n")
	}
	s.Close(time.Minute)
	w.Close()
	if text := <-got; !strings.Contains(text, " lines of the log were lost: nobody took them\n") || !strings.HasSuffix(text, "and more\n") {
		t.Errorf("nothing tells of what was lost: it ends with %q", text[max(0, len(text)-100):])
	}
}
