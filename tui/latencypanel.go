package tui

import (
	"slices"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// latencyPanel shows how long answers took: percentiles in numbers, and the whole of it
// as columns over a logarithmic axis. The one time in a thousand that is the slowest is
// in the numbers alone. The bars are of equal ratio, best as many as there are cells.
func latencyPanel(st *Styles, look *lab.Snapshot, w, h int) frame {
	w, h = max(w, 0), max(h, 0)
	f := frame{cells: w, title: line{{"Latency", st.Title}}.cut(max(w-4, 0))}
	l := look.Ledger.Response
	if w == 0 || h == 0 {
		return f
	}
	if l.Count == 0 {
		f.body = []line{line{{"no answers yet", st.Faint}}.cut(w)}
		return f
	}
	f.body = latencyNumbers(st, l, look.Ledger.Service, w, h)
	f.body = append(f.body, latencyColumns(st, l, look.Ledger.ResponseBars, w, h-len(f.body))...)
	for i := range f.body {
		f.body[i] = f.body[i].cut(w)
	}
	return f
}

// A quantile is one of the numbers that sum up how long answers took.
type quantile struct {
	name string
	of   func(ledger.Latency) float64
	rank int // the lower, the longer it stays when room gets scarce
}

var quantiles = []quantile{
	{"p50", func(l ledger.Latency) float64 { return l.P50 }, 0},
	{"p90", func(l ledger.Latency) float64 { return l.P90 }, 3},
	{"p99", func(l ledger.Latency) float64 { return l.P99 }, 1},
	{"max", func(l ledger.Latency) float64 { return l.Max }, 2},
}

// quantileCells is the width of a column of numbers: "12.4 ms", and a space.
const quantileCells = 8

// latencyNumbers are the percentiles in numbers: a table where there is room for one. The
// service time is shown where calls waited for a while before they were published.
func latencyNumbers(st *Styles, response, service ledger.Latency, w, h int) []line {
	both := differ(response, service)
	const tableCells = 4 * quantileCells
	switch {
	case h < 5 || w < 2*(3+quantileCells):
		return []line{quantileLine(st, response, w, 0, 1, 2, 3)}
	case w < tableCells || both && w < tableCells+len("resp."):
		pair := []line{quantileLine(st, response, w, 0, 1), quantileLine(st, response, w, 2, 3)}
		if both {
			pair = append(pair, line{{"service ", st.Faint}, {"p50 ", st.Faint}, {millis(service.P50), st.Plain}})
		}
		return pair
	case !both:
		return latencyRows(st, 0, []string{""}, response)
	case w < tableCells+len("response"):
		return latencyRows(st, len("resp."), []string{"resp.", "serv."}, response, service)
	}
	return latencyRows(st, len("response"), []string{"response", "service"}, response, service)
}

// quantileLine writes some of the numbers, each after its name.
func quantileLine(st *Styles, l ledger.Latency, w int, which ...int) line {
	var pieces []piece
	for _, i := range which {
		q := quantiles[i]
		pieces = append(pieces, piece{[]string{q.name + " " + left(millis(q.of(l)), quantileCells-1), q.name + " " + millis(q.of(l))}, st.Plain, q.rank})
	}
	return joined(pieces, fit(pieces, w))
}

// latencyRows writes the numbers below their names.
func latencyRows(st *Styles, labels int, names []string, all ...ledger.Latency) []line {
	head := line{{text: spaces(labels)}}
	for _, q := range quantiles {
		head = append(head, span{right(q.name, quantileCells), st.Faint})
	}
	rows := []line{head}
	for i, l := range all {
		row := line{{left(names[i], labels), st.Faint}}
		for _, q := range quantiles {
			row = append(row, span{right(millis(q.of(l)), quantileCells), st.Plain})
		}
		rows = append(rows, row)
	}
	return rows
}

// A slice is the part of a histogram that is drawn in one cell.
type slice struct {
	from, to float64 // ms
	n        float64 // not whole, where a bar is shared between cells
}

// sliced divides bars up among so many cells: each gets its part of every bar that it
// overlaps, so that no pattern comes from cells with more bars than others.
func sliced(bars []ledger.Bar, width int) []slice {
	if len(bars) == 0 || width <= 0 {
		return nil
	}
	all := make([]slice, width)
	edge := func(cell int) float64 { // in ms
		i := min(cell*len(bars)/width, len(bars)-1)
		part := float64(cell*len(bars)-i*width) / float64(width)
		return bars[i].From + part*(bars[i].To-bars[i].From)
	}
	for cell := range all {
		s := &all[cell]
		s.from, s.to = edge(cell), edge(cell+1)
		// In units of 1/width of a bar, so that all of it is whole numbers.
		from, to := cell*len(bars), (cell+1)*len(bars)
		for i := from / width; i < len(bars) && i*width < to; i++ {
			overlap := min(to, (i+1)*width) - max(from, i*width)
			s.n += float64(bars[i].Count) * float64(overlap) / float64(width)
		}
	}
	return all
}

// latencyColumns draws the bars as columns in h rows, the axis included.
func latencyColumns(st *Styles, l ledger.Latency, bars []ledger.Bar, w, h int) []line {
	all := sliced(bars, w)
	if len(all) == 0 || h <= 0 {
		return nil
	}
	most := 0.0
	for _, s := range all {
		most = max(most, s.n)
	}
	rows := max(h-2, 1)
	lines := make([]line, 0, h)
	for row := range rows {
		var out runs
		for _, s := range all {
			ink := st.Completed // colour repeats what the marks say
			switch {
			case s.from >= l.P99:
				ink = st.Failed
			case s.from >= l.P90:
				ink = st.Duplicate
			}
			height := eighths(s.n/most, rows)
			out.add(eighthBlocks[min(max(height-8*(rows-row-1), 0), 8)], ink)
		}
		lines = append(lines, out.line)
	}
	if h >= 2 {
		var marks []axisMark
		for _, q := range quantiles[:3] {
			at := sliceOf(all, q.of(l))
			if n := len(marks); n > 0 && marks[n-1].at == at {
				marks[n-1].name += "/" + q.name
				continue
			}
			marks = append(marks, axisMark{at: at, glyph: "▲", name: q.name, ink: st.Title})
		}
		lines = append(lines, markedAxis(st, w, marks))
	}
	if h >= 3 {
		lines = append(lines, edgeLabels(st, all))
	}
	return lines
}

// sliceOf is the slice that a time falls in, the last one if it is beyond them all.
func sliceOf(all []slice, ms float64) int {
	if i := slices.IndexFunc(all, func(s slice) bool { return ms < s.to }); i >= 0 {
		return i
	}
	return len(all) - 1
}

// edgeLabels writes the times at the first, the middle and the last edge.
func edgeLabels(st *Styles, all []slice) line {
	width := len(all)
	first, middle, last := millis(all[0].from), millis(all[width/2].from), millis(all[width-1].to)
	gap := width - cells(first) - cells(last)
	if gap < 1 {
		return line{{Escape(first, width), st.Faint}}
	}
	before := width/2 - cells(first) - cells(middle)/2
	if after := gap - before - cells(middle); before >= 1 && after >= 1 {
		return line{{first + spaces(before) + middle + spaces(after) + last, st.Faint}}
	}
	return line{{first + spaces(gap) + last, st.Faint}}
}
