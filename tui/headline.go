package tui

import (
	"fmt"
	"strings"
)

// Short returns how many calls fell short: they failed, were answered wrong, or did not start.
func (s *Summary) Short() uint64 {
	c := s.Snapshot.Calls
	return c.Failed + c.Wrong + uint64(max(s.Missed, 0)) + uint64(max(s.Refused, 0))
}

// FellShort reports whether the run is a failure, of which the exit code is 1 and the mark a
// cross. An interrupted one has an exit code of its own.
func (s *Summary) FellShort() bool {
	return s.Fault != "" || s.Judged && !s.Interrupted && (s.Short() > s.MaxFailed || s.Snapshot.Calls.Sent == 0)
}

// Verdict says in one line how the run went. It counts all that fell short.
func (s *Summary) Verdict() string {
	c := s.Snapshot.Calls
	completed := things(c.Completed, "call", "calls") + " completed"
	if c.Completed == 0 {
		completed = "no call completed"
	}
	var short []string
	for _, part := range []struct {
		n    uint64
		what string
	}{{c.Failed, "failed"}, {c.Wrong, "wrong"}, {uint64(max(s.Missed, 0)), "not started"}, {uint64(max(s.Refused, 0)), "refused"}} {
		if part.n > 0 {
			short = append(short, count(part.n)+" "+part.what)
		}
	}
	var text string
	switch {
	case s.InWarmUp:
		text = "interrupted in the warm-up: nothing was measured"
	case s.Interrupted:
		text = "interrupted: " + strings.Join(append([]string{completed}, short...), ", ")
	case len(short) > 0:
		all := c.Sent + uint64(max(s.Missed, 0)) + uint64(max(s.Refused, 0))
		text = strings.Join(short, ", ") + " of " + things(all, "call", "calls")
		if s.Judged && s.MaxFailed > 0 {
			text += ", up to " + count(s.MaxFailed) + " allowed"
		}
	case c.Sent == 0:
		text = "no call was made"
	case s.late():
		text = "slower than " + perSecond(s.Config.Rate) + ", " + completed
	default:
		text = completed
	}
	if s.Fault != "" {
		text = fmt.Sprintf("%s: %s", s.Fault, text)
	}
	return text
}

// mark is a cross if the run is a failure, a check mark if there is nothing to say against it.
func (s *Summary) mark(p *sheet) span {
	switch {
	case s.FellShort():
		return span{"✗", p.Bad}
	case s.Interrupted, s.Short() > 0, s.Snapshot.Calls.Completed == 0, s.late():
		return span{"!", p.Warn}
	}
	return span{"✓", p.Good}
}

// headline is the first line: how it went, and how fast.
func (s *Summary) headline(p *sheet) {
	var speed line
	if e, c := s.Snapshot.Elapsed, s.Snapshot.Calls; e > 0 && c.Sent > 0 {
		if c.Completed > 0 {
			speed = append(speed, span{perSecond(s.Snapshot.Throughput), p.Title}, span{" over ", p.Plain})
		} else {
			speed = append(speed, span{"after ", p.Plain})
		}
		speed = append(speed, span{took(e), p.Plain})
	}
	said := line{s.mark(p), {" " + s.Verdict(), p.Title}}
	if gap := p.width - said.cells() - speed.cells(); gap >= 2 {
		p.line(append(append(said, span{spaces(gap), p.Plain}), speed...))
		return
	}
	for i, part := range wrap(s.Verdict(), p.width-2) {
		mark := s.mark(p)
		if i > 0 {
			mark.text = " "
		}
		p.line(line{mark, {" " + part, p.Title}})
	}
	p.line(append(line{{"  ", p.Plain}}, speed...))
}
