package report

import (
	"io"

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

// Render returns the table in the given styles.
func (s *Scale) Render(styles *text.Styles, width int) string {
	p := newSheet(styles, width)
	highest := 0.0
	for _, r := range s.Rows {
		highest = max(highest, r.Throughput)
	}
	const gap = 2
	columns := []struct {
		name  string
		cells int
		of    func(ScaleRow) string
	}{
		{"servers", 7, func(r ScaleRow) string { return text.Count(r.Servers) }},
		{"throughput", 10, func(r ScaleRow) string { return text.PerSecond(r.Throughput) }},
		{"speed-up", 8, func(r ScaleRow) string { return times(r.Speedup) }},
		{"p50", 7, func(r ScaleRow) string { return text.Millis(r.P50) }},
		{"p99", 7, func(r ScaleRow) string { return text.Millis(r.P99) }},
		{"failed", 6, func(r ScaleRow) string {
			if r.FellShort {
				return "✗ " + text.Count(r.Failed)
			}
			return text.Count(r.Failed)
		}},
	}
	used := 0
	for i := range columns {
		for _, r := range s.Rows {
			columns[i].cells = max(columns[i].cells, text.Width(columns[i].of(r)))
		}
		used += columns[i].cells + gap
	}
	room := p.width - used
	if room < minBar {
		room = 0
	}
	write := func(style func(name string) text.Ink, words func(i int) string, bar string) {
		var l text.Line
		for i, c := range columns {
			pad := gap
			if i == 0 {
				pad = 0
			}
			l = append(l, style(c.name).Span(text.Spaces(pad)+text.Right(words(i), c.cells)))
			if c.name == "speed-up" && room > 0 {
				l = append(l, p.Plain.Span(text.Spaces(gap)), p.Bar.Span(text.Left(bar, room)))
			}
		}
		p.line(l)
	}
	write(func(string) text.Ink { return p.Label }, func(i int) string { return columns[i].name }, "")
	for _, r := range s.Rows {
		style := func(name string) text.Ink {
			switch {
			case name == "failed" && r.FellShort:
				return p.Bad
			case name == "failed" && r.Failed > 0:
				return p.Warn
			}
			return p.Plain
		}
		write(style, func(i int) string { return columns[i].of(r) }, text.Bar(r.Throughput/highest, room))
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
