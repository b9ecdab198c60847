package tui

import (
	"io"
	"os"
	"strings"
	"testing"
)

func TestTerminalInput(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []string // by read
		want string
	}{
		{"keys", []string{"abc", "\x03"}, "abc\x03"},
		{"a paste", []string{"\x1b[200~hello\x1b[201~", "\x03"}, "\x1b[200~hello\x1b[201~\x03"},
		{"no end", []string{"\x1b[200~a", "?", "b\x03c"}, "\x1b[200~a?b\x1b[201~\x03c"},
		{"all at once", []string{"\x1b[200~abc?\x03"}, "\x1b[200~abc?\x1b[201~\x03"},
		{"split bracket", []string{"\x1b[20", "0~a", "\x03"}, "\x1b[200~a\x1b[201~\x03"},
		{"split end", []string{"\x1b[200~a", "b\x1b[201", "~", "\x03"}, "\x1b[200~ab\x1b[201~\x03"},
		{"end before", []string{"\x1b[200~a", "\x1b[201~\x03"}, "\x1b[200~a\x1b[201~\x03"},
		{"once", []string{"\x1b[200~a", "\x03", "\x03"}, "\x1b[200~a\x1b[201~\x03\x03"},
		{"long", []string{"\x1b[200~" + strings.Repeat("x", 1000), "\x03"}, "\x1b[200~" + strings.Repeat("x", 1000) + "\x1b[201~\x03"},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		gone := 0
		in := &terminalInput{File: r, gone: func() { gone++ }}
		var got strings.Builder
		buf := make([]byte, 256) // as Bubble Tea has it
		for _, s := range c.in {
			if _, err := io.WriteString(w, s); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(s); { // without the inserted end
				before := got.Len()
				k, err := in.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				got.Write(buf[:k])
				n += got.Len() - before
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.String(), c.want)
		}
		if gone != 0 {
			t.Errorf("%s: gone while it was there", c.name)
		}
		w.Close()
		if _, err := in.Read(buf); err == nil || gone != 1 {
			t.Errorf("%s: the end is not noticed: %v, %d", c.name, err, gone)
		}
		r.Close()
	}
}
