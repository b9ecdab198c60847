package tui

import (
	"math"
	"slices"
	"strconv"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// spans are how far back the throughput can be shown.
var spans = []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}

// secondsOf is how many seconds of the ledger a span needs: the last one is still going
// on, and would look like a drop if it were drawn.
func secondsOf(window time.Duration) int { return int(window/time.Second) + 1 }

// spanName writes a span: 60 s, 5 min.
func spanName(d time.Duration) string {
	if d > time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}

// The least room that a part of the chart is worth.
const (
	chartCells  = 12 // without labels at its side
	labelsRows  = 4  // with times below it
	marksRows   = 7  // with a row of its own for who came and went
	discardRows = 9  // with a row for discarded replies
)

// throughputPanel draws the calls that ended per second over a span, as columns: those
// that completed, and on top of them those that failed.
func throughputPanel(st *Styles, look *lab.Snapshot, window time.Duration, w, h int) frame {
	w, h = max(w, 0), max(h, 0)
	f := frame{cells: w, title: throughputTitle(st, look, window, w-4)}
	if w == 0 || h == 0 {
		return f
	}
	past := look.Ledger.Seconds[:max(len(look.Ledger.Seconds)-1, 0)]
	n := max(int(window/time.Second), 1)
	if len(past) > n {
		past = past[len(past)-n:]
	}

	below := 0 // rows for the axis and what is under it
	switch {
	case h >= marksRows:
		below = 2
	case h >= labelsRows:
		below = 1
	}
	marked := marksIn(past, look.Marks)
	discards := h >= discardRows && slices.ContainsFunc(past, func(s ledger.Second) bool { return s.Duplicates+s.Orphans > 0 })
	if discards {
		below++
	}

	// The labels at the side depend on the columns, and how many columns there are on
	// the labels: as many as if nothing were averaged is enough.
	side := 0
	if most := niceMost(past); w-cells(most.label())-1 >= chartCells {
		side = cells(most.label()) + 1
	}
	p := newTimeline(past, n, w-side)
	top := niceScale(p.most())
	rows := h - below
	chart := p.columns(st, rows, float64(top))
	if top == 0 && len(chart) > 0 {
		// Nothing to see is something to say.
		text := "nothing completed yet"
		switch {
		case look.Ledger.Calls.Completed > 0:
			text = "nothing in this time"
		case cells(text) > p.cells:
			text = "nothing yet"
		}
		chart[0] = line{{text: Escape(text, p.cells), style: st.Faint}}
	}
	for i, l := range chart {
		f.body = append(f.body, append(sideLabel(st, top, i, rows, side), l...))
	}
	if discards {
		f.body = append(f.body, append(line{{left("", max(side-1, 0)), st.Faint}, {sideSign(side, "│"), st.Border}}, p.discarded(st)...))
	}
	gap := span{text: spaces(side - 1)}
	var marks []axisMark
	for _, m := range marked {
		marks = append(marks, axisMark{at: p.cellOf(m.second), glyph: m.glyph, name: m.name, ink: st.Title})
	}
	switch {
	case h >= marksRows:
		f.body = append(f.body, append(line{gap, {sideSign(side, "└"), st.Border}}, markedAxis(st, p.cells, marks)...))
		f.body = append(f.body, append(line{gap, {sideSign(side, " "), st.Border}}, p.times(st, window, discards)...))
	case h >= labelsRows && len(marks) > 0:
		f.body = append(f.body, append(line{gap, {sideSign(side, "└"), st.Border}}, markedAxis(st, p.cells, marks)...))
	case h >= labelsRows:
		f.body = append(f.body, append(line{gap, {sideSign(side, " "), st.Border}}, p.times(st, window, false)...))
	}
	return f
}

func throughputTitle(st *Styles, look *lab.Snapshot, window time.Duration, room int) line {
	pieces := []piece{
		{[]string{"Throughput, " + spanName(window), spanName(window)}, st.Title, 0},
		{[]string{"[ ]"}, st.Key, 2},
		{[]string{perSecond(look.Ledger.Rate)}, st.Completed, 1},
	}
	return joined(pieces, fitRanks(pieces, room))
}

// A scale is the value at the top of a chart.
type scale int

func (s scale) label() string { return count(int(s)) }

// niceScale is the least round number that is not below x; 0 for nothing.
func niceScale(x float64) scale {
	if !(x > 0) {
		return 0
	}
	x = min(x, 1e15)
	for unit := 1.0; ; unit *= 10 {
		for _, step := range []float64{1, 2, 3, 4, 5, 6, 8} {
			if step*unit >= x {
				return scale(step * unit)
			}
		}
	}
}

// niceMost is the scale that the greatest of some seconds needs.
func niceMost(past []ledger.Second) scale {
	most := 0
	for _, s := range past {
		most = max(most, s.Completed+s.Failed)
	}
	return niceScale(float64(most))
}

// sideLabel is what is at the left of a row of the chart: the value at its upper edge
// where that is the top or the middle, and the axis.
func sideLabel(st *Styles, top scale, row, rows, side int) line {
	if side == 0 {
		return nil
	}
	text, sign := "", "│"
	switch {
	case top == 0:
	case row == 0:
		text, sign = top.label(), "┤"
	case rows >= 6 && 2*row == rows && top%2 == 0:
		text, sign = (top / 2).label(), "┤"
	}
	return line{{right(Escape(text, side-1), side-1), st.Faint}, {sign, st.Border}}
}

// sideSign is the sign below the side axis, where there is one.
func sideSign(side int, sign string) string {
	if side == 0 {
		return ""
	}
	return sign
}

// A timeline lays seconds out in cells: several in a cell, or one over several cells.
//
// Which seconds share a cell depends on the time alone and not on how long ago it is, so
// that the picture moves as a whole from one second to the next.
type timeline struct {
	past  []ledger.Second
	n     int // seconds from edge to edge
	cells int
	last  int // number of the last second
}

func newTimeline(past []ledger.Second, n, cells int) timeline {
	last := 2 * n // as good as any: the layout repeats itself every n seconds
	if len(past) > 0 {
		last += int(past[len(past)-1].Time.Unix()%int64(n)) + n
	}
	return timeline{past: past, n: n, cells: cells, last: last}
}

// first is the first of the cells that a second is in, counted from the beginning of time.
func (p timeline) first(second int) int {
	if p.cells < p.n {
		return second * p.cells / p.n
	}
	return (second*p.cells + p.n - 1) / p.n
}

// end is the cell after the last one that is drawn.
func (p timeline) end() int {
	if p.cells < p.n {
		return p.first(p.last) + 1
	}
	return p.first(p.last + 1)
}

// cellOf is the cell that the second of that index is in.
func (p timeline) cellOf(i int) int {
	number := p.last - (len(p.past) - 1 - i)
	return p.first(number) - (p.end() - p.cells)
}

// column is what the seconds in one cell have in common.
type column struct {
	completed, failed float64 // per second
	duplicates        int
	orphans           int
}

// all returns the columns, one for each cell.
func (p timeline) all() []column {
	columns := make([]column, p.cells)
	seconds := make([]int, p.cells)
	for i, s := range p.past {
		from := p.cellOf(i)
		to := from + 1
		if p.cells >= p.n {
			to = p.cellOf(i + 1)
		}
		for at := max(from, 0); at < min(to, p.cells); at++ {
			c := &columns[at]
			c.completed += float64(max(s.Completed, 0))
			c.failed += float64(max(s.Failed, 0))
			c.duplicates += s.Duplicates
			c.orphans += s.Orphans
			seconds[at]++
		}
	}
	for i, n := range seconds {
		if n > 1 {
			columns[i].completed /= float64(n)
			columns[i].failed /= float64(n)
		}
	}
	return columns
}

// most is the height of the highest column.
func (p timeline) most() (most float64) {
	for _, c := range p.all() {
		most = max(most, c.completed+c.failed)
	}
	return most
}

// columns draws the columns in so many rows, upper row first, the height of the chart
// being top.
func (p timeline) columns(st *Styles, rows int, top float64) []line {
	columns := p.all()
	heights := make([]int, len(columns)) // in eighths
	failed := make([]int, len(columns))  // in rows, from the column's top
	for i, c := range columns {
		heights[i] = eighths((c.completed+c.failed)/top, rows)
		if c.failed > 0 { // whole cells, and one at least, so that they are seen
			high := (heights[i] + 7) / 8
			heights[i] = 8 * high
			failed[i] = min(max(int(math.Round(float64(high)*c.failed/(c.completed+c.failed))), 1), high)
		}
	}
	lines := make([]line, max(rows, 0))
	for row := range lines {
		upTo := rows - row // this row's upper edge
		var b runs
		for i, height := range heights {
			part := min(max(height-8*(upTo-1), 0), 8)
			if part > 0 && upTo > height/8-failed[i] && failed[i] > 0 {
				b.add("▒", st.Failed)
				continue
			}
			b.add(eighthBlocks[part], st.Completed)
		}
		lines[row] = b.line
	}
	return lines
}

// discarded is a row that says where replies were discarded: a letter for what they were.
func (p timeline) discarded(st *Styles) line {
	var b runs
	for _, c := range p.all() {
		switch {
		case c.duplicates > 0 && c.orphans > 0:
			b.add("*", st.Warn)
		case c.duplicates > 0:
			b.add("d", st.Duplicate)
		case c.orphans > 0:
			b.add("o", st.Orphaned)
		default:
			b.add(" ", st.Plain)
		}
	}
	return b.line
}

// times is the row below the axis.
func (p timeline) times(st *Styles, window time.Duration, discards bool) line {
	from, to := spanName(window)+" ago", "now"
	if cells(from)+1+cells(to) > p.cells {
		from = ""
	}
	to = Escape(to, p.cells)
	room := p.cells - cells(from) - cells(to)
	if legend := "d duplicate  o orphaned"; discards && cells(legend)+4 <= room {
		before := (room - cells(legend)) / 2
		return line{{from, st.Faint}, {text: spaces(before)}, {"d duplicate", st.Duplicate}, {text: "  "},
			{"o orphaned", st.Orphaned}, {text: spaces(room - cells(legend) - before)}, {to, st.Faint}}
	}
	return line{{from + spaces(room) + to, st.Faint}}
}

// eighthBlocks are the parts of a cell that can be filled from below.
var eighthBlocks = [9]string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// eighths is how high a column of so many rows is filled for a share of x, in eighths of
// a row. It is not 0 unless x is.
func eighths(x float64, rows int) int {
	if !(x > 0) || rows <= 0 {
		return 0
	}
	return max(int(math.Round(min(x, 1)*float64(8*rows))), 1)
}

// runs is a line that is written cell by cell, in as few spans as possible.
type runs struct{ line }

func (r *runs) add(cell string, ink Ink) {
	if n := len(r.line); n > 0 && (r.line[n-1].style == ink || cell == " " && !ink.solid) {
		r.line[n-1].text += cell
		return
	}
	r.line = append(r.line, span{cell, ink})
}

// A timeMark is a change in who serves, at the second of that index.
type timeMark struct {
	second      int
	glyph, name string
}

// marksIn returns the marks that are within some seconds. A mark of the second that
// still goes on is shown in the one before.
func marksIn(past []ledger.Second, marks []lab.Mark) []timeMark {
	if len(past) == 0 {
		return nil
	}
	var in []timeMark
	for _, m := range marks {
		i := int(math.Floor(m.Time.Sub(past[0].Time).Seconds()))
		if i < 0 || i > len(past)+1 {
			continue
		}
		glyph := "▼"
		if m.Joined {
			glyph = "▲"
		}
		in = append(in, timeMark{min(i, len(past)-1), glyph, Escape(m.Server, 16)})
	}
	return in
}

// An axisMark is a sign on an axis, with a name where there is room for it.
type axisMark struct {
	at          int // cell, from 0
	glyph, name string
	ink         Ink
}

// markedAxis draws an axis of so many cells, with the marks on it. Of several marks at one
// place the last one is seen. A name is after its mark, and before it only where the axis
// ends; it is left out where one could take it for another mark's.
func markedAxis(st *Styles, width int, marks []axisMark) line {
	taken := make([]bool, max(width, 0))
	signs := make([]span, len(taken))
	for i := range signs {
		signs[i] = span{"─", st.Border}
	}
	for _, m := range marks {
		if m.at >= 0 && m.at < width {
			signs[m.at], taken[m.at] = span{m.glyph, m.ink}, true
		}
	}
	for i, m := range slices.Backward(marks) { // the newest names are the most wanted
		n := cells(m.name)
		if n == 0 || m.at < 0 || m.at >= width || slices.ContainsFunc(marks[i+1:], func(later axisMark) bool { return later.at == m.at }) {
			continue
		}
		from, least, most := m.at+1, m.at+1, m.at+2+n // a cell after the name is empty too
		if from+n > width {
			from, least, most = m.at-n, m.at-n-1, m.at
		}
		if from < 0 || slices.Contains(taken[max(least, 0):min(most, width)], true) {
			continue
		}
		signs[from] = span{m.name, st.Faint}
		for i := from; i < from+n; i++ {
			taken[i] = true
			if i > from {
				signs[i].text = ""
			}
		}
	}
	var b runs
	for _, s := range signs {
		if s.text != "" {
			b.add(s.text, s.style)
		}
	}
	return b.line
}
