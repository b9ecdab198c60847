package tui

import (
	"slices"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// latencyPanel shows percentiles of response times in numbers, and their distribution as columns over a logarithmic axis. The
// slowest one of a thousand is only in the numbers.
func latencyPanel(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Title: text.Line{st.Title.Span("Latency")}.Cut(max(w-4, 0))}
	l := snap.Ledger.Response
	switch {
	case w == 0 || h == 0:
		return f
	case l.Count == 0:
		f.Body = []text.Line{{st.Faint.Span("no answers yet")}}
	default:
		bars := snap.Ledger.ResponseBars // one for each cell
		f.Body = latencyNumbers(st, l, snap.Ledger.Service, w, h)
		f.Body = append(f.Body, latencyColumns(st, l, bars[:min(len(bars), w)], h-len(f.Body))...)
	}
	for i := range f.Body {
		f.Body[i] = f.Body[i].Cut(w)
	}
	return f
}

// quantiles are the numbers that sum up response times. Those of a high rank go first if there is no room.
var quantiles = []struct {
	name string
	of   func(ledger.Latency) float64
	rank int
}{
	{"p50", func(l ledger.Latency) float64 { return l.P50 }, 0},
	{"p90", func(l ledger.Latency) float64 { return l.P90 }, 3},
	{"p99", func(l ledger.Latency) float64 { return l.P99 }, 1},
	{"max", func(l ledger.Latency) float64 { return l.Max }, 2},
}

// quantileWidth is the width of a column of numbers: "12.4 ms" and a space.
const quantileWidth = 8

// latencyNumbers returns the percentiles, as a table if there is room for one. It shows service times too if calls waited to be
// published.
func latencyNumbers(st *text.Styles, response, service ledger.Latency, w, h int) []text.Line {
	waited := report.WaitedToPublish(response, service)
	const tableWidth = 4 * quantileWidth
	switch {
	case h < 5 || w < 2*(3+quantileWidth):
		return []text.Line{quantileLine(st, response, w, 0, 1, 2, 3)}
	case w < tableWidth || waited && w < tableWidth+len("resp."):
		pair := []text.Line{quantileLine(st, response, w, 0, 1), quantileLine(st, response, w, 2, 3)}
		if waited {
			pair = append(pair, text.Line{st.Faint.Span("service p50 "), st.Plain.Span(text.Millis(service.P50))})
		}
		return pair
	case !waited:
		return latencyRows(st, 0, []string{""}, response)
	case w < tableWidth+len("response"):
		return latencyRows(st, len("resp."), []string{"resp.", "serv."}, response, service)
	}
	return latencyRows(st, len("response"), []string{"response", "service"}, response, service)
}

// quantileLine writes some of the quantiles, each after its name.
func quantileLine(st *text.Styles, l ledger.Latency, w int, which ...int) text.Line {
	var pieces []text.Piece
	for _, i := range which {
		q := quantiles[i]
		ms := text.Millis(q.of(l))
		pieces = append(pieces, text.NewPiece(q.rank, st.Plain, q.name+" "+text.Left(ms, quantileWidth-1), q.name+" "+ms))
	}
	return text.Join(pieces, w)
}

// latencyRows writes a table of the quantiles.
func latencyRows(st *text.Styles, labelWidth int, labels []string, all ...ledger.Latency) []text.Line {
	rows := []text.Line{{text.Gap(labelWidth)}}
	for i, l := range all {
		rows = append(rows, text.Line{st.Faint.Span(text.Left(labels[i], labelWidth))})
		for _, q := range quantiles {
			if i == 0 {
				rows[0] = append(rows[0], st.Faint.Span(text.Right(q.name, quantileWidth)))
			}
			rows[i+1] = append(rows[i+1], st.Plain.Span(text.Right(text.Millis(q.of(l)), quantileWidth)))
		}
	}
	return rows
}

// latencyColumns draws the bars as columns in h rows, with the axis.
func latencyColumns(st *text.Styles, l ledger.Latency, bars []ledger.Bar, h int) []text.Line {
	if len(bars) == 0 || h <= 0 {
		return nil
	}
	var highest uint64
	for _, b := range bars {
		highest = max(highest, b.Count)
	}
	rows := max(h-2, 1)
	lines := make([]text.Line, rows, h)
	for row := range rows {
		for _, b := range bars {
			lines[row].Add(text.Column(text.Eighths(float64(b.Count)/float64(highest), rows), rows-row-1), report.QuantileInk(st, l, b.From))
		}
	}
	if h >= 2 {
		var marks []text.Mark
		for _, q := range quantiles[:3] {
			at := slices.IndexFunc(bars, func(b ledger.Bar) bool { return q.of(l) < b.To })
			if at < 0 {
				at = len(bars) - 1
			}
			if n := len(marks); n > 0 && marks[n-1].At == at {
				marks[n-1].Name += "/" + q.name
				continue
			}
			marks = append(marks, text.Mark{At: at, Glyph: "▲", Name: q.name, Ink: st.Title})
		}
		lines = append(lines, text.MarkedAxis(st, len(bars), marks))
	}
	if h >= 3 {
		lines = append(lines, edgeLabels(st, bars))
	}
	return lines
}

// edgeLabels writes the times at the first and the last edge.
func edgeLabels(st *text.Styles, all []ledger.Bar) text.Line {
	first, last := text.Millis(all[0].From), text.Millis(all[len(all)-1].To)
	return text.Line{st.Faint.Span(first + text.Right(last, len(all)-text.Width(first)))}.Cut(len(all))
}
