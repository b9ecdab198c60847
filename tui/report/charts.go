package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/text"
)

const (
	minHistogram = 20 // answers; the percentiles say all about fewer
	maxServers   = 12
	shareCells   = len(">99.9 %")
)

// latencyTable shows response and service times side by side.
func latencyTable(p *sheet, s *ledger.Snapshot, open bool) {
	type column struct {
		name string
		of   func(ledger.Latency) float64
	}
	columns := []column{
		{"p50", func(l ledger.Latency) float64 { return l.P50 }},
		{"p90", func(l ledger.Latency) float64 { return l.P90 }},
		{"p99", func(l ledger.Latency) float64 { return l.P99 }},
		{"p99.9", func(l ledger.Latency) float64 { return l.P999 }},
		{"max", func(l ledger.Latency) float64 { return l.Max }},
		{"mean", func(l ledger.Latency) float64 { return l.Mean }},
	}
	const minColumn, maxColumn = 9, 11 // "12m30s" and "38.1 ms", and two spaces
	room := p.width - labelCells
	for _, dispensable := range []string{"mean", "p90", "p99.9"} {
		if len(columns)*minColumn > room {
			columns = slices.DeleteFunc(columns, func(c column) bool { return c.name == dispensable })
		}
	}
	each := min(room/len(columns), maxColumn)

	head := text.Line{}
	for _, c := range columns {
		head = append(head, p.Faint.Span(text.Right(c.name, each)))
	}
	p.row("latency", head...)
	for _, r := range []struct {
		name string
		l    ledger.Latency
	}{{"response", s.Response}, {"service", s.Service}} {
		l := text.Line{p.Plain.Span(text.Left(r.name, labelCells))}
		for _, c := range columns {
			l = append(l, p.Plain.Span(text.Right(text.Millis(c.of(r.l)), each)))
		}
		p.line(l)
	}
	if open || WaitedToPublish(s.Response, s.Service) {
		p.words("", "response counts from when a call was meant to start, service from its publish: "+
			"between them it waited to be sent", p.Faint)
	}
}

// WaitedToPublish reports whether calls waited for a considerable time before they were published.
func WaitedToPublish(response, service ledger.Latency) bool {
	clearly := func(r, s float64) bool { return r > 1.2*s && r > s+0.1 }
	return clearly(response.P50, service.P50) || clearly(response.P99, service.P99)
}

// QuantileInk returns the ink for bars from so many ms on. It repeats the marks.
func QuantileInk(st *text.Styles, l ledger.Latency, ms float64) text.Ink {
	switch {
	case ms >= l.P99:
		return st.Failed
	case ms >= l.P90:
		return st.Duplicate
	}
	return st.Completed
}

// A row of a histogram.
type bin struct {
	from, to float64 // ms
	n        uint64
	marks    []string // which percentiles are in here
	style    text.Ink
}

// histogram draws the bars, those slower than the last bar, and the percentiles beside them.
func histogram(p *sheet, l ledger.Latency, bars []ledger.Bar) {
	bins := binned(l, bars)
	var highest uint64
	digits, notes := text.Width("calls"), 0
	for i := range bins {
		b := &bins[i]
		highest = max(highest, b.n)
		digits = max(digits, text.Width(text.Count(b.n)))
		notes = max(notes, text.Width(strings.Join(b.marks, " ")))
		b.style = QuantileInk(p.Styles, l, b.from)
	}
	room := p.width - labelCells - (2 + digits) - (2 + shareCells) - (2 + notes)
	p.row("spread", p.Faint.Span(text.Left(text.Escape("response times from", room), room)),
		p.Faint.Span(text.Right("calls", 2+digits)+text.Right("share", 2+shareCells)))
	for _, b := range bins {
		part := float64(b.n) / float64(l.Count)
		p.line(text.Line{
			p.Plain.Span(text.Right(text.Millis(b.from), labelCells-2) + "  "),
			b.style.Span(text.Left(text.Bar(float64(b.n)/float64(highest), room), room)),
			p.Plain.Span(text.Right(text.Count(b.n), 2+digits)),
			p.Plain.Span(text.Right(text.Percent(part), 2+shareCells)),
			p.Faint.Span("  " + strings.Join(b.marks, " ")),
		})
	}
}

// binned returns the rows of a histogram. Bars with the same label are one row.
func binned(l ledger.Latency, bars []ledger.Bar) []bin {
	var bins []bin
	seen := uint64(0)
	add := func(from, to float64, n uint64) {
		seen += n
		if last := len(bins) - 1; last >= 0 && text.Millis(bins[last].from) == text.Millis(from) {
			bins[last].to = to
			bins[last].n += n
			return
		}
		bins = append(bins, bin{from: from, to: to, n: n})
	}
	for _, b := range bars {
		add(b.From, b.To, b.Count)
	}
	if l.Count > seen { // bars end at p99.9
		add(bins[len(bins)-1].to, l.Max, l.Count-seen)
	}
	for _, m := range []struct {
		name string
		at   float64
	}{{"p50", l.P50}, {"p90", l.P90}, {"p99", l.P99}, {"max", l.Max}} {
		i := slices.IndexFunc(bins, func(b bin) bool { return m.at < b.to })
		if i < 0 {
			i = len(bins) - 1
		}
		bins[i].marks = append(bins[i].marks, m.name)
	}
	return bins
}

// servers writes the servers and their shares of the replies.
func servers(p *sheet, all []ledger.Server, elapsed time.Duration) {
	rows := serverRows(all, elapsed, max(16, p.width/4))
	names, replies, rates, highest := labelCells-2, text.Width("replies"), text.Width("rate"), 0.0
	for _, r := range rows {
		names = max(names, text.Width(r.name))
		replies = max(replies, text.Width(r.replies))
		rates = max(rates, text.Width(r.rate))
		highest = max(highest, r.part)
	}
	room := p.width - (names + 2) - (2 + replies) - (2 + shareCells) - (2 + rates)
	withRate := room >= 8
	if !withRate {
		room += 2 + rates
	}
	write := func(nameStyle, style text.Ink, name, bar, n, share, rate string) {
		l := text.Line{
			nameStyle.Span(text.Left(name, names+2)), p.Bar.Span(text.Left(bar, room)),
			style.Span(text.Right(n, 2+replies) + text.Right(share, 2+shareCells)),
		}
		if withRate {
			l = append(l, style.Span(text.Right(rate, 2+rates)))
		}
		p.line(l)
	}
	write(p.Label, p.Faint, "servers", "", "replies", "share", "rate")
	for _, r := range rows {
		write(p.Plain, p.Plain, r.name, text.Bar(r.part/highest, room), r.replies, text.Percent(r.part), r.rate)
	}
}

type serverRow struct {
	name, replies, rate string
	part                float64
}

// serverRows returns a row for each server, or for the busiest ones and the sum of all others.
func serverRows(all []ledger.Server, elapsed time.Duration, maxName int) []serverRow {
	row := func(name string, replies uint64, part float64) serverRow {
		r := serverRow{name: name, replies: text.Count(replies), part: part}
		if elapsed > 0 {
			r.rate = text.PerSecond(float64(replies) / elapsed.Seconds())
		}
		return r
	}
	shown := all
	if len(all) > maxServers {
		shown = slices.Clone(all)
		slices.SortStableFunc(shown, func(a, b ledger.Server) int {
			switch {
			case a.Others:
				return 1
			case b.Others:
				return -1
			}
			return cmp.Compare(b.Replies, a.Replies)
		})
	}
	var rows []serverRow
	for _, s := range shown[:min(len(shown), maxServers)] {
		rows = append(rows, row(ServerName(s, maxName), s.Replies, s.Share))
	}
	if len(shown) > maxServers {
		rest := shown[maxServers:]
		name := text.Count(len(rest)) + " others"
		var replies uint64
		part := 0.0
		for _, s := range rest {
			replies += s.Replies
			part += s.Share
			if s.Others { // their number is unknown
				name = "others"
			}
		}
		rows = append(rows, row(name, replies, part))
	}
	return rows
}

// ServerName returns the short name of a server, escaped and at most width cells wide.
func ServerName(s ledger.Server, width int) string {
	switch {
	case s.Others:
		return "others"
	case s.Name == "":
		return "(no name)"
	}
	return text.Escape(pool.ShortNames(s.Name), width)
}
