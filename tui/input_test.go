package tui

import (
	"os"
	"testing"
)

// The end of the input is noticed, and what was typed before it is not lost.
func TestTerminalInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("keys"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	gone := 0
	in := terminalInput{File: r, gone: func() { gone++ }}
	buf := make([]byte, 256)
	if n, err := in.Read(buf); string(buf[:n]) != "keys" || err != nil || gone != 0 {
		t.Errorf("read %q, %v; gone %d times", buf[:n], err, gone)
	}
	if _, err := in.Read(buf); err == nil || gone != 1 {
		t.Errorf("the end is not noticed: %v, %d", err, gone)
	}
}
