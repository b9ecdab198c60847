package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// SummaryQuery returns the query for the snapshot of a [Summary].
func SummaryQuery() ledger.Query { return ledger.Query{Bars: 12, LogBars: true} }

// A Summary sums a run up.
type Summary struct {
	// Snapshot is the answer to [SummaryQuery].
	Snapshot ledger.Snapshot
	// Config is the configuration of the run. The summary does not mention its zero fields.
	Config RunConfig
	// Address is the address of the broker, if it is not that of Snapshot.
	Address string
	// Replayed says that the configuration may have been changed during the run.
	Replayed bool
	// Notice is added at the end.
	Notice string
	// Interrupted says that the user ended the run, InWarmUp that no call counted by then.
	Interrupted, InWarmUp bool
	// Judged says that the run failed if more than MaxFailed calls fell short; see [Summary.FellShort]. A run on the
	// screen and a replay are not judged.
	Judged    bool
	MaxFailed uint64
	// Fault is a failure of something other than calls, such as "the recording is not whole".
	Fault string

	// Missed counts the calls of an open model that were due and did not start. The ledger does not count them.
	Missed int64
	// Behind is the time by which the last call of an open model started late.
	Behind time.Duration
	// Failures are the most frequent errors of calls, from a [Tally].
	Failures []Sentence
}

// Write writes the summary to w in lines of at most width cells. A width below 40 is 40, above 100 it is 100, and
// if it is not positive 80. Colours depend on w and the environment.
func (s *Summary) Write(w io.Writer, width int) error {
	_, err := io.WriteString(w, s.Render(text.NewStyles(w), width))
	return err
}

// Render returns the summary in the given styles. See [Summary.Write].
func (s *Summary) Render(styles *text.Styles, width int) string {
	p := newSheet(styles, width)
	s.headline(p)
	p.gap()
	s.run(p)
	if s.InWarmUp {
		return p.String()
	}
	s.calls(p)
	s.replies(p)
	s.trouble(p)
	if s.Snapshot.Response.Count > 0 {
		p.gap()
		latencyTable(p, &s.Snapshot, s.Config.Rate > 0)
		if n := s.Snapshot.Calls.Sent - s.Snapshot.Response.Count; n > 0 && s.Snapshot.Calls.Sent > s.Snapshot.Response.Count {
			p.words("", "of "+text.Plural(s.Snapshot.Response.Count, "answer", "answers")+"; "+text.Plural(n, "call", "calls")+" had none", p.Faint)
		}
	}
	if s.Snapshot.Response.Count >= minHistogram && len(s.Snapshot.ResponseBars) > 0 {
		p.gap()
		histogram(p, s.Snapshot.Response, s.Snapshot.ResponseBars)
	}
	if len(s.Snapshot.Servers) > 0 {
		p.gap()
		servers(p, s.Snapshot.Servers, s.Snapshot.Elapsed)
	}
	p.note(s.hint())
	p.note(text.Escape(s.Notice, 300))
	return p.String()
}

// run writes the configuration and the broker.
func (s *Summary) run(p *sheet) {
	var items []text.Line
	add := func(format string, args ...any) {
		items = append(items, text.Line{p.Plain.Span(fmt.Sprintf(format, args...))})
	}
	c, info := s.Config, s.Snapshot.Connection.Info
	switch {
	case c.Rate > 0 && c.Concurrency > 0:
		add("open model, %s, at most %s in flight", text.PerSecond(c.Rate), text.Count(c.Concurrency))
	case c.Rate > 0:
		add("open model, %s", text.PerSecond(c.Rate))
	case c.Concurrency > 0:
		add("closed loop, %s in flight", text.Count(c.Concurrency))
	}
	switch {
	case c.Body != nil:
		add("body %s", text.Body(*c.Body, len(*c.Body), 40))
	case c.Fib != "":
		add("fib(%s)", text.Escape(c.Fib, 24))
	}
	if c.TimeoutMS > 0 {
		add("timeout %s", text.ExactDuration(time.Duration(s.Config.TimeoutMS)*time.Millisecond))
	}
	if c.Fib != "" || c.Body != nil || c.Seed != 0 {
		add("seed %d", c.Seed)
	}
	if c.Queue != "" {
		add("queue %s", text.Escape(c.Queue, 40))
	}
	if product := text.Escape(info.Product, 26); product != "" {
		add("%s", strings.TrimSpace(product+" "+text.Escape(info.Version, 16)))
	}
	if address := text.Escape(s.Address, 48); address != "" {
		add("%s", address)
	} else if address := text.Escape(info.Address, 48); address != "" {
		add("%s", address)
	}
	label := "run"
	if s.Replayed {
		label = "began as"
	}
	p.flow(label, items)
}

// calls writes the outcomes of the calls.
func (s *Summary) calls(p *sheet) {
	c, f := s.Snapshot.Calls, s.Snapshot.Failures
	items := []text.Line{{p.Plain.Span(text.Count(c.Sent) + " sent")}}
	if c.Completed > 0 {
		items = append(items, text.Line{p.Completed.Span(text.Count(c.Completed) + " completed")})
	}
	if c.Failed > 0 {
		items = append(items, text.Line{p.Failed.Span(text.Count(c.Failed) + " failed")})
	}
	if c.InFlight > 0 {
		items = append(items, text.Line{p.InFlight.Span(text.Count(c.InFlight) + " in flight")})
	}
	if n := s.Snapshot.Traffic.Retries; n > 0 {
		items = append(items, text.Line{p.Plain.Span(text.Plural(n, "retry", "retries"))})
	}
	p.flow("calls", items)

	var rows []reason
	for _, o := range amqprpc.Failures() {
		rows = append(rows, reason{f.Of(o), o.String(), FailureReason(o, s.Interrupted), p.Failed})
	}
	reasons(p, "failed", rows)
}

// replies writes the classes of the replies.
func (s *Summary) replies(p *sheet) {
	r := s.Snapshot.Replies
	items := []text.Line{{p.Plain.Span(text.Count(r.Received) + " received")}}
	if r.Received > 0 {
		items = append(items, text.Line{p.Completed.Span(text.Plural(r.Answers, "answer", "answers"))})
	}
	if r.Duplicates > 0 {
		items = append(items, text.Line{p.Duplicate.Span(text.Plural(r.Duplicates, "duplicate", "duplicates"))})
	}
	if n := r.Orphaned(); n > 0 {
		items = append(items, text.Line{p.Orphaned.Span(text.Count(n) + " orphaned")})
	}
	p.flow("replies", items)
	reasons(p, "discarded", []reason{
		{r.Duplicates, "duplicate", "the call had its answer already", p.Duplicate},
		{r.Late, "late", "orphaned: the call had ended without an answer", p.Orphaned},
		{r.Unknown, "unknown", "orphaned: no call of that ID is known", p.Orphaned},
	})
}

// trouble writes errors, wrong answers, calls that did not start, and the state of the connection.
func (s *Summary) trouble(p *sheet) {
	var rows []reason
	for _, f := range s.Failures {
		rows = append(rows, reason{n: uint64(max(f.Count, 0)), why: f.Text, style: p.Failed})
	}
	reasons(p, "errors", rows)

	if n, wrong := s.Snapshot.Calls.Wrong, s.Snapshot.Wrongs; n > 0 {
		rest := n
		p.flow("wrong", []text.Line{{p.Bad.Span(text.Plural(n, "answer", "answers") + " did not pass the check")}})
		for _, w := range wrong[:min(len(wrong), maxSentences)] {
			id := text.ID(w.ID, text.ShortIDWidth)
			p.row("", p.Faint.Span(id+" "), p.Plain.Span(text.Escape(w.Text, p.width-labelCells-text.Width(id)-1)))
			rest--
		}
		if len(wrong) > 0 && rest > 0 {
			p.row("", p.Faint.Span("and "+text.Count(rest)+" more"))
		}
	}
	if s.Missed > 0 {
		p.words("missed", text.Plural(s.Missed, "call was", "calls were")+
			" due and did not start before the run ended: too many were in flight, or it was stopped", p.Warn)
	}
	s.rate(p)
	conn := s.Snapshot.Connection
	if n := conn.Epochs - 1; n > 0 {
		p.words("connection", "lost and restored "+text.Plural(n, "time", "times"), p.Warn)
	}
	switch {
	case conn.Blocked:
		p.words("connection", "the broker blocks publishers: "+text.Escape(conn.BlockedReason, 100), p.Warn)
	case !conn.Connected && conn.Reason != "" && conn.Since.IsZero():
		p.words("connection", "not connected: "+text.Escape(conn.Reason, 200), p.Warn)
	case !conn.Connected && conn.Reason != "":
		p.words("connection", "lost and not yet restored: "+text.Escape(conn.Reason, 200), p.Warn)
	}
}

// due returns the time in which an open model starts that many calls at its rate.
func (s *Summary) due() time.Duration {
	return time.Duration(float64(s.Snapshot.Calls.Sent) / s.Config.Rate * float64(time.Second))
}

// late reports whether the rate of an open model was not kept, by more than a short pause of the machine.
func (s *Summary) late() bool {
	return s.Config.Rate > 0 && s.Behind > max(s.due()/20, 100*time.Millisecond)
}

// rate says why an open model that missed no call was slower than its rate.
func (s *Summary) rate(p *sheet) {
	c := s.Snapshot.Calls
	switch asked := s.Config.Rate; {
	case asked <= 0 || c.Sent == 0 || s.Missed > 0 || s.Replayed:
	case s.late():
		began := float64(c.Sent) / (s.due() + s.Behind).Seconds()
		p.words("rate", text.PerSecond(began)+" began instead of "+text.PerSecond(asked)+", the last call "+text.Duration(s.Behind)+
			" after its time: too many were in flight, or this machine is too slow", p.Warn)
	case c.Completed == c.Sent && !s.Interrupted && s.Snapshot.Throughput < 0.9*asked:
		p.words("rate", text.PerSecond(s.Snapshot.Throughput)+" completed instead of "+text.PerSecond(asked)+
			", though all calls began in time: the last answer came "+text.Duration(s.Snapshot.Elapsed-s.due())+" after the last call", p.Plain)
	}
}

// A reason is a row that says how often and why something happened.
type reason struct {
	n     uint64
	name  string // as JSON writes it, or ""
	why   string
	style text.Ink
}

// reasons writes the rows that are not zero.
func reasons(p *sheet, label string, rows []reason) {
	digits, names := 0, 0
	for _, r := range rows {
		if r.n > 0 {
			digits = max(digits, text.Width(text.Count(r.n)))
			names = max(names, text.Width(r.name))
		}
	}
	for _, r := range rows {
		if r.n == 0 {
			continue
		}
		l := text.Line{p.Plain.Span(text.Right(text.Count(r.n), digits))}
		room := p.width - labelCells - digits
		if names > 0 {
			l = append(l, r.style.Span(" "+text.Left(r.words(), names)))
			room -= names + 1
		} else {
			l = append(l, p.Faint.Span(" ×"))
			room -= 2
		}
		switch {
		case r.name == "":
			l = append(l, p.Plain.Span(" "+text.Escape(r.why, room-1)))
		case room >= 2+text.Width(r.why):
			l = append(l, p.Faint.Span("  "+r.why))
		}
		p.row(label, l...)
		label = ""
	}
}

func (r reason) words() string { return strings.ReplaceAll(r.name, "_", " ") }
