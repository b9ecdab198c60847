package tui

// A rowKey identifies a row of a lane: a call by its ID, a discarded reply by its number.
type rowKey struct {
	id  string
	seq uint64
}

// A stance is the row that the cursor stays on while rows come and go.
type stance uint8

const (
	atTop  stance = iota // the first row, whichever it is
	onRow                // one row, wherever it goes
	atLast               // the last row, whichever it is
)

// A list is a window onto rows that come and go, with a cursor. It knows the keys of the rows only, so that rows outside
// the window need not be drawn.
type list struct {
	stance stance
	key    rowKey // of the row under the cursor, if the stance is onRow
	cursor int
	offset int // the first row of the window
}

// sync tells the list the keys of its n rows. If the row under the cursor has moved, cursor and window move with it. If that
// row has gone, the cursor keeps its place.
func (l *list) sync(n int, key func(int) rowKey) {
	if n == 0 {
		*l = list{}
		return
	}
	switch l.stance {
	case atTop:
		l.cursor, l.offset = 0, 0
	case atLast:
		l.cursor = n - 1
	case onRow:
		at := l.find(n, key)
		if at < 0 {
			at = min(l.cursor, n-1)
			l.key = key(at)
		}
		l.offset = max(l.offset+at-l.cursor, 0)
		l.cursor = at
	}
	l.offset = min(l.offset, n-1)
}

func (l *list) find(n int, key func(int) rowKey) int {
	if l.cursor < n && key(l.cursor) == l.key {
		return l.cursor
	}
	for i := range n {
		if key(i) == l.key {
			return i
		}
	}
	return -1
}

// move moves the cursor by delta rows. The list must be in sync with the rows.
func (l *list) move(delta, n int, key func(int) rowKey) {
	if n == 0 || delta == 0 {
		return
	}
	l.cursor = min(max(l.cursor+delta, 0), n-1)
	if l.cursor == 0 {
		l.stance = atTop
		return
	}
	l.stance, l.key = onRow, key(l.cursor)
}

func (l *list) home() { *l = list{} }

// end keeps the cursor on the last row. If not all rows are known yet, the next sync finds it.
func (l *list) end() { l.stance = atLast }

// window returns the first row to draw if fit rows have room, so that the cursor is among them.
func (l *list) window(n, fit int) int {
	fit = max(fit, 1)
	l.offset = min(max(l.offset, l.cursor-fit+1), l.cursor)
	l.offset = max(min(l.offset, n-fit), 0)
	return l.offset
}
