package tui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/report"
)

// The widths of a summary: it uses what it is given in between.
const (
	minSummary, maxSummary = 40, 100
	defaultSummary         = 80
)

// SummaryQuery asks a ledger for what a [Summary] shows of a run that is over.
func SummaryQuery() ledger.Query { return ledger.Query{Bars: 12, LogBars: true} }

// A Summary is what there is to say of a run.
type Summary struct {
	// Snapshot has the numbers, as [SummaryQuery] asks for them.
	Snapshot ledger.Snapshot
	// Config is what was run. What is zero in it is not mentioned, so that a run
	// without one plan, such as an afternoon at the screen, can leave it out.
	Config report.RunConfig
	// Address is host:port of the broker; where it is empty, the Snapshot's is shown.
	Address string
	// Notice is what else there is to say: that the broker is a stand-in, where a replay was left.
	Notice string
	// Interrupted says that somebody ended the run before its time, and InWarmUp that this
	// was before a call counted.
	Interrupted, InWarmUp bool
	// Judged says that the run is a failure if more than MaxFailed calls fell short: see
	// [Summary.FellShort]. What was done at a screen, or is replayed, is not judged.
	Judged    bool
	MaxFailed uint64
	// Fault is what went wrong besides calls, such as "the recording is not whole".
	Fault string

	// Missed is how many calls of an open model were due and did not start, Refused
	// how many the client did not take on: neither are among the calls.
	Missed, Refused int64
	// Behind is how long after its time the last call of an open model began.
	Behind time.Duration
	// Failures are what failed calls said. [Tally] collects them.
	Failures []Sentence
}

// Write writes the summary to w, in colour where w can show it, in lines of at most
// width cells: from 40 to 100, and 80 where width is 0 or less.
func (s *Summary) Write(w io.Writer, width int) error {
	_, err := io.WriteString(w, s.Render(NewStyles(w), width))
	return err
}

// Render returns what Write writes, in the given styles.
func (s *Summary) Render(styles *Styles, width int) string {
	if width <= 0 {
		width = defaultSummary
	}
	p := &sheet{Styles: styles, width: min(max(width, minSummary), maxSummary)}
	s.headline(p)
	p.gap()
	s.run(p)
	if s.InWarmUp { // its calls do not count
		return p.String()
	}
	s.calls(p)
	s.replies(p)
	s.trouble(p)
	if s.Snapshot.Response.Count > 0 {
		p.gap()
		latencyTable(p, &s.Snapshot, s.Config.Rate > 0)
		if n := s.Snapshot.Calls.Sent - s.Snapshot.Response.Count; n > 0 && s.Snapshot.Calls.Sent > s.Snapshot.Response.Count {
			p.words("", "of "+things(s.Snapshot.Response.Count, "answer", "answers")+"; "+things(n, "call", "calls")+" had none", p.Faint)
		}
	}
	if s.Snapshot.Response.Count >= enoughForBars && len(s.Snapshot.ResponseBars) > 0 {
		p.gap()
		histogram(p, s.Snapshot.Response, s.Snapshot.ResponseBars)
	}
	if len(s.Snapshot.Servers) > 0 {
		p.gap()
		servers(p, s.Snapshot.Servers, s.Snapshot.Elapsed)
	}
	for _, hint := range []string{s.hint(), Escape(s.Notice, 300)} {
		if hint == "" {
			continue
		}
		p.gap()
		for i, part := range wrap(hint, p.width-2) {
			mark := "  "
			if i == 0 {
				mark = "→ "
			}
			p.line(line{{mark, p.Warn}, {part, p.Plain}})
		}
	}
	return p.String()
}

// run says what was asked for, and of whom.
func (s *Summary) run(p *sheet) {
	var items []line
	add := func(format string, args ...any) {
		items = append(items, line{{fmt.Sprintf(format, args...), p.Plain}})
	}
	c, info := s.Config, s.Snapshot.Connection.Info
	switch {
	case c.Rate > 0 && c.Concurrency > 0:
		add("open model, %s, at most %s in flight", perSecond(c.Rate), count(c.Concurrency))
	case c.Rate > 0:
		add("open model, %s", perSecond(c.Rate))
	case c.Concurrency > 0:
		add("closed loop, %s in flight", count(c.Concurrency))
	}
	switch {
	case c.Body != nil:
		add("body %s", templateText(*c.Body, 40))
	case c.Fib != "":
		add("fib(%s)", Escape(c.Fib, 24))
	}
	if c.TimeoutMS > 0 {
		add("timeout %s", plainDuration(time.Duration(c.TimeoutMS)*time.Millisecond))
	}
	if c.Fib != "" || c.Body != nil || c.Seed != 0 {
		add("seed %d", c.Seed)
	}
	if c.Queue != "" {
		add("queue %s", Escape(c.Queue, 40))
	}
	if product := Escape(info.Product, 26); product != "" {
		add("%s", strings.TrimSpace(product+" "+Escape(info.Version, 16)))
	}
	if address := Escape(s.Address, 48); address != "" {
		add("%s", address)
	} else if address := Escape(info.Address, 48); address != "" {
		add("%s", address)
	}
	p.flow("run", items)
}

// calls says what became of the calls, and why those failed that did.
func (s *Summary) calls(p *sheet) {
	c, f := s.Snapshot.Calls, s.Snapshot.Failures
	items := []line{{{count(c.Sent) + " sent", p.Plain}}}
	if c.Completed > 0 {
		items = append(items, line{{count(c.Completed) + " completed", p.Completed}})
	}
	if c.Failed > 0 {
		items = append(items, line{{count(c.Failed) + " failed", p.Failed}})
	}
	if c.InFlight > 0 {
		items = append(items, line{{count(c.InFlight) + " in flight", p.InFlight}})
	}
	if n := s.Snapshot.Traffic.Retries; n > 0 {
		items = append(items, line{{things(n, "retry", "retries"), p.Plain}})
	}
	p.flow("calls", items)

	var rows []reason
	for _, o := range amqprpc.Failures() {
		rows = append(rows, reason{f.Of(o), o.String(), s.failedBecause(o), p.Failed})
	}
	reasons(p, "failed", rows)
}

func (s *Summary) failedBecause(o amqprpc.Outcome) string {
	switch o {
	case amqprpc.Timeout:
		if s.Config.TimeoutMS > 0 {
			return "no reply within " + plainDuration(time.Duration(s.Config.TimeoutMS)*time.Millisecond)
		}
		return "no reply before the deadline"
	case amqprpc.Canceled:
		if s.Interrupted {
			return "given up when the run was interrupted"
		}
		return "given up by the caller"
	case amqprpc.Unroutable:
		return "returned by the broker: no queue took it"
	case amqprpc.Rejected:
		return "refused by the broker"
	case amqprpc.Expired:
		return "dropped from the request queue at its deadline"
	case amqprpc.Remote:
		return "answered with an error"
	case amqprpc.ConnectionLost:
		return "the connection went before a reply came"
	case amqprpc.Closed:
		return "the client was closed"
	}
	return ""
}

// replies says what came back, and why some of it was discarded.
func (s *Summary) replies(p *sheet) {
	r := s.Snapshot.Replies
	items := []line{{{count(r.Received) + " received", p.Plain}}}
	if r.Received > 0 {
		items = append(items, line{{things(r.Answers, "answer", "answers"), p.Completed}})
	}
	if r.Duplicates > 0 {
		items = append(items, line{{things(r.Duplicates, "duplicate", "duplicates"), p.Duplicate}})
	}
	if n := r.Orphaned(); n > 0 {
		items = append(items, line{{count(n) + " orphaned", p.Orphaned}})
	}
	p.flow("replies", items)
	reasons(p, "discarded", []reason{
		{r.Duplicates, "duplicate", "the call had its answer already", p.Duplicate},
		{r.Late, "late", "orphaned: the call had ended without an answer", p.Orphaned},
		{r.Unknown, "unknown", "orphaned: no call of that ID is known", p.Orphaned},
	})
}

// trouble tells what the numbers above do not.
func (s *Summary) trouble(p *sheet) {
	var rows []reason
	for _, f := range s.Failures {
		rows = append(rows, reason{n: uint64(max(f.Count, 0)), why: f.Text, style: p.Failed})
	}
	reasons(p, "errors", rows)

	if n, told := s.Snapshot.Calls.Wrong, s.Snapshot.Wrongs; n > 0 {
		rest := n
		p.flow("wrong", []line{{{things(n, "answer", "answers") + " did not pass the check", p.Bad}}})
		for _, w := range told[:min(len(told), mostSentences)] {
			id := rowID(w.ID, shortIDCells)
			p.row("", span{id + " ", p.Faint}, span{Escape(w.Text, p.width-labelCells-cells(id)-1), p.Plain})
			rest--
		}
		if len(told) > 0 && rest > 0 {
			p.row("", span{"and " + count(rest) + " more", p.Faint})
		}
	}
	if s.Missed > 0 {
		p.words("missed", things(s.Missed, "call was", "calls were")+
			" due and did not start before the run ended: too many were in flight, or it was stopped", p.Warn)
	}
	s.rate(p)
	if s.Refused > 0 {
		p.words("refused", things(s.Refused, "call was", "calls were")+" not taken on by the client", p.Warn)
	}
	conn := s.Snapshot.Connection
	if n := conn.Epochs - 1; n > 0 {
		p.words("connection", "lost and made again "+things(n, "time", "times"), p.Warn)
	}
	switch {
	case conn.Blocked:
		p.words("connection", "the broker blocks publishers: "+Escape(conn.BlockedReason, 100), p.Warn)
	case !conn.Connected && conn.Reason != "":
		p.words("connection", "lost, and not yet made again: "+Escape(conn.Reason, 200), p.Warn)
	}
}

// due is how long the calls of an open model would have taken at its rate.
func (s *Summary) due() time.Duration {
	return time.Duration(float64(s.Snapshot.Calls.Sent) / s.Config.Rate * float64(time.Second))
}

// late says whether calls began so late that the rate was not kept: by more than a hiccup of
// this machine.
func (s *Summary) late() bool {
	return s.Config.Rate > 0 && s.Behind > max(s.due()/20, 100*time.Millisecond)
}

// rate tells of an open model that was slower than it was asked to be, without any call that
// was missed: the rates alone do not say where the time went.
func (s *Summary) rate(p *sheet) {
	c := s.Snapshot.Calls
	switch asked := s.Config.Rate; {
	case asked <= 0 || c.Sent == 0 || s.Missed > 0:
	case s.late():
		began := float64(c.Sent) / (s.due() + s.Behind).Seconds()
		p.words("rate", perSecond(began)+" began instead of "+perSecond(asked)+", the last call "+took(s.Behind)+
			" after its time: too many were in flight, or this machine is too slow", p.Warn)
	case c.Completed == c.Sent && !s.Interrupted && s.Snapshot.Throughput < 0.9*asked:
		p.words("rate", perSecond(s.Snapshot.Throughput)+" completed instead of "+perSecond(asked)+
			", though all calls began in time: the last answer came "+took(s.Snapshot.Elapsed-s.due())+" after the last call", p.Plain)
	}
}

// A reason is a row of a list of what happened how often, and why.
type reason struct {
	n     uint64
	what  string
	why   string // of somebody else, perhaps
	style Ink
}

// reasons lists those that happened.
func reasons(p *sheet, label string, rows []reason) {
	digits, names := 0, 0
	for _, r := range rows {
		if r.n > 0 {
			digits = max(digits, cells(count(r.n)))
			names = max(names, cells(r.name()))
		}
	}
	for _, r := range rows {
		if r.n == 0 {
			continue
		}
		l := line{{right(count(r.n), digits), p.Plain}}
		room := p.width - labelCells - digits
		if names > 0 {
			l = append(l, span{" " + left(r.name(), names), r.style})
			room -= names + 1
		} else {
			l = append(l, span{" ×", p.Faint})
			room -= 2
		}
		switch {
		case r.what == "":
			l = append(l, span{" " + Escape(r.why, room-1), p.Plain})
		case room >= 2+cells(r.why): // half an explanation explains nothing
			l = append(l, span{"  " + r.why, p.Faint})
		}
		p.row(label, l...)
		label = ""
	}
}

// name is the word of the vocabulary as people write it.
func (r reason) name() string { return strings.ReplaceAll(r.what, "_", " ") }
