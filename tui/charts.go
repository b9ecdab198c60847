package tui

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"rpcscope/amqprpc/ledger"
)

const (
	// enoughForBars is how many answers make a histogram that says more than the
	// percentiles do.
	enoughForBars = 20
	// mostServers is how many servers a summary lists.
	mostServers = 12
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
	const least, most = 9, 11 // "12m30s" and "38.1 ms", and two spaces
	room := p.width - labelCells
	for _, dispensable := range []string{"mean", "p90", "p99.9"} {
		if len(columns)*least > room {
			columns = slices.DeleteFunc(columns, func(c column) bool { return c.name == dispensable })
		}
	}
	each := min(room/len(columns), most)

	head := line{}
	for _, c := range columns {
		head = append(head, span{right(c.name, each), p.Faint})
	}
	p.row("latency", head...)
	for _, r := range []struct {
		name string
		l    ledger.Latency
	}{{"response", s.Response}, {"service", s.Service}} {
		l := line{{left(r.name, labelCells), p.Plain}}
		for _, c := range columns {
			l = append(l, span{right(millis(c.of(r.l)), each), p.Plain})
		}
		p.line(l)
	}
	if open || differ(s.Response, s.Service) {
		p.words("", "response counts from when a call was meant to start, service from its publish: "+
			"between them it waited to be sent", p.Faint)
	}
}

// differ reports whether calls spent a time worth mentioning before they were published.
func differ(response, service ledger.Latency) bool {
	clearly := func(r, s float64) bool { return r > 1.2*s && r > s+0.1 }
	return clearly(response.P50, service.P50) || clearly(response.P99, service.P99)
}

// A row of a histogram.
type bin struct {
	from, to float64 // ms
	n        uint64
	marks    []string // which percentiles are in here
	style    lipgloss.Style
}

// histogram draws the bars, and what is slower than all of them, with the percentiles
// where they belong.
func histogram(p *sheet, l ledger.Latency, bars []ledger.Bar) {
	bins := binned(l, bars)
	var most uint64
	digits, notes := cells("calls"), 0
	for i := range bins {
		b := &bins[i]
		most = max(most, b.n)
		digits = max(digits, cells(count(b.n)))
		notes = max(notes, cells(strings.Join(b.marks, " ")))
		switch { // colour repeats what the marks say
		case b.from >= l.P99:
			b.style = p.Failed
		case b.from >= l.P90:
			b.style = p.Duplicate
		default:
			b.style = p.Completed
		}
	}
	const share = 6 // "20.6 %"
	room := p.width - labelCells - (2 + digits) - (2 + share) - (2 + notes)
	p.row("response", span{left("from, and how many", room), p.Faint},
		span{right("calls", 2+digits) + right("share", 2+share), p.Faint})
	for _, b := range bins {
		part := float64(b.n) / float64(l.Count)
		p.line(line{
			{right(millis(b.from), labelCells-2) + "  ", p.Plain},
			{left(bar(float64(b.n)/float64(most), room), room), b.style},
			{right(count(b.n), 2+digits), p.Plain},
			{right(percent(part), 2+share), p.Plain},
			{"  " + strings.Join(b.marks, " "), p.Faint},
		})
	}
}

// binned makes rows of bars. Bars that would bear the same label are one row.
func binned(l ledger.Latency, bars []ledger.Bar) []bin {
	var bins []bin
	seen := uint64(0)
	for _, b := range bars {
		seen += b.Count
		if n := len(bins); n > 0 && millis(bins[n-1].from) == millis(b.From) {
			bins[n-1].n += b.Count
			bins[n-1].to = b.To
			continue
		}
		bins = append(bins, bin{from: b.From, to: b.To, n: b.Count})
	}
	if l.Count > seen { // bars end at p99.9
		bins = append(bins, bin{from: bins[len(bins)-1].to, to: l.Max, n: l.Count - seen})
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

// servers shows who replied how often.
func servers(p *sheet, all []ledger.Server, elapsed time.Duration) {
	shown, rest := all, []ledger.Server(nil)
	if len(all) > mostServers {
		shown = slices.SortedStableFunc(slices.Values(all), func(a, b ledger.Server) int {
			switch {
			case a.Replies > b.Replies:
				return -1
			case a.Replies < b.Replies:
				return 1
			}
			return 0
		})
		shown, rest = shown[:mostServers], shown[mostServers:]
	}
	longest := max(16, p.width/4)
	names, digits, most := 0, cells("replies"), 0.0
	for _, s := range shown {
		names = max(names, cells(serverName(s, longest)))
		digits = max(digits, cells(count(s.Replies)))
		most = max(most, s.Share)
	}
	names = max(names, labelCells-2)
	const share, speed = 6, 8 // "50.1 %", "12,408/s"
	room := p.width - (names + 2) - (2 + digits) - (2 + share) - (2 + speed)
	narrow := room < 8 // then speed is left out
	if narrow {
		room += 2 + speed
	}
	head := line{{left("servers", names+2), p.Label}, {left("", room), p.Faint},
		{right("replies", 2+digits) + right("share", 2+share), p.Faint}}
	if !narrow {
		head = append(head, span{right("rate", 2+speed), p.Faint})
	}
	p.line(head)
	for _, s := range shown {
		l := line{
			{left(serverName(s, longest), names+2), p.Plain},
			{left(bar(s.Share/most, room), room), p.Bar},
			{right(count(s.Replies), 2+digits), p.Plain},
			{right(percent(s.Share), 2+share), p.Plain},
		}
		if !narrow && elapsed > 0 {
			l = append(l, span{right(perSecond(float64(s.Replies)/elapsed.Seconds()), 2+speed), p.Plain})
		}
		p.line(l)
	}
	if len(rest) > 0 {
		var n uint64
		for _, s := range rest {
			n += s.Replies
		}
		p.line(line{{"and " + count(len(rest)) + " more, with " + things(n, "reply", "replies"), p.Faint}})
	}
}

func serverName(s ledger.Server, most int) string {
	switch {
	case s.Others:
		return "others"
	case s.Name == "":
		return "(no name)"
	}
	return Escape(s.Name, most)
}
