//go:build linux || darwin

package screen

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/hinshun/vt10x"
)

// DEC private modes that programs leave on when they die.
const (
	ModeCursor         = 25
	ModeMouseClicks    = 1000
	ModeMouseDrag      = 1002
	ModeMouseMotion    = 1003
	ModeFocus          = 1004
	ModeMouseSGR       = 1006
	ModeAltScreen      = 1049
	ModeBracketedPaste = 2004
)

// An emulator corrects vt10x, which takes one rune for one cell, mistakes unknown sequences (CSI > 4 m) for others,
// enters the alternate screen if it is left twice, and does not answer queries for attributes.
type emulator struct {
	vt        vt10x.Terminal
	answers   io.Writer
	parser    *ansi.Parser
	pending   []byte       // an incomplete sequence
	modes     map[int]bool // DEC private modes that were set or reset
	clusters  []string     // the clusters of the runes from firstCluster on
	gone      []string     // lines that have scrolled off the primary screen
	clipboard string       // set by OSC 52
}

const (
	firstCluster = '\U000F0000' // private use: stands for a cluster in a cell
	filler       = '\U0010FFFD' // in the other cells of a wide character
	wrapNext     = 1 << 1       // of vt10x.Cursor.State: the next character goes to the next line
	background   = "1c1c/1c1c/1c1c"
	foreground   = "d0d0/d0d0/d0d0"
)

// newEmulator returns an emulator that writes its answers to w.
func newEmulator(size Size, w io.Writer) *emulator {
	e := &emulator{
		vt:      vt10x.New(vt10x.WithSize(size.Cols, size.Rows), vt10x.WithWriter(w)),
		answers: w,
		parser:  ansi.NewParser(),
	}
	e.parser.SetParamsSize(32)
	e.parser.SetDataSize(1 << 20)
	e.reset()
	return e
}

func (e *emulator) reset() { e.modes = map[int]bool{ModeCursor: true} }

func (e *emulator) Write(p []byte) {
	e.pending = append(e.pending, p...)
	for len(e.pending) > 0 {
		seq, width, n, state := ansi.DecodeSequenceWc(e.pending, ansi.NormalState, e.parser)
		if state != ansi.NormalState || !whole(e.pending, n) {
			return
		}
		switch {
		case width > 0:
			e.print(string(seq), width)
		case ansi.HasCsiPrefix(seq):
			e.csi(seq)
		case ansi.HasOscPrefix(seq):
			e.osc(seq)
		case seq[0] >= utf8.RuneSelf:
			e.combine(string(seq))
		case len(seq) == 1 || len(seq) == 2 && seq[0] == ansi.ESC:
			e.control(seq)
		}
		e.pending = e.pending[n:]
	}
}

// whole reports whether p holds all of the sequence or character of n bytes at its begin.
func whole(p []byte, n int) bool {
	if !utf8.FullRune(p) {
		return false
	}
	inString := len(p) > 1 && p[0] == ansi.ESC && strings.IndexByte("]P_^X", p[1]) >= 0
	return !inString || n < len(p)-1 || p[len(p)-1] != ansi.ESC // half of ESC \
}

func (e *emulator) print(text string, width int) {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	cols, _ := e.vt.Size()
	if c := e.vt.Cursor(); width > 1 && c.X == cols-1 && c.State&wrapNext == 0 {
		e.put(' ')
	}
	r, size := utf8.DecodeRuneInString(text)
	if size < len(text) || width > 1 || r >= firstCluster {
		r = firstCluster + rune(len(e.clusters))
		e.clusters = append(e.clusters, text)
	}
	e.put(r)
	for range width - 1 {
		e.put(filler)
	}
}

// combine adds a mark to the character that was printed last.
func (e *emulator) combine(mark string) {
	c := e.vt.Cursor()
	width := 1
	x := c.X - 1
	if c.State&wrapNext != 0 {
		x = c.X
	}
	for x > 0 && e.vt.Cell(x, c.Y).Char == filler {
		x--
		width++
	}
	if x < 0 {
		return
	}
	e.forward(fmt.Sprintf("\x1b[%dG", x+1))
	e.print(e.text(x, c.Y)+mark, width)
}

func (e *emulator) put(r rune) {
	if e.vt.Cursor().State&wrapNext != 0 {
		e.scrolls()
	}
	e.forward(string(r))
}

func (e *emulator) control(seq []byte) {
	switch seq[len(seq)-1] {
	case '\n', '\v', '\f', 'D', 'E':
		e.scrolls()
	case 'c':
		e.reset()
	}
	e.forward(string(seq))
}

// scrolls keeps the top line if the cursor is about to leave the bottom line.
func (e *emulator) scrolls() {
	if _, rows := e.vt.Size(); e.vt.Cursor().Y == rows-1 && !e.altScreen() {
		e.gone = append(e.gone, e.line(0))
	}
}

func (e *emulator) csi(seq []byte) {
	cmd := ansi.Cmd(e.parser.Command())
	first, _ := e.parser.Param(0, 0)
	switch [3]byte{cmd.Prefix(), cmd.Intermediate(), cmd.Final()} {
	case [3]byte{0, 0, 'c'}:
		e.answer("\x1b[?62;22c") // a VT220 with colours
	case [3]byte{'>', 0, 'c'}:
		e.answer("\x1b[>1;1;0c")
	case [3]byte{'?', '$', 'p'}:
		e.answer(fmt.Sprintf("\x1b[?%d;0$y", first)) // no such mode
	case [3]byte{'?', 0, 'h'}, [3]byte{'?', 0, 'l'}:
		for _, p := range e.parser.Params() {
			e.setMode(p.Param(0), cmd.Final() == 'h')
		}
	case [3]byte{0, 0, 'm'}:
		e.forward(strings.NewReplacer("[2m", "[3m", "[2;", "[3;", ";2m", ";3m").Replace(string(seq))) // faint: see SVG
	default:
		if cmd.Prefix() == 0 && cmd.Intermediate() == 0 {
			e.forward(string(seq))
		}
	}
}

func (e *emulator) setMode(mode int, on bool) {
	was := e.altScreen()
	e.modes[mode] = on
	if mode == ModeAltScreen && !on && !was {
		mode = 1048 // the cursor jumps all the same
	}
	e.forward(fmt.Sprintf("\x1b[?%d%c", mode, map[bool]rune{true: 'h', false: 'l'}[on]))
}

func (e *emulator) osc(seq []byte) {
	switch data := string(e.parser.Data()); {
	case data == "10;?":
		e.answer("\x1b]10;rgb:" + foreground + "\x1b\\")
	case data == "11;?":
		e.answer("\x1b]11;rgb:" + background + "\x1b\\")
	case strings.HasPrefix(data, "52;"):
		if text, err := base64.StdEncoding.DecodeString(data[strings.LastIndexByte(data, ';')+1:]); err == nil {
			e.clipboard = string(text)
		}
	case e.parser.Command() <= 2: // titles
		e.forward(string(seq))
	}
}

func (e *emulator) answer(s string) { _, _ = io.WriteString(e.answers, s) }

func (e *emulator) forward(s string) { _, _ = io.WriteString(e.vt, s) }

func (e *emulator) altScreen() bool { return e.modes[ModeAltScreen] || e.modes[1047] || e.modes[47] }

// text returns the text of a cell.
func (e *emulator) text(x, y int) string {
	switch r := e.vt.Cell(x, y).Char; {
	case r == filler:
		return ""
	case r >= firstCluster && int(r-firstCluster) < len(e.clusters):
		return e.clusters[r-firstCluster]
	case r == 0:
		return " "
	default:
		return string(r)
	}
}

// line returns the text of line y without trailing spaces.
func (e *emulator) line(y int) string {
	var b strings.Builder
	cols, _ := e.vt.Size()
	for x := range cols {
		b.WriteString(e.text(x, y))
	}
	return strings.TrimRight(b.String(), " ")
}

func (e *emulator) screen() string {
	_, rows := e.vt.Size()
	lines := make([]string, rows)
	for y := range lines {
		lines[y] = e.line(y)
	}
	return strings.Join(lines, "\n")
}
