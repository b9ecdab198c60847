package text

import (
	"cmp"
	"slices"
	"time"
)

// An Interval is drawn as a bar that ends in a mark, or as the mark alone if From is zero.
type Interval struct{ From, To time.Time }

// An Axis maps the times of a list of intervals to cells. A long gap in which nothing happens
// takes two cells, so that the rest can be told apart.
type Axis struct {
	width   int
	times   []time.Time
	columns []float64 // the cell of each time
	breaks  []Interval
	skipped time.Duration // the length of all breaks
}

const (
	maxBreaks = 3
	// breakRatio is how many times longer than all the rest a gap must be to become a break.
	breakRatio = 5
)

// NewAxis returns an axis of width cells. If whole, it has no breaks.
func NewAxis(all []Interval, width int, whole bool) Axis {
	a := Axis{width: width}
	for _, in := range all {
		a.times = append(a.times, in.To)
		if !in.From.IsZero() {
			a.times = append(a.times, in.From)
		}
	}
	slices.SortFunc(a.times, time.Time.Compare)
	a.times = slices.CompactFunc(a.times, time.Time.Equal)
	if len(a.times) == 0 {
		return a
	}
	if !whole {
		a.findBreaks(all)
	}
	a.setColumns()
	return a
}

func (a *Axis) total() time.Duration { return a.times[len(a.times)-1].Sub(a.times[0]) }

func (a *Axis) findBreaks(all []Interval) {
	var idle []Interval
	for i := 1; i < len(a.times); i++ {
		gap := Interval{a.times[i-1], a.times[i]}
		busy := slices.ContainsFunc(all, func(in Interval) bool {
			return !in.From.IsZero() && !in.From.After(gap.From) && !in.To.Before(gap.To)
		})
		if !busy {
			idle = append(idle, gap)
		}
	}
	slices.SortStableFunc(idle, func(x, y Interval) int { return cmp.Compare(y.To.Sub(y.From), x.To.Sub(x.From)) })
	rest := a.total()
	for _, gap := range idle[:min(len(idle), maxBreaks, max(a.width/4-1, 0))] {
		length := gap.To.Sub(gap.From)
		if rest -= length; rest <= 0 || length < breakRatio*rest {
			break
		}
		a.breaks = append(a.breaks, gap)
		a.skipped += length
	}
}

func (a *Axis) setColumns() {
	scale := 0.0
	if total, room := a.total()-a.skipped, a.width-1-2*len(a.breaks); total > 0 && room > 0 {
		scale = float64(room) / float64(total)
	}
	x := 0.0
	for i, t := range a.times {
		if i > 0 {
			before := a.times[i-1]
			if slices.ContainsFunc(a.breaks, func(gap Interval) bool { return gap.From.Equal(before) }) {
				x += 2
			} else {
				x += float64(t.Sub(before)) * scale
			}
		}
		a.columns = append(a.columns, x)
	}
}

// column returns the cell of a time of the list.
func (a *Axis) column(t time.Time) int {
	i, _ := slices.BinarySearchFunc(a.times, t, time.Time.Compare)
	if i >= len(a.columns) {
		return 0
	}
	return min(int(a.columns[i]+0.5), a.width-1)
}

// Draw draws an Interval of the list, with mark at its end, and the breaks.
func (a *Axis) Draw(in Interval, mark rune) string {
	row := []rune(Spaces(a.width))
	end := a.column(in.To)
	if !in.From.IsZero() {
		for x := a.column(in.From); x < end; x++ {
			row[x] = '━'
		}
	}
	for _, gap := range a.breaks {
		row[min(a.column(gap.From)+1, a.width-1)] = '┄'
	}
	row[end] = mark
	return string(row)
}

// Legend says how long the axis is, and how much of that its breaks are.
func (a *Axis) Legend() string {
	switch {
	case a.width == 0 || len(a.times) < 2:
		return ""
	case a.skipped > 0:
		return Duration(a.total()) + " (┄: nothing happens for " + Duration(a.skipped) + ")"
	}
	return Duration(a.total())
}
