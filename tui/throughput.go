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

// spans are the times that the throughput can be shown for.
var spans = []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}

// secondsOf returns how many seconds of the ledger a span needs. The last second is not over and would look like a drop, so it
// is not drawn.
func secondsOf(window time.Duration) int { return int(window/time.Second) + 1 }

// spanName writes a span: 60 s, 5 min.
func spanName(d time.Duration) string {
	if d > time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}

// The minimum sizes at which the parts of the chart are shown.
const (
	minChartWidth  = 12 // beside labels
	minTimesRows   = 4
	minMarksRows   = 7 // for a row of servers that joined and left
	minDiscardRows = 9 // for a row of discarded replies
)

// throughputPanel draws the calls that ended per second: columns of completed calls, with failed calls on top.
func throughputPanel(st *text.Styles, snap *lab.Snapshot, window time.Duration, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Title: text.Join([]text.Piece{
		text.NewPiece(0, st.Title, "Throughput, "+spanName(window), spanName(window)),
		text.NewPiece(2, st.Key, "[ ]"),
		text.NewPiece(1, st.Completed, text.PerSecond(snap.Ledger.Rate)),
	}, w-4)}
	if w == 0 || h == 0 {
		return f
	}
	past := snap.Ledger.Seconds[:max(len(snap.Ledger.Seconds)-1, 0)]
	n := max(int(window/time.Second), 1)
	past = past[max(len(past)-n, 0):]
	discards := h >= minDiscardRows && slices.ContainsFunc(past, func(s ledger.Second) bool { return s.Duplicates+s.Orphans > 0 })

	// The width of the labels depends on the columns, and the columns on that width. The labels of the highest second are
	// wide enough.
	side, busiest := 0, 0
	for _, s := range past {
		busiest = max(busiest, s.Completed+s.Failed)
	}
	if n := text.Width(text.Count(niceScale(float64(busiest)))) + 1; w-n >= minChartWidth {
		side = n
	}
	p := newTimeline(past, n, w-side)
	add := func(label, axis string, l text.Line) {
		if side > 0 {
			l = append(text.Line{st.Faint.Span(text.Right(text.Escape(label, side-1), side-1)), st.Border.Span(axis)}, l...)
		}
		f.Body = append(f.Body, l)
	}

	rows := h
	switch {
	case h >= minMarksRows:
		rows -= 2
	case h >= minTimesRows:
		rows--
	}
	if discards {
		rows--
	}
	top := niceScale(p.highest())
	for row, l := range p.draw(st, rows, float64(top)) {
		switch {
		case row == 0 && top == 0:
			add("", "│", text.Line{st.Faint.Span(nothingCompleted(snap, p.width))})
		case row == 0:
			add(text.Count(top), "┤", l)
		case rows >= 6 && 2*row == rows && top > 0 && top%2 == 0:
			add(text.Count(top/2), "┤", l)
		default:
			add("", "│", l)
		}
	}
	if discards {
		add("", "│", p.discarded(st))
	}
	marks := p.marks(st, snap.Marks)
	if h >= minMarksRows || h >= minTimesRows && len(marks) > 0 {
		add("", "└", text.MarkedAxis(st, p.width, marks))
	}
	if h >= minMarksRows || h >= minTimesRows && len(marks) == 0 {
		add("", " ", p.times(st, window, discards))
	}
	return f
}

// nothingCompleted says in at most width cells that no call has ended.
func nothingCompleted(snap *lab.Snapshot, width int) string {
	if snap.Ledger.Calls.Completed > 0 {
		return text.Escape("nothing in this time", width)
	}
	return text.FirstFit(width, "nothing completed yet", "nothing yet")
}

// niceScale returns the smallest round number that is at least x, or 0 if x is 0.
func niceScale(x float64) int {
	if !(x > 0) {
		return 0
	}
	x = min(x, 1e15)
	for unit := 1.0; ; unit *= 10 {
		for _, step := range []float64{1, 2, 3, 4, 5, 6, 8} {
			if step*unit >= x {
				return int(step * unit)
			}
		}
	}
}

// A timeline maps seconds to cells: several seconds to a cell, or one second to several cells. The seconds of a cell depend only
// on their time, so the picture moves as a whole from one second to the next.
type timeline struct {
	past    []ledger.Second
	n       int // seconds from edge to edge
	width   int
	last    int // number of the last second
	columns []column
}

// A column is one cell of a timeline.
type column struct {
	completed, failed   float64 // per second
	duplicates, orphans int
}

func newTimeline(past []ledger.Second, n, width int) timeline {
	p := timeline{past: past, n: n, width: width, last: 2 * n, columns: make([]column, width)}
	if len(past) > 0 { // the layout repeats itself every n seconds
		p.last += int(past[len(past)-1].Time.Unix()%int64(n)) + n
	}
	seconds := make([]float64, width)
	for i, s := range past {
		from := p.cellOf(i)
		to := from + 1
		if width >= n {
			to = p.cellOf(i + 1)
		}
		for at := max(from, 0); at < min(to, width); at++ {
			c := &p.columns[at]
			c.completed += float64(max(s.Completed, 0))
			c.failed += float64(max(s.Failed, 0))
			c.duplicates += s.Duplicates
			c.orphans += s.Orphans
			seconds[at]++
		}
	}
	for i, n := range seconds {
		p.columns[i].completed /= max(n, 1)
		p.columns[i].failed /= max(n, 1)
	}
	return p
}

// firstCell returns the first cell of a second, counted from the beginning of time.
func (p *timeline) firstCell(second int) int {
	if p.width < p.n {
		return second * p.width / p.n
	}
	return (second*p.width + p.n - 1) / p.n
}

// cellOf returns the cell of the second with that index.
func (p *timeline) cellOf(i int) int {
	end := p.firstCell(p.last + 1)
	if p.width < p.n {
		end = p.firstCell(p.last) + 1
	}
	return p.firstCell(p.last-(len(p.past)-1-i)) - (end - p.width)
}

// highest returns the height of the highest column.
func (p *timeline) highest() (height float64) {
	for _, c := range p.columns {
		height = max(height, c.completed+c.failed)
	}
	return height
}

// draw draws the columns of a chart of that height in so many rows, upper row first.
func (p *timeline) draw(st *text.Styles, rows int, top float64) []text.Line {
	heights := make([]int, p.width) // in eighths
	failed := make([]int, p.width)  // in rows, from the top of the column
	for i, c := range p.columns {
		heights[i] = text.Eighths((c.completed+c.failed)/top, rows)
		if c.failed > 0 { // whole cells, and at least one
			high := (heights[i] + 7) / 8
			heights[i] = 8 * high
			failed[i] = min(max(int(math.Round(float64(high)*c.failed/(c.completed+c.failed))), 1), high)
		}
	}
	lines := make([]text.Line, max(rows, 0))
	for i := range lines {
		row := rows - 1 - i // from below
		for x, height := range heights {
			if height > 8*row && row >= height/8-failed[x] && failed[x] > 0 {
				lines[i].Add("▒", st.Failed)
			} else {
				lines[i].Add(text.Column(height, row), st.Completed)
			}
		}
	}
	return lines
}

// discarded marks the cells in which replies were discarded with letters for their classes.
func (p *timeline) discarded(st *text.Styles) (l text.Line) {
	for _, c := range p.columns {
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

// times is the row below the axis, with a legend for discarded replies.
func (p *timeline) times(st *text.Styles, window time.Duration, discards bool) text.Line {
	from, to := spanName(window)+" ago", text.Escape("now", p.width)
	if text.Width(from)+1+text.Width(to) > p.width {
		from = ""
	}
	room := p.width - text.Width(from) - text.Width(to)
	legend := text.Line{st.Duplicate.Span("d duplicate"), text.Plain("  "), st.Orphaned.Span("o orphaned")}
	if !discards || legend.Width()+4 > room {
		return text.Line{st.Faint.Span(from + text.Spaces(room) + to)}
	}
	before := (room - legend.Width()) / 2
	l := append(text.Line{st.Faint.Span(from), text.Gap(before)}, legend...)
	return append(l, text.Gap(room-legend.Width()-before), st.Faint.Span(to))
}

// marks returns the marks of servers that joined or left. A mark of the second that is not over is shown in the one before.
func (p *timeline) marks(st *text.Styles, all []lab.Mark) (in []text.Mark) {
	if len(p.past) == 0 {
		return nil
	}
	for _, m := range all {
		i := int(math.Floor(m.Time.Sub(p.past[0].Time).Seconds()))
		if i < 0 || i > len(p.past)+1 {
			continue
		}
		glyph := "▼"
		if m.Joined {
			glyph = "▲"
		}
		in = append(in, text.Mark{At: p.cellOf(min(i, len(p.past)-1)), Glyph: glyph, Name: text.Escape(m.Server, 16), Ink: st.Title})
	}
	return in
}
