package report

import (
	"strings"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/text"
)

const (
	minBar, maxBar = 8, 30 // cells
)

// progressText returns one line about a running load, at most width cells wide. From 20 cells up it says at least how
// far the load is. s needs no rows.
func progressText(st *text.Styles, p load.Progress, s *ledger.Snapshot, width int) string {
	l := text.Join(progressPieces(st, p, s), width)
	if n := min(width-l.Width()-2, maxBar); n >= minBar && (p.Count > 0 || p.Duration > 0) {
		done := text.Bar(p.Fraction(), n)
		l = append(text.Line{st.Bar.Span(done), st.Rest.Span(strings.Repeat("░", max(n-text.Width(done), 0))), st.Plain.Span("  ")}, l...)
	}
	return l.Cut(max(width, 0)).Render()
}

// progressPieces returns the pieces of the line from left to right.
func progressPieces(st *text.Styles, p load.Progress, s *ledger.Snapshot) []text.Piece {
	var all []text.Piece
	add := func(rank int, style text.Ink, forms ...string) {
		all = append(all, text.NewPiece(rank, style, forms...))
	}
	if style, forms := stateOf(st, p, s); forms != nil {
		add(1, style, forms...)
	}

	ended := p.Completed + p.Failed
	far := text.Percent(p.Fraction())
	switch { // each has a form of at most 20 cells
	case p.Count > 0:
		of := text.Count(ended) + "/" + text.Count(p.Count)
		if text.Width(of) > 20 {
			add(0, st.Plain, of, far)
		} else {
			add(0, st.Plain, of)
		}
	case p.Duration > 0:
		of := text.Clock(p.Elapsed) + " of " + text.ShortClock(p.Duration)
		add(0, st.Plain, text.Count(ended)+" calls, "+of, of)
	default:
		add(0, st.Plain, text.Count(ended)+" calls in "+text.Clock(p.Elapsed), text.Clock(p.Elapsed))
	}

	running := p.Phase == load.WarmUp || p.Phase == load.Measuring || p.Phase == load.Draining
	if running && !p.Paused {
		add(3, st.Title, text.PerSecond(s.Rate))
	}
	getsOn := running && !p.Paused && p.Phase != load.Draining && s.Connection.Connected && !s.Connection.Blocked
	if left, known := p.Remaining(); known && getsOn { // else the estimate would only grow
		add(4, st.Plain, text.Clock(left)+" left")
	}
	if p.Failed > 0 {
		add(1, st.Failed, text.Count(p.Failed)+" failed")
	}
	if p.Wrong > 0 {
		add(1, st.Bad, text.Count(p.Wrong)+" wrong")
	}
	if n := s.Replies.Duplicates; n > 0 {
		add(6, st.Duplicate, text.Plural(n, "duplicate", "duplicates"), text.Count(n)+" dup")
	}
	if n := s.Replies.Orphaned(); n > 0 {
		add(5, st.Orphaned, text.Count(n)+" orphaned", text.Count(n)+" orph")
	}
	if p.Backlog > 0 {
		add(7, st.Warn, text.Count(p.Backlog)+" waiting to start", text.Count(p.Backlog)+" waiting")
	}
	return all
}

// stateOf returns the most important state of the load or the connection, unless calls are simply being made.
func stateOf(st *text.Styles, p load.Progress, s *ledger.Snapshot) (text.Ink, []string) {
	trouble := ConnectionTrouble(&s.Connection, s.Now)
	switch {
	case p.Phase == load.Done:
		return st.Good, []string{"done"}
	case trouble != nil && s.Connection.Since.IsZero():
		return st.Warn, trouble
	case trouble != nil:
		return st.Bad, trouble
	case p.Paused:
		return st.Warn, []string{"paused"}
	case p.Phase == load.Ready:
		return st.Faint, []string{"starting"}
	case p.Phase == load.WarmUp:
		return st.Warn, []string{"warming up"}
	case p.Phase == load.Draining:
		return st.Warn, []string{"draining, " + text.Count(p.Outstanding) + " in flight", "draining"}
	}
	return st.Plain, nil
}
