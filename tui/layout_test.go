package tui

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLineCut(t *testing.T) {
	st := styled(false)
	l := line{{"ab", st.Plain}, {"cd", st.Plain}, {"ef", st.Plain}}
	for most, want := range []string{"", "…", "a…", "ab…", "abc…", "abcd…", "abcdef", "abcdef"} {
		if got := l.cut(most).render(); got != want {
			t.Errorf("cut to %d: %q, want %q", most, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var l line
		for _, s := range rapid.SliceOfN(nasty, 0, 5).Draw(t, "texts") {
			l = append(l, span{Escape(s, 20), st.Plain})
		}
		most := rapid.IntRange(0, 60).Draw(t, "most")
		fits(t, l.cut(most).render(), most)
	})
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Escape(nasty.Draw(t, "text"), 200)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		used := rapid.IntRange(0, 40).Draw(t, "used")
		lines := wrapAfter(text, used, n)
		for i, l := range lines {
			if i == 0 && l != "" {
				l = spaces(used) + l
			}
			fits(t, l, max(n, used))
		}
		if most := rapid.IntRange(1, 5).Draw(t, "most"); len(atMost(lines, most)) > most {
			t.Fatalf("%d lines, not %d", len(lines), most)
		}
	})
	// Nothing is lost: a word that is longer than a line goes on in the next one.
	for text, want := range map[string][]string{
		"a bc /home/ann/run.json d": {"a bc", "/home/", "ann/ru", "n.json", "d"},
		"":                          nil,
	} {
		if got := wrap(text, 6); !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if got := wrapAfter("one two three", 6, 8); !slices.Equal(got, []string{"", "one two", "three"}) {
		t.Errorf("%q", got)
	}
}
