package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
)

const (
	// enoughForBars is how many answers make a histogram that says more than the
	// percentiles do.
	enoughForBars = 20
	// mostServers is how many servers a summary lists.
	mostServers = 12
	// shareCells is the width of a share: ">99.9 %".
	shareCells = 7
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
	style    Ink
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
	room := p.width - labelCells - (2 + digits) - (2 + shareCells) - (2 + notes)
	p.row("spread", span{left(Escape("response times from", room), room), p.Faint},
		span{right("calls", 2+digits) + right("share", 2+shareCells), p.Faint})
	for _, b := range bins {
		part := float64(b.n) / float64(l.Count)
		p.line(line{
			{right(millis(b.from), labelCells-2) + "  ", p.Plain},
			{left(bar(float64(b.n)/float64(most), room), room), b.style},
			{right(count(b.n), 2+digits), p.Plain},
			{right(percent(part), 2+shareCells), p.Plain},
			{"  " + strings.Join(b.marks, " "), p.Faint},
		})
	}
}

// binned makes rows of bars. Bars that would bear the same label are one row.
func binned(l ledger.Latency, bars []ledger.Bar) []bin {
	var bins []bin
	seen := uint64(0)
	add := func(from, to float64, n uint64) {
		seen += n
		if last := len(bins) - 1; last >= 0 && millis(bins[last].from) == millis(from) {
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

// servers shows who replied how often.
func servers(p *sheet, all []ledger.Server, elapsed time.Duration) {
	rows := serverRows(all, elapsed, max(16, p.width/4))
	names, replies, rates, most := labelCells-2, cells("replies"), cells("rate"), 0.0
	for _, r := range rows {
		names = max(names, cells(r.name))
		replies = max(replies, cells(r.replies))
		rates = max(rates, cells(r.rate))
		most = max(most, r.part)
	}
	room := p.width - (names + 2) - (2 + replies) - (2 + shareCells) - (2 + rates)
	withRate := room >= 8
	if !withRate {
		room += 2 + rates
	}
	write := func(nameStyle, style Ink, name, bar, n, share, rate string) {
		l := line{
			{left(name, names+2), nameStyle}, {left(bar, room), p.Bar},
			{right(n, 2+replies) + right(share, 2+shareCells), style},
		}
		if withRate {
			l = append(l, span{right(rate, 2+rates), style})
		}
		p.line(l)
	}
	write(p.Label, p.Faint, "servers", "", "replies", "share", "rate")
	for _, r := range rows {
		write(p.Plain, p.Plain, r.name, bar(r.part/most, room), r.replies, percent(r.part), r.rate)
	}
}

type serverRow struct {
	name, replies, rate string
	part                float64
}

// serverRows returns a row for each server, or for the busiest ones and one for all others.
func serverRows(all []ledger.Server, elapsed time.Duration, longest int) []serverRow {
	row := func(name string, replies uint64, part float64) serverRow {
		r := serverRow{name: name, replies: count(replies), part: part}
		if elapsed > 0 {
			r.rate = perSecond(float64(replies) / elapsed.Seconds())
		}
		return r
	}
	shown := all
	if len(all) > mostServers {
		shown = slices.Clone(all)
		slices.SortStableFunc(shown, func(a, b ledger.Server) int {
			switch {
			case a.Others: // they go with the rest
				return 1
			case b.Others:
				return -1
			}
			return cmp.Compare(b.Replies, a.Replies)
		})
	}
	var rows []serverRow
	for _, s := range shown[:min(len(shown), mostServers)] {
		rows = append(rows, row(serverName(s, longest), s.Replies, s.Share))
	}
	if len(shown) > mostServers {
		rest := shown[mostServers:]
		name := count(len(rest)) + " others"
		var replies uint64
		part := 0.0
		for _, s := range rest {
			replies += s.Replies
			part += s.Share
			if s.Others { // nobody knows how many these are
				name = "others"
			}
		}
		rows = append(rows, row(name, replies, part))
	}
	return rows
}

func serverName(s ledger.Server, most int) string {
	switch {
	case s.Others:
		return "others"
	case s.Name == "":
		return "(no name)"
	}
	return Escape(pool.ShortNames(s.Name), most)
}
