package tui

import (
	"slices"
	"strconv"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// A laneKind is one of the four lanes.
type laneKind int

const (
	inFlightLane laneKind = iota
	endedLane
	duplicateLane
	orphanedLane

	laneCount = 4
)

// endedRows are the calls that the lane of ended calls shows.
type endedRows int

const (
	allEnded endedRows = iota
	completedOnly
	failedOnly
)

// maxLaneRows is how many rows of a lane can be reached. A filter examines as many.
const maxLaneRows = 8192

// lanes show calls and discarded replies by correlation ID. The zero value shows all four lanes, with the first in focus.
// Each lane has a selected row; see [list].
//
// query asks for the rows of a snapshot, and frames draws that snapshot.
type lanes struct {
	focus  laneKind
	ended  endedRows
	zoomed bool
	filter filter
	// empty replaces the words of an empty lane.
	empty [laneCount]string
	// number, if set, returns the number of a call, or 0. Rows begin with it.
	number func(id string) int

	list  [laneCount]list
	fit   [laneCount]int // rows that fitted when drawn last
	asked int            // ended calls that the last query asked for

	pick   *pick // created or gone to, and nothing else was selected since
	picked bool  // the pick is in the lane in focus
}

// query makes q ask for the rows of lanes of w cells and h rows: two pages of a lane that follows its newest row, else all rows,
// so that the selected one is found wherever it has gone.
func (l *lanes) query(q *ledger.Query, w, h int) {
	var n [laneCount]int
	for kind, width := range l.widths(w) {
		lines := linesPerRow(laneKind(kind), width)
		page := (max(h, 0) + lines - 1) / lines
		n[kind] = min(2*page, maxLaneRows)
		if l.list[kind].stance != atTop || l.pick != nil {
			n[kind] = maxLaneRows
		}
	}
	q.InFlight = n[inFlightLane]
	q.Completed, q.Failed = n[endedLane], n[endedLane]
	q.Duplicates, q.Orphans = n[duplicateLane], n[orphanedLane]
	l.asked = n[endedLane]
	l.filter.apply(q)
}

// widths returns the width inside each lane, of w cells in all. If there are few, the lane in focus is wider than the others. If
// zoomed, the others have none.
func (l *lanes) widths(w int) (n [laneCount]int) {
	if l.zoomed {
		n[l.focus] = max(w-2, 0)
		return n
	}
	const wide, focused, minWidth = 100, 28, 16
	room := max(w-laneCount-1, 0)
	own := room / laneCount
	if w < wide {
		own = max(own, min(focused, room-(laneCount-1)*minWidth))
	}
	others := laneCount
	if own > room/laneCount {
		n[l.focus] = own
		room -= own
		others--
	}
	for kind := range n {
		if n[kind] == 0 && others > 0 {
			n[kind] = (room + others - 1) / others
			room -= n[kind]
			others--
		}
	}
	return n
}

// linesPerRow returns how many lines a row takes.
func linesPerRow(kind laneKind, width int) int {
	if kind >= duplicateLane && width < oneLineLane {
		return 2
	}
	return 1
}

// laneRows are the rows of one lane: calls or discarded replies.
type laneRows struct {
	calls  []*ledger.Call
	strays []ledger.Stray
}

func (r laneRows) len() int { return len(r.calls) + len(r.strays) }

// id returns the correlation ID of a row.
func (r laneRows) id(i int) string {
	if r.strays != nil {
		return r.strays[i].ID
	}
	return r.calls[i].ID
}

func (r laneRows) key(i int) rowKey {
	if r.strays != nil {
		return rowKey{seq: r.strays[i].Seq}
	}
	return rowKey{id: r.calls[i].ID}
}

func (l *lanes) rows(snap *lab.Snapshot, kind laneKind) laneRows {
	b := &snap.Ledger
	switch kind {
	case inFlightLane:
		return laneRows{calls: addresses(b.InFlight)}
	case duplicateLane:
		return laneRows{strays: b.Duplicates}
	case orphanedLane:
		return laneRows{strays: b.Orphans}
	}
	switch l.ended {
	case completedOnly:
		return laneRows{calls: addresses(b.Completed)}
	case failedOnly:
		return laneRows{calls: addresses(b.Failed)}
	}
	return laneRows{calls: merge(b.Completed, b.Failed, l.asked)}
}

func addresses(calls []ledger.Call) []*ledger.Call {
	out := make([]*ledger.Call, len(calls))
	for i := range calls {
		out[i] = &calls[i]
	}
	return out
}

// merge returns the calls of a and b in the order of their ends, newest first, as both are. It returns no more than were asked
// for of each list, since a list may be truncated there.
func merge(a, b []ledger.Call, asked int) []*ledger.Call {
	out := make([]*ledger.Call, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && !a[0].Ended.Before(b[0].Ended) {
			out, a = append(out, &a[0]), a[1:]
		} else {
			out, b = append(out, &b[0]), b[1:]
		}
	}
	if asked > 0 {
		out = out[:min(len(out), asked)]
	}
	return out
}

// sync brings a lane's list up to date and returns its rows.
func (l *lanes) sync(snap *lab.Snapshot, kind laneKind) laneRows {
	rows := l.rows(snap, kind)
	l.list[kind].sync(rows.len(), rows.key)
	return rows
}

// move moves the selection of the lane in focus by delta rows.
func (l *lanes) move(snap *lab.Snapshot, delta int) {
	l.unpick()
	rows := l.sync(snap, l.focus)
	l.list[l.focus].move(delta, rows.len(), rows.key)
}

// page moves it by delta pages.
func (l *lanes) page(snap *lab.Snapshot, delta int) { l.move(snap, delta*max(l.fit[l.focus], 1)) }

// home moves it to the first row and keeps it there, whichever row that is.
func (l *lanes) home() {
	l.unpick()
	l.list[l.focus].home()
}

// end does so with the last row.
func (l *lanes) end() {
	l.unpick()
	l.list[l.focus].end()
}

// follows reports whether the selection of the lane in focus stays at its newest row.
func (l *lanes) follows() bool { return l.pick == nil && l.list[l.focus].stance == atTop }

// cycleEnded shows the next choice of ended calls: all, completed, failed.
func (l *lanes) cycleEnded() {
	l.ended = (l.ended + 1) % (failedOnly + 1)
	if l.focus == endedLane {
		l.unpick()
	}
	l.list[endedLane].home()
}

// frames draws the lanes, or only the one in focus if zoomed: w cells wide with their borders, and h rows high inside. focused
// says that the keys go to the lanes.
func (l *lanes) frames(st *text.Styles, snap *lab.Snapshot, focused bool, w, h int) []text.Frame {
	widths := l.widths(w)
	var out []text.Frame
	for kind := range laneKind(laneCount) {
		if l.zoomed && kind != l.focus {
			continue
		}
		n, mine := widths[kind], focused && kind == l.focus
		body := l.body(st, snap, kind, mine, n, h) // before the title, which depends on the place in the list
		out = append(out, text.Frame{Width: n, Title: l.title(st, snap, kind, n-4), Focused: mine, Body: body})
	}
	return out
}

func (l *lanes) body(st *text.Styles, snap *lab.Snapshot, kind laneKind, focused bool, n, h int) []text.Line {
	rows := l.sync(snap, kind)
	v, lines := &l.list[kind], linesPerRow(kind, n)
	l.fit[kind] = max(h/lines, 1)
	if h <= 0 || n <= 0 {
		return nil
	}
	if rows.len() == 0 {
		return l.nothing(st, kind, n, h)
	}
	body := make([]text.Line, 0, h+1)
	for i := v.window(rows.len(), l.fit[kind]); i < rows.len() && len(body) < h; i++ {
		selected := focused && i == v.cursor && (l.pick == nil || l.picked)
		body = append(body, drawRow(st, rows, i, snap, n, selected, l.numberOf(rows, i))...)
	}
	return body[:min(len(body), h)]
}

// numberOf returns the number of the call of a row and a space, or "".
func (l *lanes) numberOf(rows laneRows, i int) string {
	if l.number == nil {
		return ""
	}
	n := l.number(rows.id(i))
	if n == 0 {
		return ""
	}
	return "#" + strconv.Itoa(n) + " "
}

// drawRow draws a row in n cells, with number before the ID.
func drawRow(st *text.Styles, rows laneRows, i int, snap *lab.Snapshot, n int, selected bool, number string) []text.Line {
	now, custom, mark := snap.Ledger.Now, snap.Load.Custom, " "
	if selected {
		mark = "▸"
	}
	room := n - text.Width(number)
	var r laneRow
	var lines []text.Line
	switch {
	case rows.strays != nil:
		var why string
		if r, why = strayRow(st, &rows.strays[i], now, room); n >= oneLineLane {
			r.words = append(r.words, st.Faint.Span(", "+why)).Cut(room - text.UUIDWidth - 2 - r.right.Width())
		} else {
			lines = []text.Line{text.Line{st.Faint.Span(" " + why)}.Fill(n)}
		}
	case rows.calls[i].Outcome == amqprpc.InFlight:
		r = flightRow(st, rows.calls[i], custom, now, room)
	default:
		r = endedRow(st, rows.calls[i], custom, room)
	}
	first := r.line(room, mark)
	if number != "" {
		first = slices.Insert(first, 1, r.ink.Span(number)) // after the mark
	}
	lines = slices.Insert(lines, 0, first)
	if selected {
		for i := range lines {
			lines[i] = lines[i].WithInk(st.Selected)
		}
	}
	return lines
}
