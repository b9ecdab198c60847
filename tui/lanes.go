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

// endedRows are what the lane of ended calls shows.
type endedRows int

const (
	allEnded endedRows = iota // completed and failed, by the time of their end
	completedOnly
	failedOnly
)

// mostLaneRows is how many rows of a lane can be reached: as many as a filter looks at.
const mostLaneRows = 8192

// lanes are the heart of the screen: what is in flight, what has ended, and what was
// discarded, by correlation ID. The zero value shows all four, with the first one in
// focus. Each lane remembers which of its rows is selected; see [list].
//
// A look is drawn as it was asked for: query first, then frames of the look that came.
type lanes struct {
	focus  laneKind
	ended  endedRows
	zoomed bool
	filter filter
	// empty is what an empty lane says instead of its usual words.
	empty [laneCount]string
	// number, if set, returns the number of a call, 0 for none. Rows begin with it.
	number func(id string) int

	list  [laneCount]list
	fit   [laneCount]int    // rows that were seen last
	total [laneCount]uint64 // rows there have ever been
	grown [laneCount]int    // by which that grew from one look to the next
	asked int               // ended rows, of the last query

	searching bool // the next query looks for the rows that are selected

	pick   *pick // what was made or gone to, if nothing else has been selected since
	picked bool  // it is in the lane in focus
}

// setFilter shows only the rows that f picks, from the next query on.
func (l *lanes) setFilter(f filter) { l.filter = f }

// query makes q ask for the rows that the lanes would show in a frame of w cells with h
// rows inside, a page more to move to, and as many as may push the selected one down in
// the meantime.
func (l *lanes) query(q *ledger.Query, w, h int) {
	var n [laneCount]int
	for kind, width := range l.widths(w) {
		lines := rowLines(laneKind(kind), width)
		page := (max(h, 0) + lines - 1) / lines
		v := &l.list[kind]
		n[kind] = max(v.offset, v.cursor) + 2*page
		switch {
		case v.stance == atLast, l.searching && (v.stance == onRow || l.pick != nil):
			n[kind] = mostLaneRows
		case v.stance == onRow && laneKind(kind) != inFlightLane:
			n[kind] += 16 + 2*l.grown[kind]
		}
		n[kind] = min(n[kind], mostLaneRows)
	}
	l.searching = false
	q.InFlight = n[inFlightLane]
	q.Completed, q.Failed = n[endedLane], n[endedLane]
	q.Duplicates, q.Orphans = n[duplicateLane], n[orphanedLane]
	l.asked = n[endedLane]
	l.filter.apply(q)
}

// widths returns the cells inside each lane, of w cells in all. Where there are few, the
// lane in focus has more than the others, for at least one to be read with ease. Zoomed,
// the others have none.
func (l *lanes) widths(w int) (n [laneCount]int) {
	if l.zoomed {
		n[l.focus] = max(w-2, 0)
		return n
	}
	const wide, narrow, least = 100, 28, 16
	room := max(w-laneCount-1, 0)
	own := room / laneCount
	if w < wide {
		own = max(own, min(narrow, room-(laneCount-1)*least))
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

// rowLines is how many lines a row takes.
func rowLines(kind laneKind, width int) int {
	if kind >= duplicateLane && width < flatLane {
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

// id is the correlation ID of a row.
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

func (l *lanes) rows(look *lab.Snapshot, kind laneKind) laneRows {
	b := &look.Ledger
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

// merge returns the calls of a and b by the time of their end, newest first, as both are.
// Of each, so many were asked for: one that has as many may go on, and where it ends
// nobody knows what comes next.
func merge(a, b []ledger.Call, asked int) []*ledger.Call {
	out := make([]*ledger.Call, 0, len(a)+len(b))
	more := func(calls []ledger.Call) bool { return asked > 0 && len(calls) >= asked }
	for i, j := 0, 0; ; {
		switch {
		case i == len(a) && (j == len(b) || more(a)), j == len(b) && more(b):
			return out
		case j == len(b) || i < len(a) && !a[i].Ended.Before(b[j].Ended):
			out = append(out, &a[i])
			i++
		default:
			out = append(out, &b[j])
			j++
		}
	}
}

// sync brings a lane's list up to date and returns its rows.
func (l *lanes) sync(look *lab.Snapshot, kind laneKind) laneRows {
	rows := l.rows(look, kind)
	if total := l.totalOf(look, kind); total != l.total[kind] {
		// The first look has no other to compare with.
		if l.grown[kind] = 0; total > l.total[kind] && l.total[kind] > 0 {
			l.grown[kind] = int(min(total-l.total[kind], mostLaneRows))
		}
		l.total[kind] = total
	}
	l.list[kind].sync(rows.len(), rows.key)
	return rows
}

func (l *lanes) totalOf(look *lab.Snapshot, kind laneKind) uint64 {
	b := &look.Ledger
	switch kind {
	case endedLane:
		return b.Calls.Completed + b.Calls.Failed
	case duplicateLane:
		return b.Replies.Duplicates
	case orphanedLane:
		return b.Replies.Orphaned()
	}
	return b.Calls.InFlight
}

// move moves the selection of the lane in focus by so many rows.
func (l *lanes) move(look *lab.Snapshot, delta int) {
	l.unpick()
	rows := l.sync(look, l.focus)
	l.list[l.focus].move(delta, rows.len(), rows.key)
}

// page moves it by so many pages.
func (l *lanes) page(look *lab.Snapshot, delta int) { l.move(look, delta*max(l.fit[l.focus], 1)) }

// home and end move it to the first and the last row, and make it stay there whichever
// row that is.
func (l *lanes) home() {
	l.unpick()
	l.list[l.focus].home()
}

func (l *lanes) end() {
	l.unpick()
	l.list[l.focus].end()
}

// follows reports whether the lane in focus shows its newest row, whichever that is.
func (l *lanes) follows() bool { return l.pick == nil && l.list[l.focus].stance == atTop }

// search makes the next query ask for all rows of the lanes that keep to a row, for it to
// be found again after a time in which nobody looked.
func (l *lanes) search() { l.searching = true }

// zoom shows the lane in focus alone, at full width, or all four again.
func (l *lanes) zoom() { l.zoomed = !l.zoomed }

// cycleEnded shows the next choice of ended calls: all, the completed, the failed ones.
func (l *lanes) cycleEnded() {
	l.ended = (l.ended + 1) % (failedOnly + 1)
	if l.focus == endedLane {
		l.unpick()
	}
	l.list[endedLane].home()
}

// frames draws the lanes: four frames side by side, or zoomed one, with their borders w
// cells wide and h rows high inside. Focused says that the keys go to the lanes.
func (l *lanes) frames(st *text.Styles, look *lab.Snapshot, focused bool, w, h int) []text.Frame {
	widths := l.widths(w)
	var out []text.Frame
	for kind := range laneKind(laneCount) {
		if l.zoomed && kind != l.focus {
			continue
		}
		n, mine := widths[kind], focused && kind == l.focus
		body := l.body(st, look, kind, mine, n, h) // first, for the title to know where the list is
		out = append(out, text.Frame{Width: n, Title: l.title(st, look, kind, n-4), Focused: mine, Body: body})
	}
	return out
}

func (l *lanes) body(st *text.Styles, look *lab.Snapshot, kind laneKind, focused bool, n, h int) []text.Line {
	rows := l.sync(look, kind)
	v, lines := &l.list[kind], rowLines(kind, n)
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
		body = append(body, drawRow(st, rows, i, look, n, selected, l.numberOf(rows, i))...)
	}
	return body[:min(len(body), h)]
}

// numberOf writes the number of a row's call, and a space after it; "" for none.
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

// drawRow draws a row in n cells, with the number of its call before the ID.
func drawRow(st *text.Styles, rows laneRows, i int, look *lab.Snapshot, n int, selected bool, number string) []text.Line {
	now, custom, mark := look.Ledger.Now, look.Load.Custom, " "
	if selected {
		mark = "▸"
	}
	room := n - text.Width(number)
	var r laneRow
	var lines []text.Line
	switch {
	case rows.strays != nil:
		var why string
		if r, why = strayRow(st, &rows.strays[i], now, room); n >= flatLane {
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
