package pool

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is written, in whatever pieces, comes out as the same lines, cut.
func TestLines(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(rapid.OneOf(
			rapid.StringMatching(`[a-z\x00\x1b]{0,20}`),
			rapid.Map(rapid.IntRange(maxLine-2, 3*maxLine), func(n int) string { return strings.Repeat("z", n) }),
		), 0, 20).Draw(r, "lines")
		text := []byte(strings.Join(lines, "\n"))
		var got []string
		o := newOutput(func(line string) { got = append(got, line) }, false)
		for len(text) > 0 {
			n := rapid.IntRange(1, len(text)).Draw(r, "piece")
			if written, err := o.stdout.Write(text[:n]); written != n || err != nil {
				r.Fatal(written, err)
			}
			text = text[n:]
			if cap(o.stdout.partial) > 2*maxLine {
				r.Fatalf("holds %d bytes of a line", cap(o.stdout.partial))
			}
		}
		o.end()
		for len(lines) > 0 && lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1] // what ends the text ends no further line
		}
		for len(got) > 0 && got[len(got)-1] == "" {
			got = got[:len(got)-1]
		}
		for i, line := range lines {
			if len(line) > maxLine {
				lines[i] = line[:maxLine] + "..."
			}
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", lines) {
			r.Fatalf("got %d lines %q, want %d", len(got), got, len(lines))
		}
		if len(o.stdout.last) > maxTail {
			r.Fatalf("remembers %d lines", len(o.stdout.last))
		}
	})
}

func TestWindowsLines(t *testing.T) {
	var got []string
	o := newOutput(func(line string) { got = append(got, line) }, false)
	fmt.Fprint(&o.stderr, "one\r\n\r\ntwo")
	o.end()
	if fmt.Sprintf("%q", got) != `["one" "" "two"]` || fmt.Sprint(o.tail()) != `[one two]` {
		t.Errorf("got %q, tail %v", got, o.tail())
	}
}

// A callback that sleeps through a flood holds up nothing but itself.
func TestSlowCallbackLosesLinesAndNothingElse(t *testing.T) {
	block, first := make(chan struct{}), make(chan struct{})
	var got []string
	p, e := newTestPool(t, Config{Output: func(server, line string) {
		if got == nil {
			close(first)
			<-block
		}
		got = append(got, line)
	}})
	s := start(t, p, "print:first", "flood", "lines:100000", "ready", "wait")
	<-first
	if err := p.Stop(t.Context(), s.Name()); err != nil {
		t.Error(err)
	}
	close(block)
	<-e.exits
	if len(got) > maxQueue+2 || got[0] != "first" || !strings.HasSuffix(got[len(got)-1], "lines dropped)") {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
	for _, line := range got {
		if len(line) > maxLine+3 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}
