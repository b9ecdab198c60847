//go:build linux || darwin

package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"rpcscope/tui/text"
)

// guardName is what the guard is called by ps. Linux knows 15 characters of it.
const guardName = "terminal-guard"

// leaveScreen undoes what a full-screen program has done to a terminal. It begins with
// the end of a string, should the program have died in the midst of one.
const leaveScreen = "\x1b\\" +
	"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l" + // mouse
	"\x1b[?1004l" + // focus
	"\x1b[?2004l" + // bracketed paste
	"\x1b[0m" + // colours
	"\x1b[?1049l" + // alternate screen
	"\x1b[?25h\r" // cursor

// Of a text is shown no more than this. The goroutine that is to blame comes first in a
// crash report.
const (
	mostTextBytes = 32 << 10
	mostTextLines = 40
	mostTextCells = 200
)

// A guardText is the beginning of a text.
type guardText struct {
	kept  []byte
	lines int // of all, those that were not kept too
}

func (t *guardText) add(p []byte) {
	t.lines += bytes.Count(p, []byte("\n"))
	t.kept = append(t.kept, p[:min(len(p), mostTextBytes-len(t.kept))]...)
}

// shown returns what is shown of it, escaped, and why the program has crashed as far as
// it says so.
func (t *guardText) shown() (lines []string, why string) {
	for line := range strings.Lines(strings.TrimRight(string(t.kept), "\n")) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "\t"); ok { // where in the source
			line = "    " + rest
		}
		line = text.Escape(line, mostTextCells)
		if len(lines) < mostTextLines {
			lines = append(lines, line)
		}
		if why == "" && crashLine.MatchString(line) {
			why = line
		}
	}
	if more := t.lines - mostTextLines; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more lines, all of them with 2>FILE", more))
	}
	return lines, why
}

// crashLine is how the runtime begins to say what is the matter.
var crashLine = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z0-9]+|runtime): `)

// A crashReport is what is to be said when a program has died, or is done.
type crashReport struct {
	released bool      // it is done
	crash    guardText // what the runtime said, though not how a fatal error begins
	stderr   guardText // the same in full and more, where stderr was a terminal
}

// String returns the report in a form that is fit for a terminal. What is the matter is
// its last line, which is sure to be seen.
func (r *crashReport) String() string {
	lines, why := r.stderr.shown()
	if len(lines) == 0 && !r.released {
		lines, why = r.crash.shown()
	}
	switch {
	case r.released:
	case len(r.crash.kept) == 0:
		lines = append(lines, "rpcscope was killed")
	case why == "": // a fatal error, and stderr is no terminal
		lines = append(lines, "rpcscope crashed: stderr says why")
	default:
		lines = append(lines, "rpcscope crashed: "+why)
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	return b.String()
}
