package text

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLineCut(t *testing.T) {
	st := styled(false)
	l := Line{{"ab", st.Plain}, {"cd", st.Plain}, {"ef", st.Plain}}
	for width, want := range []string{"", "…", "a…", "ab…", "abc…", "abcd…", "abcdef", "abcdef"} {
		if got := l.Cut(width).Render(); got != want {
			t.Errorf("cut to %d: %q, want %q", width, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var l Line
		for _, s := range rapid.SliceOfN(nasty, 0, 5).Draw(t, "texts") {
			l = append(l, Span{Escape(s, 20), st.Plain})
		}
		width := rapid.IntRange(0, 60).Draw(t, "width")
		fits(t, l.Cut(width).Render(), width)
	})
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Escape(nasty.Draw(t, "text"), 200)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		used := rapid.IntRange(0, 40).Draw(t, "used")
		lines := WrapAfter(text, used, n)
		for i, l := range lines {
			if i == 0 && l != "" {
				l = Spaces(used) + l
			}
			fits(t, l, max(n, used))
		}
		if width := rapid.IntRange(1, 5).Draw(t, "width"); len(Limit(lines, width)) > width {
			t.Fatalf("%d lines, not %d", len(lines), width)
		}
	})
	// Nothing is lost: a word that is longer than a line goes on in the next one.
	for text, want := range map[string][]string{
		"a bc /home/ann/run.json d": {"a bc", "/home/", "ann/ru", "n.json", "d"},
		"":                          nil,
	} {
		if got := Wrap(text, 6); !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if got := WrapAfter("one two three", 6, 8); !slices.Equal(got, []string{"", "one two", "three"}) {
		t.Errorf("%q", got)
	}
}

// Fold loses nothing, unless a character is wider than a line.
func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Escape(nasty.Draw(t, "text"), 1<<20)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		parts := Fold(s, n)
		for _, part := range parts {
			harmless(t, part, n)
		}
		if n > 8 && strings.Join(parts, "") != s {
			t.Fatalf("%q became %q", s, parts)
		}
	})
}
