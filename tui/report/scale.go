package report

import (
	"io"
	"slices"

	"rpcscope/tui/text"
)

// A ScaleRow is the result of a load on a number of servers. Its JSON keys are an API.
type ScaleRow struct {
	Servers    int     `json:"servers"`
	Throughput float64 `json:"throughput_per_s"` // completed calls
	// Speedup is the throughput divided by that of the first row; 0 if nothing was completed there.
	Speedup float64 `json:"speedup"`
	P50     float64 `json:"p50_ms"` // response times
	P99     float64 `json:"p99_ms"`
	// Failed is [Summary.Short], FellShort [Summary.FellShort].
	Failed    uint64 `json:"-"`
	FellShort bool   `json:"-"`
}

// A Scale is the same load on several numbers of servers.
type Scale struct {
	Rows   []ScaleRow
	Notice string // added at the end
}

// Write writes a table with bars to w, as [Summary.Write] does.
func (s *Scale) Write(w io.Writer, width int) error {
	_, err := io.WriteString(w, s.Render(text.NewStyles(w), width))
	return err
}

// Render returns the table in the given styles. There are bars if there is room for all numbers and for them.
func (s *Scale) Render(styles *text.Styles, width int) string {
	p := newSheet(styles, width)
	rows := [][]text.Span{{
		p.Label.Span("servers"), p.Label.Span("throughput"), p.Label.Span("speed-up"), p.Label.Span("p50"), p.Label.Span("p99"), p.Label.Span("failed"),
	}}
	bars := []float64{0}
	for _, r := range s.Rows {
		failed := p.Plain.Span(text.Count(r.Failed))
		switch {
		case r.FellShort:
			failed = p.Bad.Span("✗ " + text.Count(r.Failed))
		case r.Failed > 0:
			failed.Ink = p.Warn
		}
		rows = append(rows, []text.Span{
			p.Plain.Span(text.Count(r.Servers)), p.Plain.Span(text.PerSecond(r.Throughput)), p.Plain.Span(times(r.Speedup)),
			p.Plain.Span(text.Millis(r.P50)), p.Plain.Span(text.Millis(r.P99)), failed,
		})
		bars = append(bars, r.Throughput)
	}

	const gap = 2
	widths := []int{7, 10, 8, 7, 7, 6}
	room := p.width
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], text.Width(row[i].Text))
		}
		room -= widths[i] + gap
	}
	for n, row := range rows {
		var l text.Line
		for i, cell := range row {
			cell.Text = text.Right(cell.Text, widths[i])
			if i > 0 {
				cell.Text = text.Spaces(gap) + cell.Text
			}
			l = append(l, cell)
			if i == 2 && room >= minBar {
				bar := text.Bar(bars[n]/slices.Max(bars), room)
				l = append(l, text.Gap(gap), p.Bar.Span(text.Left(bar, room)))
			}
		}
		p.line(l)
	}
	p.note(s.Notice)
	return p.String()
}

// times formats a factor: 1.97x.
func times(x float64) string {
	if x == 0 {
		return "?"
	}
	return text.Number(x) + "x"
}
