package tui

import (
	"strings"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// A row is the selection of a lane.
type row struct {
	target
	lane     laneKind
	sentence string // describes the row, with its whole ID
}

// selected returns the picked row, or else the selected row of the lane in focus.
func (l *lanes) selected(snap *lab.Snapshot) (row, bool) {
	if p := l.pick; p != nil && !l.picked {
		words := " is not among the rows that are shown. Press enter to see its whole story."
		switch {
		case snap.Frozen:
			words = " is not on the frozen screen. Press f to go live."
		case p.pending():
			words = ": a reply that was sent and has not come in yet."
		}
		return row{target{id: p.id, seq: p.seq}, l.focus, text.ID(p.id, explain.IDWidth) + words}, true
	}
	rows := l.sync(snap, l.focus)
	if rows.len() == 0 {
		return row{}, false
	}
	r, i := row{lane: l.focus}, l.list[l.focus].cursor
	if rows.strays != nil {
		s := &rows.strays[i]
		r.target, r.sentence = target{s.ID, s.Seq, s.Time}, explain.Stray(s)
	} else {
		c := rows.calls[i]
		r.id, r.sentence = c.ID, explain.Call(c, snap.Load.Custom, snap.Ledger.Now)
	}
	return r, true
}

// sentence describes the selection in at most w cells. It shortens a UUID that would leave no room for the rest.
func (l *lanes) sentence(snap *lab.Snapshot, w int) string {
	r, ok := l.selected(snap)
	if !ok {
		return ""
	}
	if rest, ok := strings.CutPrefix(r.sentence, r.id); ok && text.IsUUID(r.id) && text.Width(r.sentence) > w {
		r.sentence = text.ID(r.id, text.ShortIDWidth) + rest
	}
	return text.Escape(r.sentence, w)
}

// title names a lane with the number of its rows, or of those that pass the filter. If there is room, it names the key that makes
// the lane follow its newest row.
func (l *lanes) title(st *text.Styles, snap *lab.Snapshot, kind laneKind, room int) text.Line {
	titles := l.titles(st, snap, kind)
	if l.list[kind].stance != atTop {
		for _, t := range titles {
			if key := " ↑ home"; t.Width()+text.Width(key) <= room {
				return append(t, st.Warn.Span(key))
			}
		}
	}
	for _, t := range titles {
		if t.Width() <= room {
			return t
		}
	}
	return titles[len(titles)-1].Cut(max(room, 0))
}

// titles returns the forms of the title of a lane, the longest first.
func (l *lanes) titles(st *text.Styles, snap *lab.Snapshot, kind laneKind) []text.Line {
	c, r, p := snap.Ledger.Calls, snap.Ledger.Replies, snap.Ledger.Picked
	ink, name, short, n, picked := st.InFlight, "In flight", "Flight", c.InFlight, p.InFlight
	switch {
	case kind == duplicateLane:
		ink, name, short, n, picked = st.Duplicate, "Duplicate", "Dupl.", r.Duplicates, p.Duplicates
	case kind == orphanedLane:
		ink, name, short, n, picked = st.Orphaned, "Orphaned", "Orph.", r.Orphaned(), p.Orphans
	case kind == endedLane && l.ended == failedOnly:
		ink, name, short, n, picked = st.Failed, "Failed", "Failed", c.Failed, p.Failed
	case kind == endedLane:
		ink, name, short, n, picked = st.Completed, "Completed", "Compl.", c.Completed, p.Completed
		if l.ended == allEnded {
			picked.Rows += p.Failed.Rows
			picked.Of += p.Failed.Of
		}
	}
	if l.filter.set() {
		rows, of := uint64(picked.Rows), uint64(picked.Of)
		return []text.Line{
			{ink.Span(name + " "), st.Warn.Span(text.Count(rows) + " of " + text.Count(of) + " pass")},
			{ink.Span(name + " "), st.Warn.Span(text.Count(rows) + " of " + text.Count(of))},
			{ink.Span(short + " "), st.Warn.Span(text.Brief(rows) + " of " + text.Brief(of))},
			{ink.Span(short + " "), st.Warn.Span(text.Brief(rows) + "/")},
		}
	}
	titles := []text.Line{{ink.Span(name + " " + text.Count(n))}, {ink.Span(name + " " + text.Brief(n))}, {ink.Span(short + " " + text.Brief(n))}}
	if kind != endedLane || l.ended != allEnded || c.Failed == 0 {
		return titles
	}
	with := func(title text.Line, words string) text.Line { return append(title[:1:1], st.Failed.Span(" "+words)) }
	failed := text.Brief(c.Failed)
	return []text.Line{
		with(titles[0], "failed "+text.Count(c.Failed)), with(titles[1], "failed "+failed), with(titles[1], "✗"+failed), with(titles[2], "✗"+failed),
		titles[2],
	}
}

// nothing explains an empty lane.
func (l *lanes) nothing(st *text.Styles, kind laneKind, n, h int) []text.Line {
	s := l.empty[kind]
	switch {
	case l.filter.set():
		s = "No row here passes the filter."
	case s != "":
	case kind == inFlightLane:
		s = "None. No request waits for its reply."
	case kind == duplicateLane:
		s = "None yet. A duplicate is a second reply to a call that has its answer. d sends one; x makes a server that does."
	case kind == orphanedLane:
		s = "None yet. An orphan is a reply that no call waits for: too late, or with an unknown ID. u sends one."
	case l.ended == completedOnly:
		s = "None yet. A call is completed when its answer has come."
	case l.ended == failedOnly:
		s = "None. Every call that has ended has its answer."
	default:
		s = "None yet. A call ends with its answer, or fails."
	}
	var lines []text.Line
	for _, part := range text.Wrap(s, max(n-2, 1)) {
		if len(lines) == h {
			break
		}
		lines = append(lines, text.Line{st.Faint.Span(" " + part)}.Fill(n))
	}
	return lines
}
