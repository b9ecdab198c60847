package text

import (
	"strings"
	"testing"
)

func TestBodyText(t *testing.T) {
	for _, c := range []struct {
		body  string
		full  int
		width int
		want  string
	}{
		{"", 0, 20, "(empty)"},
		{"text", 4, 20, "text"},
		{"text", 5, 20, "text…"},
		{"\x00\xff", 2, 20, "0x00ff"},
		{"\x00\xff", 3, 20, "0x00ff…"},
		{"\x00\xff", 3, 5, "0x00…"},
		{"\xff", 1, 1, "…"},
		{"é\xc3", 4, 20, "é…"}, // cut within a character: text all the same
		{"é\xc3", 3, 20, "0xc3a9c3"},
		{strings.Repeat("\x00", 1000), 1000, 10, "0x0000000…"},
	} {
		if got := Body(c.body, c.full, c.width); got != c.want {
			t.Errorf("%q of %d in %d cells: %q, want %q", c.body, c.full, c.width, got, c.want)
		}
	}
}
