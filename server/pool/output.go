package pool

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	maxLine   = 4096 // bytes of a line that are kept
	maxTail   = 8    // lines that are kept
	maxQuoted = 400  // bytes of a line in an error
)

// An output is the stdout and stderr of one process, split into lines. os/exec writes to
// it from one goroutine; tail is called after that has ended.
type output struct {
	onLine  func(line string)
	partial []byte // the current line, at most maxLine+1 bytes
	last    []string
}

func (o *output) Write(b []byte) (int, error) {
	for rest := b; ; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		o.partial = append(o.partial, line[:min(len(line), maxLine+1-len(o.partial))]...)
		if !ended {
			return len(b), nil
		}
		o.endLine()
		rest = after
	}
}

func (o *output) endLine() {
	line := string(bytes.TrimSuffix(o.partial, []byte("\r")))
	if len(line) > maxLine {
		line = line[:maxLine] + "..."
	}
	o.partial = o.partial[:0]
	if len(o.last) == maxTail {
		o.last = append(o.last[:0], o.last[1:]...)
	}
	o.last = append(o.last, line)
	o.onLine(line)
}

// close ends the last line.
func (o *output) close() {
	if len(o.partial) > 0 {
		o.endLine()
	}
}

// tail returns the last lines that are not empty, with control characters escaped.
func (o *output) tail() []string {
	var tail []string
	for _, line := range o.last {
		if line == "" {
			continue
		}
		if len(line) > maxQuoted {
			line = line[:maxQuoted] + "..."
		}
		line = strconv.QuoteToASCII(line)
		tail = append(tail, strings.ReplaceAll(line[1:len(line)-1], `\"`, `"`))
	}
	return tail
}
