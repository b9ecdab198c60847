package pool

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Output comes out as the same lines, whatever the pieces in which it is written.
func TestOutputLines(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(rapid.OneOf(
			rapid.StringMatching(`[a-z\x00\x1b]{0,20}`),
			rapid.Map(rapid.IntRange(maxLine-2, 3*maxLine), func(n int) string { return strings.Repeat("z", n) }),
		), 0, 20).Draw(r, "lines")
		text := []byte(strings.Join(lines, "\n"))
		var got []string
		o := output{onLine: func(line string) { got = append(got, line) }}
		for len(text) > 0 {
			n := rapid.IntRange(1, len(text)).Draw(r, "piece")
			if written, err := o.Write(text[:n]); written != n || err != nil {
				r.Fatal(written, err)
			}
			text = text[n:]
			if cap(o.partial) > 2*maxLine {
				r.Fatalf("holds %d bytes of a line", cap(o.partial))
			}
		}
		o.close()
		for len(lines) > 0 && lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1] // the end of the text ends no further line
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
		if len(o.last) > maxTail {
			r.Fatalf("keeps %d lines", len(o.last))
		}
	})
}

func TestOutputWindowsLines(t *testing.T) {
	var got []string
	o := output{onLine: func(line string) { got = append(got, line) }}
	fmt.Fprint(&o, "one\r\n\r\ntwo")
	o.close()
	if fmt.Sprintf("%q", got) != `["one" "" "two"]` || fmt.Sprint(o.tail()) != `[one two]` {
		t.Errorf("got %q, tail %v", got, o.tail())
	}
}

// Long lines and many lines on both streams are read to the end, and cut.
func TestOutputIsBounded(t *testing.T) {
	n := 0
	p, e := newTestPool(t, Config{Output: func(server, line string) {
		if n++; len(line) > maxLine+3 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}})
	s := start(t, p, "print:first", "flood", "lines:10000", "ready", "wait")
	if err := p.Stop(t.Context(), s.Name()); err != nil {
		t.Error(err)
	}
	<-e.exits
	if n < 10_000 {
		t.Errorf("%d lines", n)
	}
}
