package text

import "testing"

func TestMarkedAxis(t *testing.T) {
	st := styled(false)
	for _, c := range []struct {
		width int
		marks []Mark
		want  string
	}{
		{10, nil, "──────────"},
		{10, []Mark{{At: 2, Glyph: "▲", Name: "fib-1"}}, "──▲fib-1──"},
		{10, []Mark{{At: 9, Glyph: "▼", Name: "fib-1"}}, "────fib-1▼"},
		{10, []Mark{{At: 4, Glyph: "▼", Name: "too-long-a-name"}}, "────▼─────"},
		{10, []Mark{{At: 1, Glyph: "▲", Name: "a"}, {At: 2, Glyph: "▼", Name: "b"}}, "─▲▼b──────"},
		{10, []Mark{{At: 0, Glyph: "▲", Name: "ab"}, {At: 4, Glyph: "▼", Name: "c"}}, "▲ab─▼c────"},
		{10, []Mark{{At: 0, Glyph: "▲", Name: "abc"}, {At: 4, Glyph: "▼", Name: "c"}}, "▲───▼c────"},
		{10, []Mark{{At: 4, Glyph: "▲", Name: "early"}, {At: 4, Glyph: "▼", Name: "late"}}, "────▼late─"},
		{10, []Mark{{At: 4, Glyph: "▲", Name: "early"}, {At: 4, Glyph: "▲", Name: "too late"}}, "────▲─────"},
		{10, []Mark{{At: -1, Glyph: "▲", Name: "a"}, {At: 10, Glyph: "▼", Name: "b"}}, "──────────"},
		{10, []Mark{{At: 3, Glyph: "▲", Name: "長い"}}, "───▲長い──"},
		{0, []Mark{{At: 0, Glyph: "▲", Name: "a"}}, ""},
	} {
		if got := MarkedAxis(st, c.width, c.marks).Render(); got != c.want {
			t.Errorf("%v: %q, want %q", c.marks, got, c.want)
		}
	}
}
