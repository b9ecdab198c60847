package tui

import (
	"strconv"
	"strings"

	"rpcscope/server/pool"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// minServerBar and maxServerBar bound the width of a bar. A longer bar would separate the number from the name.
const minServerBar, maxServerBar = 4, 40

// panel draws the servers, their shares of the work, and how those ended that did.
func (s *serverList) panel(st *text.Styles, snap *lab.Snapshot, focused bool, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Focused: focused}
	entries := serverEntries(snap, s.cursor)
	at := s.at(entries)

	none := explain.NoServer(snap)
	if none != "" && s.inScenario {
		none = "No server runs. A scenario starts and stops its own."
	}
	words := text.Wrap(none, w)
	room := max(h-min(len(words), h/2), 0)
	if len(entries) == 0 {
		room = 0
	}
	s.offset = min(max(s.offset, 0), max(len(entries)-room, 0))
	if at >= 0 && room > 0 {
		s.offset = min(max(s.offset, at-room+1), at)
	}
	shown := entries[s.offset:min(s.offset+room, len(entries))]
	f.Title = serverTitle(st, snap, s.offset, len(shown), len(entries), w-4)

	columns := layServers(snap, entries, w)
	for i := range shown {
		l := columns.row(st, snap, &shown[i])
		if focused && s.offset+i == at {
			l[0].Text = "▸ "
			l = l.Fill(w).WithInk(st.Selected)
		}
		f.Body = append(f.Body, l.Cut(w))
	}
	for _, line := range words[:min(len(words), h-len(f.Body))] {
		f.Body = append(f.Body, text.Line{st.Faint.Span(line)})
	}
	return f
}

func serverTitle(st *text.Styles, snap *lab.Snapshot, offset, shown, all, room int) text.Line {
	n := 0
	for _, status := range snap.Pool {
		if status.State == pool.Running {
			n++
		}
	}
	running := text.Count(n)
	pieces := []text.Piece{text.NewPiece(0, st.Title, "Servers")}
	switch n := elsewhere(snap); {
	case snap.Replay != nil:
	case n > 0:
		here := " here, " + text.Count(n) + " elsewhere"
		pieces = append(pieces, text.NewPiece(1, st.Plain, running+" running"+here, running+here, running+" here"))
	default:
		pieces = append(pieces, text.NewPiece(1, st.Plain, running+" running"))
	}
	if shown < all && shown > 0 {
		pieces = append(pieces, text.NewPiece(3, st.Faint, text.Count(offset+1)+" to "+text.Count(offset+shown)+" of "+text.Count(all)))
	}
	if snap.Fault != "" {
		fault := text.Escape(snap.Fault, 60)
		pieces = append(pieces, text.NewPiece(1, st.Warn, "next: "+fault, "next: "+text.Escape(fault, 24), "next: fault"))
	}
	return text.Join(pieces, room)
}

// serverColumns are the widths of the columns of the list, 0 for those that are left out.
type serverColumns struct {
	name, bar, valueWidth, share, discarded, note int

	live     bool // values are rates, else shares of all replies
	max, sum float64
	width    int
}

// layServers chooses the columns that fit. From the left: the mark of the cursor, the name, a bar, the rate, the share,
// discarded replies, and a note.
func layServers(snap *lab.Snapshot, entries []serverEntry, w int) serverColumns {
	c := serverColumns{width: w}
	for _, e := range entries {
		c.live = c.live || e.replies.Rate > 0 && e.kind != byHand
	}
	c.live = c.live && !snap.Load.Paused
	note, discarded := 0, 0
	for i := range entries {
		e := &entries[i]
		c.name = max(c.name, text.Width(e.label(max(w/4, 6))))
		if !e.serves() {
			continue
		}
		value, words := c.value(e)
		c.max = max(c.max, value)
		c.sum += value
		c.valueWidth = max(c.valueWidth, text.Width(words))
		discarded = max(discarded, text.Width(e.discarded()))
		note = max(note, text.Width(e.note(snap)))
	}
	room := w - text.Width("▸ ") - c.name - 1 - c.valueWidth
	fit := func(column *int, n, leave int) {
		if n > 0 && room-n-1 >= leave {
			*column = n
			room -= n + 1
		}
	}
	fit(&c.note, note, minServerBar+1)
	fit(&c.discarded, discarded, minServerBar+1)
	if c.live {
		fit(&c.share, len(">99.9 %"), 2*minServerBar)
	}
	if room > minServerBar {
		c.bar = min(room-1, maxServerBar)
	}
	return c
}

// value returns the rate or the share of a server, and how it is written.
func (c *serverColumns) value(e *serverEntry) (float64, string) {
	if c.live {
		return e.replies.Rate, text.PerSecond(e.replies.Rate)
	}
	return e.replies.Share, text.Percent(e.replies.Share)
}

// row draws one server, with two spaces for the mark of the cursor.
func (c *serverColumns) row(st *text.Styles, snap *lab.Snapshot, e *serverEntry) text.Line {
	ink := st.Plain
	if !e.alive() || e.kind != poolServer && e.kind != namedServer {
		ink = st.Faint
	}
	l := text.Line{text.Plain("  "), ink.Span(text.Left(e.label(c.name), c.name+1))}
	if !e.serves() {
		return append(l, e.state(st, snap, c.width-l.Width()))
	}
	value, words := c.value(e)
	if c.bar > 0 {
		l = append(l, st.Bar.Span(text.Left(text.Bar(value/max(c.max, 1e-9), c.bar), c.bar+1)))
	}
	l = append(l, st.Plain.Span(text.Right(words, c.valueWidth)))
	if c.share > 0 {
		l = append(l, st.Faint.Span(" "+text.Right(text.Percent(value/max(c.sum, 1e-9)), c.share)))
	}
	if c.discarded > 0 {
		l = append(l, st.Duplicate.Span(" "+text.Left(e.discarded(), c.discarded)))
	}
	if c.note > 0 {
		l = append(l, st.Faint.Span(" "+e.note(snap)))
	}
	return l
}

// serves reports whether a row has a bar and numbers rather than words for its state.
func (e *serverEntry) serves() bool {
	return e.kind != byHand && (e.kind != poolServer || e.status.State == pool.Running)
}

// state describes a server that does not serve, in the longest form that fits.
func (e *serverEntry) state(st *text.Styles, snap *lab.Snapshot, room int) text.Span {
	ago := text.Clock(snap.Ledger.Now.Sub(e.status.Ended)) + " ago"
	state := e.status.State.String()
	ink, forms := st.Faint, []string{state + " " + ago, state}
	switch {
	case e.kind == byHand:
		n := text.Plural(e.replies.Replies, "reply", "replies")
		forms = []string{n + " that you sent", n}
	case e.status.State == pool.Starting, e.status.State == pool.Stopping:
		ink, forms = st.Warn, []string{state + ", pid " + strconv.Itoa(e.status.PID), state}
	case e.status.State == pool.Crashed && e.status.Reason == "":
		ink, forms = st.Bad, []string{"crashed " + ago, "crashed"}
	case e.status.State == pool.Crashed:
		reason := text.Escape(e.status.Reason, 200)
		how, _, _ := strings.Cut(e.status.Reason, `: "`) // without the last line of output
		how = text.Escape(how, 40)
		ink, forms = st.Bad, []string{"crashed " + ago + ": " + reason, "crashed " + ago + ": " + how, "crashed: " + how}
	case e.status.State == pool.Killed:
		ink = st.Bad
	}
	return ink.Span(text.FirstFit(room, forms...))
}

// discarded says how many replies of a server were discarded as duplicates.
func (e *serverEntry) discarded() string {
	if n := e.replies.Duplicates; n > 0 {
		return text.Count(n) + " dup."
	}
	return ""
}

// note says more of a server that serves.
func (e *serverEntry) note(snap *lab.Snapshot) string {
	switch {
	case e.kind == otherServers:
		return ""
	case e.kind == poolServer && e.status.Restarts > 0:
		return "pid " + strconv.Itoa(e.status.PID) + ", " + text.Plural(e.status.Restarts, "restart", "restarts")
	case e.kind == poolServer:
		return "pid " + strconv.Itoa(e.status.PID)
	}
	if snap.Replay != nil { // a recording does not say which servers were ours
		return ""
	}
	return "not ours"
}
