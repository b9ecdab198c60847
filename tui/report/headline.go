package report

import (
	"fmt"
	"strings"

	"rpcscope/tui/text"
)

// Short returns the number of calls that fell short: they failed, got a wrong answer, or did not start.
func (s *Summary) Short() uint64 {
	c := s.Snapshot.Calls
	return c.Failed + c.Wrong + uint64(max(s.Missed, 0))
}

// FellShort reports whether the run failed, which means exit code 1. An interrupted run has an exit code of its own.
func (s *Summary) FellShort() bool {
	return s.Fault != "" || s.Judged && !s.Interrupted && (s.Short() > s.MaxFailed || s.Snapshot.Calls.Sent == 0)
}

// Verdict sums the run up in one line.
func (s *Summary) Verdict() string {
	c := s.Snapshot.Calls
	completed := text.Plural(c.Completed, "call", "calls") + " completed"
	if c.Completed == 0 {
		completed = "no call completed"
	}
	var short []string
	for _, part := range []struct {
		n    uint64
		what string
	}{{c.Failed, "failed"}, {c.Wrong, "wrong"}, {uint64(max(s.Missed, 0)), "not started"}} {
		if part.n > 0 {
			short = append(short, text.Count(part.n)+" "+part.what)
		}
	}
	var words string
	switch {
	case s.InWarmUp:
		words = "interrupted in the warm-up: nothing was measured"
	case s.Interrupted:
		words = "interrupted: " + strings.Join(append([]string{completed}, short...), ", ")
	case len(short) > 0:
		all := c.Sent + uint64(max(s.Missed, 0))
		words = strings.Join(short, ", ") + " of " + text.Plural(all, "call", "calls")
		if s.Judged && s.MaxFailed > 0 {
			words += ", up to " + text.Count(s.MaxFailed) + " allowed"
		}
	case c.Sent == 0:
		words = "no call was made"
	case s.late():
		words = "slower than " + text.PerSecond(s.Config.Rate) + ", " + completed
	default:
		words = completed
	}
	if s.Fault != "" {
		words = fmt.Sprintf("%s: %s", s.Fault, words)
	}
	return words
}

// mark is a cross if the run failed, a check mark if all went well, else an exclamation mark.
func (s *Summary) mark(p *sheet) text.Span {
	switch {
	case s.FellShort():
		return p.Bad.Span("✗")
	case s.Interrupted, s.Short() > 0, s.Snapshot.Calls.Completed == 0, s.late():
		return p.Warn.Span("!")
	}
	return p.Good.Span("✓")
}

// headline writes the verdict and the throughput.
func (s *Summary) headline(p *sheet) {
	var speed text.Line
	if e, c := s.Snapshot.Elapsed, s.Snapshot.Calls; e > 0 && c.Sent > 0 {
		if c.Completed > 0 {
			speed = append(speed, p.Title.Span(text.PerSecond(s.Snapshot.Throughput)), p.Plain.Span(" over "))
		} else {
			speed = append(speed, p.Plain.Span("after "))
		}
		speed = append(speed, p.Plain.Span(text.Duration(e)))
	}
	said := text.Line{s.mark(p), p.Title.Span(" " + s.Verdict())}
	if gap := p.width - said.Width() - speed.Width(); gap >= 2 {
		p.line(append(append(said, p.Plain.Span(text.Spaces(gap))), speed...))
		return
	}
	mark := s.mark(p)
	mark.Text += " "
	for _, l := range text.Paragraph(mark, text.Wrap(s.Verdict(), p.width-2), p.Title) {
		p.line(l)
	}
	p.line(append(text.Line{p.Plain.Span("  ")}, speed...))
}
