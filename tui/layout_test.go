package tui

import (
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
		for _, l := range wrap(text, n) {
			fits(t, l, n)
		}
	})
}
