package text

import (
	"strings"
)

// A Frame is a box of a grid, with a title in its upper border. It cuts lines that do not fit.
type Frame struct {
	Width   int // inside
	Title   Line
	Body    []Line
	Focused bool
}

// Pad returns f with a margin at the left and right of its body.
func (f Frame) Pad(margin int) Frame {
	if margin <= 0 {
		return f
	}
	body := make([]Line, len(f.Body))
	for i, l := range f.Body {
		body[i] = append(Line{{Text: Spaces(margin)}}, l...)
	}
	f.Body = body
	f.Width += 2 * margin
	return f
}

// A Tier is a row of frames of one height.
type Tier struct {
	Height int // inside
	Frames []Frame
}

// A Grid is tiers of frames that share their borders. All tiers must be equally wide: the widths of their frames, and one
// cell for each border.
type Grid []Tier

// edges returns the cells of the borders of a tier.
func (t Tier) edges() []int {
	x, at := []int{0}, 0
	for _, f := range t.Frames {
		at += f.Width + 1
		x = append(x, at)
	}
	return x
}

// Draw appends the lines of the grid to out.
func (g Grid) Draw(st *Styles, out []string) []string {
	var above []int
	var b strings.Builder
	for i, t := range g {
		edges := t.edges()
		out = append(out, border(st, above, edges, t.Frames))
		for row := range t.Height {
			b.Reset()
			b.WriteString(st.Border.Render("│"))
			for _, f := range t.Frames {
				var l Line
				if row < len(f.Body) {
					l = f.Body[row]
				}
				l.Fill(f.Width).write(&b)
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

// border draws the line between two tiers, whose borders are at the cells above and below, with the titles of the lower
// tier.
func border(st *Styles, above, below []int, frames []Frame) string {
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
	var l Line
	x := 0
	for i, f := range frames {
		from := below[i]
		// "┌─ Title ─┐"
		room := f.Width - 4
		title := f.Title.Cut(room)
		if room < 1 || len(title) == 0 {
			continue
		}
		mark := "─ "
		ink := st.Border
		if f.Focused {
			mark, ink = "▸ ", st.Title
		}
		l = append(l, Span{string(signs[x : from+1]), st.Border}, Span{mark, ink})
		l = append(l, title...)
		l = append(l, Span{" ", st.Border})
		x = from + 1 + 2 + title.Width() + 1
	}
	l = append(l, Span{string(signs[x:]), st.Border})
	return l.Render()
}
