package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// An Ink is a style that has been worked out once: what goes before a text and what
// after it. Rendering a lipgloss style costs a few µs, which a screen of some hundred
// spans cannot spend ten times a second.
type Ink struct {
	open, close string
	solid       bool // shows on a space too
}

// newInk works a style out. The style must be one of colour and weight alone.
func newInk(s lipgloss.Style) Ink {
	open, end, _ := strings.Cut(s.Render("x"), "x")
	return Ink{open: open, close: end, solid: s.GetReverse()}
}

// Render returns text, which is escaped or our own, in this ink.
func (i Ink) Render(text string) string {
	if i.open == "" || !i.solid && strings.TrimSpace(text) == "" {
		return text
	}
	return i.open + text + i.close
}

// A frame is a box of a grid: a title in its upper border, and what is in it. What does
// not fit is cut.
type frame struct {
	cells   int // inside
	title   line
	body    []line
	focused bool
}

// padded returns f with a margin left and right of what is in it.
func (f frame) padded(margin int) frame {
	if margin <= 0 {
		return f
	}
	body := make([]line, len(f.body))
	for i, l := range f.body {
		body[i] = append(line{{text: spaces(margin)}}, l...)
	}
	f.body = body
	f.cells += 2 * margin
	return f
}

// A tier is a row of frames of one height.
type tier struct {
	rows   int // inside
	frames []frame
}

// A grid is tiers of frames, one above the other, that share their borders. All tiers
// are equally wide: the cells of their frames, and a border before, between and after.
type grid []tier

// edges is where the borders of a tier are.
func (t tier) edges() []int {
	x, at := []int{0}, 0
	for _, f := range t.frames {
		at += f.cells + 1
		x = append(x, at)
	}
	return x
}

// paint appends the grid's lines to out.
func (g grid) paint(st *Styles, out []string) []string {
	var above []int
	var b strings.Builder
	for i, t := range g {
		edges := t.edges()
		out = append(out, border(st, above, edges, t.frames))
		for row := range t.rows {
			b.Reset()
			b.WriteString(st.Border.Render("│"))
			for _, f := range t.frames {
				var l line
				if row < len(f.body) {
					l = f.body[row]
				}
				l.fill(f.cells).write(&b)
				b.WriteString(st.Border.Render("│"))
			}
			out = append(out, b.String())
		}
		above = edges
		if i == len(g)-1 {
			out = append(out, border(st, edges, nil, nil))
		}
	}
	return out
}

// border draws the line between two tiers, whose borders are at the given cells, with
// the titles of the lower one.
func border(st *Styles, above, below []int, frames []frame) string {
	last := 0
	for _, edges := range [][]int{above, below} {
		if n := len(edges); n > 0 {
			last = edges[n-1]
		}
	}
	signs := make([]rune, last+1)
	for i := range signs {
		signs[i] = '─'
	}
	const up, down = 1, 2
	joints := make(map[int]int, 8)
	for _, x := range above {
		joints[x] |= up
	}
	for _, x := range below {
		joints[x] |= down
	}
	for x, j := range joints {
		set := "─┴┬┼"
		switch x {
		case 0:
			set = "─└┌├"
		case last:
			set = "─┘┐┤"
		}
		signs[x] = []rune(set)[j]
	}
	var l line
	x := 0
	for i, f := range frames {
		from := below[i]
		// "┌─ Title ─┐": a sign, a space, the title, a space, a sign at least.
		room := f.cells - 4
		title := f.title.cut(room)
		if room < 1 || len(title) == 0 {
			continue
		}
		mark := "─ "
		ink := st.Border
		if f.focused {
			mark, ink = "▸ ", st.Title
		}
		l = append(l, span{string(signs[x : from+1]), st.Border}, span{mark, ink})
		l = append(l, title...)
		l = append(l, span{" ", st.Border})
		x = from + 1 + 2 + title.cells() + 1
	}
	l = append(l, span{string(signs[x:]), st.Border})
	return l.render()
}

// fill returns l, exactly n cells wide.
func (l line) fill(n int) line {
	l = l.cut(n)
	if gap := n - l.cells(); gap > 0 {
		l = append(l[:len(l):len(l)], span{text: spaces(gap)})
	}
	return l
}

// write writes l as it is, spaces at its end included.
func (l line) write(b *strings.Builder) {
	for _, s := range l {
		b.WriteString(s.style.Render(s.text))
	}
}

// dyed returns l in one ink.
func (l line) dyed(ink Ink) line {
	out := make(line, len(l))
	for i, s := range l {
		out[i] = span{s.text, ink}
	}
	return out
}
