//go:build linux || darwin

package screen

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEmulator(t *testing.T) {
	for _, c := range []struct{ name, in, screen, answers string }{
		{"plain", "ab\r\ncd", "ab\ncd\n", ""},
		{"wide", "世界x", "世界x\n\n", ""},
		{"wide at the edge", "12345世", "12345\n世\n", ""},
		{"wide up to the edge", "1234世x", "1234世\nx\n", ""},
		{"marks at the edge", "12345e\u0301x", "12345e\u0301\nx\n", ""},
		{"mark on wide", "1234世\u0301x", "1234世\u0301\nx\n", ""},
		{"mark on nothing", "\u0301x", "x\n\n", ""},
		{"cluster", "e\u0301\u0323x", "e\u0301\u0323x\n\n", ""},
		{"addressed behind wide", "世界\x1b[1;5Hx", "世界x\n\n", ""},
		{"alternate screen", "one\x1b[?1049htwo\x1b[?1049l!", "one!\n\n", ""},
		{"left twice", "one\x1b[?1049h\x1b[2Jtwo\x1b[?1049l\x1b[?1049l!", "one!\n\n", ""},
		{"left without entering", "one\x1b[?1049l!", "!ne\n\n", ""},
		{"unknown sequences", "a\x1b[>4;2mb\x1b[=1uc\x1b[?2026hd\x1b]777;x\ae\x1bP+q\x1b\\f", "abcdef\n\n", ""},
		{"erased", "abc\x1b[2D\x1b[K", "a\n\n", ""},
		{"where the cursor is", "abc\x1b[6n", "abc\n\n", "\x1b[1;4R"},
		{"what the terminal is", "\x1b[c\x1b[0c\x1b[>c", "\n\n", "\x1b[?62;22c\x1b[?62;22c\x1b[>1;1;0c"},
		{"background", "\x1b]11;?\x1b\\\x1b]11;?\a", "\n\n", strings.Repeat("\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\", 2)},
		{"unknown mode", "\x1b[?2026$p", "\n\n", "\x1b[?2026;0$y"},
		{"no UTF-8", "a\xff\xe4\xb8b", "a��b\n\n", ""},
	} {
		var answers bytes.Buffer
		e := newEmulator(Size{6, 3}, &answers)
		e.Write([]byte(c.in))
		if got := e.screen(); got != c.screen {
			t.Errorf("%s: screen %q, want %q", c.name, got, c.screen)
		}
		if got := answers.String(); got != c.answers {
			t.Errorf("%s: answers %q, want %q", c.name, got, c.answers)
		}
		perByte := newEmulator(Size{6, 3}, io.Discard)
		for i := range len(c.in) {
			perByte.Write([]byte{c.in[i]})
		}
		if got := perByte.screen(); got != c.screen {
			t.Errorf("%s, byte by byte: screen %q, want %q", c.name, got, c.screen)
		}
	}
}

func TestClipboard(t *testing.T) {
	e := newEmulator(Size{6, 3}, io.Discard)
	e.Write([]byte("\x1b]52;c;N2YzYTkxYzI=\a"))
	if e.clipboard != "7f3a91c2" {
		t.Errorf("clipboard %q", e.clipboard)
	}
}

// Nothing that a program writes, and no size, breaks the terminal.
func TestEmulatorSurvives(t *testing.T) {
	sequences := []string{"\x1b", "[", "]", "?", "1049", "h", "l", ";", "$p", "H", "J", "K", "\n", "\r", "\a", "\\", "世", "\u0301", "x", "\xff", "c", "m", "r", "L", "M", "S", "T", "P", "9"}
	rapid.Check(t, func(t *rapid.T) {
		e := newEmulator(Size{rapid.IntRange(1, 20).Draw(t, "cols"), rapid.IntRange(1, 5).Draw(t, "rows")}, io.Discard)
		for _, s := range rapid.SliceOf(rapid.SampledFrom(sequences)).Draw(t, "sequences") {
			e.Write([]byte(s))
		}
		cols, rows := rapid.IntRange(1, 20).Draw(t, "cols"), rapid.IntRange(1, 5).Draw(t, "rows")
		e.vt.Resize(cols, rows)
		e.Write([]byte("\x1b\\\r\nx"))
		if n := strings.Count(e.screen(), "\n"); n != rows-1 {
			t.Fatalf("%d newlines in %d rows", n, rows)
		}
	})
}
