package tui

// A rowKey tells rows of a lane apart: calls by their ID, discarded replies by their
// number.
type rowKey struct {
	id  string
	seq uint64
}

// A stance says what a list's cursor keeps to while rows come and go.
type stance uint8

const (
	atTop  stance = iota // the first row, whichever it is
	onRow                // one row, wherever it goes
	atLast               // the last row, whichever it is
)

// A list is a window onto rows that come and go. It has a cursor, which at first keeps to
// the top and, once moved, to a row. It knows rows by their number and key alone, so
// that only those that are seen have to be drawn.
type list struct {
	stance stance
	key    rowKey // of the row under the cursor, where it keeps to one
	cursor int
	offset int // the first row that is seen
}

// sync tells the list which rows there are now: n of them, with these keys. Where its row
// has moved, cursor and window move along, so that the picture stands still. Where its
// row has gone, the cursor stays and keeps to the row that is there now.
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

// move moves the cursor by so many rows. It must be in sync with them. At the top it
// keeps to the top again.
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

// end makes the cursor keep to the last row. Where not all rows are known yet, the next
// ones tell which that is.
func (l *list) end() { l.stance = atLast }

// window returns the first row to draw where so many fit, with the cursor's among them.
func (l *list) window(n, fit int) int {
	fit = max(fit, 1)
	l.offset = min(max(l.offset, l.cursor-fit+1), l.cursor)
	l.offset = max(min(l.offset, n-fit), 0)
	return l.offset
}
