package tui

import (
	"slices"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// latencyPanel shows how long answers took: percentiles in numbers, and the whole of it
// as columns over a logarithmic axis. The one time in a thousand that is the slowest is
// in the numbers alone. The bars are of equal ratio, best as many as there are cells.
func latencyPanel(st *text.Styles, look *lab.Snapshot, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Title: text.Line{st.Title.Span("Latency")}.Cut(max(w-4, 0))}
	l := look.Ledger.Response
	if w == 0 || h == 0 {
		return f
	}
	if l.Count == 0 {
		f.Body = []text.Line{text.Line{st.Faint.Span("no answers yet")}.Cut(w)}
		return f
	}
	f.Body = latencyNumbers(st, l, look.Ledger.Service, w, h)
	f.Body = append(f.Body, latencyColumns(st, l, look.Ledger.ResponseBars, w, h-len(f.Body))...)
	for i := range f.Body {
		f.Body[i] = f.Body[i].Cut(w)
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
func latencyNumbers(st *text.Styles, response, service ledger.Latency, w, h int) []text.Line {
	both := report.WaitedToPublish(response, service)
	const tableCells = 4 * quantileCells
	switch {
	case h < 5 || w < 2*(3+quantileCells):
		return []text.Line{quantileLine(st, response, w, 0, 1, 2, 3)}
	case w < tableCells || both && w < tableCells+len("resp."):
		pair := []text.Line{quantileLine(st, response, w, 0, 1), quantileLine(st, response, w, 2, 3)}
		if both {
			pair = append(pair, text.Line{st.Faint.Span("service "), st.Faint.Span("p50 "), st.Plain.Span(text.Millis(service.P50))})
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
func quantileLine(st *text.Styles, l ledger.Latency, w int, which ...int) text.Line {
	var pieces []text.Piece
	for _, i := range which {
		q := quantiles[i]
		pieces = append(pieces, text.NewPiece(q.rank, st.Plain, q.name+" "+text.Left(text.Millis(q.of(l)), quantileCells-1), q.name+" "+text.Millis(q.of(l))))
	}
	return text.Join(pieces, w)
}

// latencyRows writes the numbers below their names.
func latencyRows(st *text.Styles, labels int, names []string, all ...ledger.Latency) []text.Line {
	head := text.Line{text.Gap(labels)}
	for _, q := range quantiles {
		head = append(head, st.Faint.Span(text.Right(q.name, quantileCells)))
	}
	rows := []text.Line{head}
	for i, l := range all {
		row := text.Line{st.Faint.Span(text.Left(names[i], labels))}
		for _, q := range quantiles {
			row = append(row, st.Plain.Span(text.Right(text.Millis(q.of(l)), quantileCells)))
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
func latencyColumns(st *text.Styles, l ledger.Latency, bars []ledger.Bar, w, h int) []text.Line {
	all := sliced(bars, w)
	if len(all) == 0 || h <= 0 {
		return nil
	}
	most := 0.0
	for _, s := range all {
		most = max(most, s.n)
	}
	rows := max(h-2, 1)
	lines := make([]text.Line, 0, h)
	for row := range rows {
		var out text.Line
		for _, s := range all {
			ink := st.Completed // colour repeats what the marks say
			switch {
			case s.from >= l.P99:
				ink = st.Failed
			case s.from >= l.P90:
				ink = st.Duplicate
			}
			height := text.Eighths(s.n/most, rows)
			out.Add(text.Column(height, rows-row-1), ink)
		}
		lines = append(lines, out)
	}
	if h >= 2 {
		var marks []text.Mark
		for _, q := range quantiles[:3] {
			at := sliceOf(all, q.of(l))
			if n := len(marks); n > 0 && marks[n-1].At == at {
				marks[n-1].Name += "/" + q.name
				continue
			}
			marks = append(marks, text.Mark{At: at, Glyph: "▲", Name: q.name, Ink: st.Title})
		}
		lines = append(lines, text.MarkedAxis(st, w, marks))
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
func edgeLabels(st *text.Styles, all []slice) text.Line {
	width := len(all)
	first, middle, last := text.Millis(all[0].from), text.Millis(all[width/2].from), text.Millis(all[width-1].to)
	gap := width - text.Width(first) - text.Width(last)
	if gap < 1 {
		return text.Line{st.Faint.Span(text.Escape(first, width))}
	}
	before := width/2 - text.Width(first) - text.Width(middle)/2
	if after := gap - before - text.Width(middle); before >= 1 && after >= 1 {
		return text.Line{st.Faint.Span(first + text.Spaces(before) + middle + text.Spaces(after) + last)}
	}
	return text.Line{st.Faint.Span(first + text.Spaces(gap) + last)}
}
