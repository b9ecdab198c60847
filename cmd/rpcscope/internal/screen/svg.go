//go:build linux || darwin

package screen

import (
	"fmt"
	"html"
	"strings"

	"github.com/hinshun/vt10x"
)

// The size of a cell and the baseline of its text, in pixels.
const (
	cellWidth, cellHeight = 8, 17
	baseline              = 13
	margin                = 12
)

// palette is the sixteen colours.
var palette = [16]string{
	"#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
	"#5c6370", "#ef7a84", "#a9d68a", "#f2d08c", "#74bdfa", "#d48ae8", "#6cc8d4", "#ffffff",
}

const (
	paper = "#1b1f27"
	ink   = "#c8ccd4"
)

// Bits of vt10x.Glyph.Mode, which vt10x does not export. It has no faint: csi replaces faint by italic, which few
// programs use.
const (
	glyphBold  = 1 << 2
	glyphFaint = 1 << 4
)

// SVG returns a picture of the screen. Lines and blocks are drawn, so they join in any font.
func (term *Terminal) SVG() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	e := term.emulator
	cols, rows := e.vt.Size()
	var b strings.Builder
	width, height := cols*cellWidth+2*margin, rows*cellHeight+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", paper)
	fmt.Fprintf(&b, `<g transform="translate(%d %d)" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">`+"\n", margin, margin)
	for y := range rows {
		e.svgLine(&b, y, cols)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// svgLine draws a line: its backgrounds, and runs of cells of the same style.
func (e *emulator) svgLine(b *strings.Builder, y, cols int) {
	for x := 0; x < cols; {
		g := e.vt.Cell(x, y)
		var text strings.Builder
		from := x
		for ; x < cols; x++ {
			if next := e.vt.Cell(x, y); next.Mode != g.Mode || next.FG != g.FG || next.BG != g.BG {
				break
			}
			text.WriteString(e.text(x, y))
		}
		if g.BG != vt10x.DefaultBG {
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n",
				from*cellWidth, y*cellHeight, (x-from)*cellWidth, cellHeight, colour(g.BG))
		}
		svgRun(b, from, y, text.String(), g)
	}
}

// svgRun draws text of one style.
func svgRun(b *strings.Builder, x, y int, text string, g vt10x.Glyph) {
	if strings.TrimSpace(text) == "" {
		return
	}
	style := fmt.Sprintf(`fill="%s"`, colour(g.FG))
	if g.Mode&glyphBold != 0 {
		style += ` font-weight="bold"`
	}
	if g.Mode&glyphFaint != 0 {
		style += ` opacity="0.6"`
	}
	var plain strings.Builder
	from := x
	flush := func() {
		word := plain.String()
		plain.Reset()
		if strings.TrimSpace(word) != "" {
			fmt.Fprintf(b, `<text x="%d" y="%d" textLength="%d" xml:space="preserve" %s>%s</text>`+"\n",
				from*cellWidth, y*cellHeight+baseline, (x-from)*cellWidth, style, html.EscapeString(word))
		}
	}
	for _, r := range text {
		if shape := drawn(r, x*cellWidth, y*cellHeight); shape != "" {
			flush()
			fmt.Fprintf(b, `<path d="%s" %s/>`+"\n", shape, style)
			from = x + 1
		} else {
			plain.WriteRune(r)
		}
		x++
	}
	flush()
}

// drawn returns the path of a line or block in the cell at x, y; "" for other characters.
func drawn(r rune, x, y int) string {
	box := func(x, y, w, h float64) string { return fmt.Sprintf("M%g %gh%gv%gh%gz", x, y, w, h, -w) }
	left, top := float64(x), float64(y)
	const w, h = float64(cellWidth), float64(cellHeight)
	switch {
	case r >= '▁' && r <= '█': // lower eighths
		part := h * float64(r-'▁'+1) / 8
		return box(left, top+h-part, w, part)
	case r >= '▉' && r <= '▏': // left eighths
		return box(left, top, w*float64('▏'-r+1)/8, h)
	}
	const up, down, toLeft, toRight = 1, 2, 4, 8
	arms, ok := map[rune]int{
		'─': toLeft | toRight, '│': up | down, '┌': down | toRight, '┐': down | toLeft, '└': up | toRight, '┘': up | toLeft,
		'├': up | down | toRight, '┤': up | down | toLeft, '┬': down | toLeft | toRight, '┴': up | toLeft | toRight,
		'┼': up | down | toLeft | toRight,
	}[r]
	if !ok {
		return ""
	}
	middleX, middleY := left+w/2-0.5, top+h/2-0.5
	path := ""
	if arms&up != 0 {
		path += box(middleX, top, 1, h/2+0.5)
	}
	if arms&down != 0 {
		path += box(middleX, middleY, 1, h/2+0.5)
	}
	if arms&toLeft != 0 {
		path += box(left, middleY, w/2+0.5, 1)
	}
	if arms&toRight != 0 {
		path += box(middleX, middleY, w/2+0.5, 1)
	}
	return path
}

// colour returns a colour of SVG.
func colour(c vt10x.Color) string {
	switch {
	case c == vt10x.DefaultFG:
		return ink
	case c == vt10x.DefaultBG:
		return paper
	case c < 16:
		return palette[c]
	}
	return ink // our programs use no others
}
