package tui

import (
	"math"
	"slices"
	"strconv"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
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
func throughputPanel(st *text.Styles, look *lab.Snapshot, window time.Duration, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Title: throughputTitle(st, look, window, w-4)}
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
	if most := niceMost(past); w-text.Width(most.label())-1 >= chartCells {
		side = text.Width(most.label()) + 1
	}
	p := newTimeline(past, n, w-side)
	top := niceScale(p.most())
	rows := h - below
	chart := p.columns(st, rows, float64(top))
	if top == 0 && len(chart) > 0 {
		// Nothing to see is something to say.
		words := "nothing completed yet"
		switch {
		case look.Ledger.Calls.Completed > 0:
			words = "nothing in this time"
		case text.Width(words) > p.cells:
			words = "nothing yet"
		}
		chart[0] = text.Line{{Text: text.Escape(words, p.cells), Ink: st.Faint}}
	}
	for i, l := range chart {
		f.Body = append(f.Body, append(sideLabel(st, top, i, rows, side), l...))
	}
	if discards {
		f.Body = append(f.Body, append(text.Line{st.Faint.Span(text.Left("", max(side-1, 0))), st.Border.Span(sideSign(side, "│"))}, p.discarded(st)...))
	}
	gap := text.Gap(side - 1)
	var marks []text.Mark
	for _, m := range marked {
		marks = append(marks, text.Mark{At: p.cellOf(m.second), Glyph: m.glyph, Name: m.name, Ink: st.Title})
	}
	switch {
	case h >= marksRows:
		f.Body = append(f.Body, append(text.Line{gap, st.Border.Span(sideSign(side, "└"))}, text.MarkedAxis(st, p.cells, marks)...))
		f.Body = append(f.Body, append(text.Line{gap, st.Border.Span(sideSign(side, " "))}, p.times(st, window, discards)...))
	case h >= labelsRows && len(marks) > 0:
		f.Body = append(f.Body, append(text.Line{gap, st.Border.Span(sideSign(side, "└"))}, text.MarkedAxis(st, p.cells, marks)...))
	case h >= labelsRows:
		f.Body = append(f.Body, append(text.Line{gap, st.Border.Span(sideSign(side, " "))}, p.times(st, window, false)...))
	}
	return f
}

func throughputTitle(st *text.Styles, look *lab.Snapshot, window time.Duration, room int) text.Line {
	pieces := []text.Piece{
		text.NewPiece(0, st.Title, "Throughput, "+spanName(window), spanName(window)),
		text.NewPiece(2, st.Key, "[ ]"),
		text.NewPiece(1, st.Completed, text.PerSecond(look.Ledger.Rate)),
	}
	return text.JoinRanked(pieces, room)
}

// A scale is the value at the top of a chart.
type scale int

func (s scale) label() string { return text.Count(int(s)) }

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
func sideLabel(st *text.Styles, top scale, row, rows, side int) text.Line {
	if side == 0 {
		return nil
	}
	s, sign := "", "│"
	switch {
	case top == 0:
	case row == 0:
		s, sign = top.label(), "┤"
	case rows >= 6 && 2*row == rows && top%2 == 0:
		s, sign = (top / 2).label(), "┤"
	}
	return text.Line{st.Faint.Span(text.Right(text.Escape(s, side-1), side-1)), st.Border.Span(sign)}
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
func (p timeline) columns(st *text.Styles, rows int, top float64) []text.Line {
	columns := p.all()
	heights := make([]int, len(columns)) // in eighths
	failed := make([]int, len(columns))  // in rows, from the column's top
	for i, c := range columns {
		heights[i] = text.Eighths((c.completed+c.failed)/top, rows)
		if c.failed > 0 { // whole cells, and one at least, so that they are seen
			high := (heights[i] + 7) / 8
			heights[i] = 8 * high
			failed[i] = min(max(int(math.Round(float64(high)*c.failed/(c.completed+c.failed))), 1), high)
		}
	}
	lines := make([]text.Line, max(rows, 0))
	for row := range lines {
		upTo := rows - row // this row's upper edge
		var l text.Line
		for i, height := range heights {
			if height > 8*(upTo-1) && upTo > height/8-failed[i] && failed[i] > 0 {
				l.Add("▒", st.Failed)
				continue
			}
			l.Add(text.Column(height, upTo-1), st.Completed)
		}
		lines[row] = l
	}
	return lines
}

// discarded is a row that says where replies were discarded: a letter for what they were.
func (p timeline) discarded(st *text.Styles) text.Line {
	var l text.Line
	for _, c := range p.all() {
		switch {
		case c.duplicates > 0 && c.orphans > 0:
			l.Add("*", st.Warn)
		case c.duplicates > 0:
			l.Add("d", st.Duplicate)
		case c.orphans > 0:
			l.Add("o", st.Orphaned)
		default:
			l.Add(" ", st.Plain)
		}
	}
	return l
}

// times is the row below the axis.
func (p timeline) times(st *text.Styles, window time.Duration, discards bool) text.Line {
	from, to := spanName(window)+" ago", "now"
	if text.Width(from)+1+text.Width(to) > p.cells {
		from = ""
	}
	to = text.Escape(to, p.cells)
	room := p.cells - text.Width(from) - text.Width(to)
	if legend := "d duplicate  o orphaned"; discards && text.Width(legend)+4 <= room {
		before := (room - text.Width(legend)) / 2
		return text.Line{st.Faint.Span(from), text.Gap(before), st.Duplicate.Span("d duplicate"), text.Plain("  "),
			st.Orphaned.Span("o orphaned"), text.Gap(room - text.Width(legend) - before), st.Faint.Span(to)}
	}
	return text.Line{st.Faint.Span(from + text.Spaces(room) + to)}
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
		in = append(in, timeMark{min(i, len(past)-1), glyph, text.Escape(m.Server, 16)})
	}
	return in
}
