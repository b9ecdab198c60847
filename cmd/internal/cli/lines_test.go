package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// Flush writes all lines, in order.
func TestLines(t *testing.T) {
	var out, want strings.Builder
	l := NewLines(&out)
	for i := range maxWaiting {
		fmt.Fprintln(io.MultiWriter(l, &want), i)
	}
	l.Flush()
	if out.String() != want.String() {
		t.Errorf("%d bytes were written, not %d", out.Len(), want.Len())
	}
}

// A reader that does not read does not block Write, and blocks Flush for a second. If it reads later it gets the lines
// that waited.
func TestLinesWithoutReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		l := NewLines(w)
		for i := range 2 * maxWaiting {
			fmt.Fprintln(l, i)
			synctest.Wait() // the first line is in the pipe
		}
		l.Flush()
		for i := range maxWaiting + 1 {
			var n int
			if _, err := fmt.Fscanln(r, &n); err != nil || n != i {
				t.Fatalf("line %d is %d, %v", i, n, err)
			}
		}
		r.Close()
		l.Flush() // ends the goroutine
	})
}
