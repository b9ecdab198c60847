package tui

import (
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
)

const (
	minBar, maxBar = 8, 30 // of a progress line, in cells
)

// ProgressText returns one line about a load that goes on, at most width cells wide.
// The less room there is, the less it says: from 20 cells up at least how far it is.
//
// The snapshot is one without rows; its Now is what "ago" is reckoned from.
func ProgressText(styles *Styles, p load.Progress, s *ledger.Snapshot, width int) string {
	return progressLine(styles, p, s, width).render()
}

// A piece is a part of a progress line. Its forms are from the longest to the shortest.
type piece struct {
	forms []string
	style Ink
	rank  int // the lower, the longer it stays when room gets scarce
}

func progressLine(st *Styles, p load.Progress, s *ledger.Snapshot, width int) line {
	pieces := progressPieces(st, p, s)
	chosen := fit(pieces, width)

	var l line
	for i, form := range chosen {
		if form < 0 {
			continue
		}
		if len(l) > 0 {
			l = append(l, span{"  ", st.Plain})
		}
		l = append(l, span{pieces[i].forms[form], pieces[i].style})
	}
	if n := min(width-l.cells()-2, maxBar); n >= minBar && (p.Count > 0 || p.Duration > 0) {
		done := bar(p.Fraction(), n)
		l = append(line{{done, st.Bar}, {strings.Repeat("░", max(n-cells(done), 0)), st.Rest}, {"  ", st.Plain}}, l...)
	}
	return l.cut(max(width, 0))
}

// fit chooses a form of each piece, or -1 for none, so that together, with two spaces
// between them, they are at most so many cells wide. First as many pieces as possible
// get in, in order of rank, then they grow in the same order.
func fit(pieces []piece, width int) []int {
	byRank := make([]int, 0, len(pieces))
	for rank := 0; len(byRank) < len(pieces); rank++ {
		for i, p := range pieces {
			if p.rank == rank {
				byRank = append(byRank, i)
			}
		}
	}
	chosen := make([]int, len(pieces))
	room := width + 2 // every piece pays for the gap before it
	for _, i := range byRank {
		chosen[i] = -1
		last := len(pieces[i].forms) - 1
		if n := 2 + cells(pieces[i].forms[last]); n <= room {
			chosen[i] = last
			room -= n
		}
	}
	for _, i := range byRank {
		if chosen[i] < 0 {
			continue
		}
		short := cells(pieces[i].forms[chosen[i]])
		for form, text := range pieces[i].forms {
			if more := cells(text) - short; more <= room {
				chosen[i] = form
				room -= more
				break
			}
		}
	}
	return chosen
}

// progressPieces are in the order of the screen.
func progressPieces(st *Styles, p load.Progress, s *ledger.Snapshot) []piece {
	var all []piece
	add := func(rank int, style Ink, forms ...string) {
		all = append(all, piece{forms, style, rank})
	}
	if style, forms := stateOf(st, p, s); forms != nil {
		add(1, style, forms...)
	}

	ended := p.Completed + p.Failed
	far := percent(p.Fraction())
	switch { // the shortest form, of 20 cells at most, is what always fits
	case p.Count > 0:
		of := count(ended) + "/" + count(p.Count)
		if cells(of) > 20 {
			add(0, st.Plain, of, far)
		} else {
			add(0, st.Plain, of)
		}
	case p.Duration > 0:
		of := clock(p.Elapsed) + " of " + wholeClock(p.Duration)
		add(0, st.Plain, count(ended)+" calls, "+of, of)
	default:
		add(0, st.Plain, count(ended)+" calls in "+clock(p.Elapsed), clock(p.Elapsed))
	}

	running := p.Phase == load.WarmUp || p.Phase == load.Measuring || p.Phase == load.Draining
	if running && !p.Paused {
		add(3, st.Title, perSecond(s.Rate))
	}
	getsOn := running && !p.Paused && p.Phase != load.Draining && s.Connection.Connected && !s.Connection.Blocked
	if left, known := p.Remaining(); known && getsOn { // else it would be a guess that grows
		add(4, st.Plain, clock(left)+" left")
	}
	if p.Failed > 0 {
		add(2, st.Failed, count(p.Failed)+" failed")
	}
	if p.Wrong > 0 {
		add(2, st.Bad, count(p.Wrong)+" wrong")
	}
	if n := s.Replies.Duplicates; n > 0 {
		add(6, st.Duplicate, things(n, "duplicate", "duplicates"), count(n)+" dup")
	}
	if n := s.Replies.Orphaned(); n > 0 {
		add(5, st.Orphaned, count(n)+" orphaned", count(n)+" orph")
	}
	if p.Backlog > 0 {
		add(7, st.Warn, count(p.Backlog)+" waiting to start", count(p.Backlog)+" waiting")
	}
	return all
}

// stateOf says what is going on when it is anything but calls being made, the most
// pressing of it.
func stateOf(st *Styles, p load.Progress, s *ledger.Snapshot) (Ink, []string) {
	c := &s.Connection
	switch {
	case p.Phase == load.Done:
		return st.Good, []string{"done"}
	case !c.Connected && c.Since.IsZero() && s.Calls.Sent == 0:
		return st.Faint, []string{"connecting"}
	case !c.Connected && !c.Since.IsZero():
		long := "reconnecting, lost " + clock(s.Now.Sub(c.Since)) + " ago"
		if wait := c.NextTry.Sub(s.Now); !c.NextTry.IsZero() && wait >= time.Second {
			return st.Bad, []string{long + ", next try in " + clock(wait), long, "reconnecting"}
		}
		return st.Bad, []string{long, "reconnecting"}
	case c.Blocked:
		return st.Bad, []string{"blocked by the broker for " + clock(s.Now.Sub(c.BlockedSince)), "blocked"}
	case p.Paused:
		return st.Warn, []string{"paused"}
	case p.Phase == load.Ready:
		return st.Faint, []string{"starting"}
	case p.Phase == load.WarmUp:
		return st.Warn, []string{"warming up"}
	case p.Phase == load.Draining:
		return st.Warn, []string{"draining, " + count(p.Outstanding) + " in flight", "draining"}
	}
	return st.Plain, nil
}
