package tui

import (
	"cmp"
	"slices"
	"time"
)

// An axis lays times out over cells. Where for long nothing happens it has a break, so
// that the rest can be told apart.
type axis struct {
	cells  int
	breaks []gap
	edges  []float64 // cell at which each of times is
	times  []time.Time
	left   time.Duration // left out altogether
}

// A gap is a time between two others.
type gap struct{ from, to time.Time }

const (
	mostBreaks = 3
	// dwarfs is how many times longer than all the rest a gap is that is left out.
	dwarfs = 5
)

func newAxis(all []step, n int, whole bool) axis {
	a := axis{cells: n}
	for _, s := range all {
		a.times = append(a.times, s.at)
		if !s.from.IsZero() {
			a.times = append(a.times, s.from)
		}
	}
	slices.SortFunc(a.times, time.Time.Compare)
	a.times = slices.CompactFunc(a.times, time.Time.Equal)
	if len(a.times) == 0 {
		return a
	}
	if !whole {
		a.leaveOut(all)
	}
	a.lay()
	return a
}

// leaveOut finds the gaps that dwarf the rest.
func (a *axis) leaveOut(all []step) {
	var idle []gap // in which nothing goes on
	for i := 1; i < len(a.times); i++ {
		g := gap{a.times[i-1], a.times[i]}
		busy := slices.ContainsFunc(all, func(s step) bool { return !s.from.IsZero() && !s.from.After(g.from) && !s.at.Before(g.to) })
		if !busy {
			idle = append(idle, g)
		}
	}
	slices.SortStableFunc(idle, func(x, y gap) int { return cmp.Compare(y.to.Sub(y.from), x.to.Sub(x.from)) })
	rest := a.times[len(a.times)-1].Sub(a.times[0])
	for _, g := range idle[:min(len(idle), mostBreaks, max(a.cells/4-1, 0))] {
		length := g.to.Sub(g.from)
		if rest -= length; rest <= 0 || length < dwarfs*rest {
			break
		}
		a.breaks = append(a.breaks, g)
		a.left += length
	}
}

func (a *axis) broken(from time.Time) bool {
	return slices.ContainsFunc(a.breaks, func(g gap) bool { return g.from.Equal(from) })
}

// lay gives each time its cell. A break takes two.
func (a *axis) lay() {
	total := a.times[len(a.times)-1].Sub(a.times[0]) - a.left
	scale := 0.0
	if room := a.cells - 1 - 2*len(a.breaks); total > 0 && room > 0 {
		scale = float64(room) / float64(total)
	}
	x := 0.0
	for i, t := range a.times {
		switch {
		case i == 0:
		case a.broken(a.times[i-1]):
			x += 2
		default:
			x += float64(t.Sub(a.times[i-1])) * scale
		}
		a.edges = append(a.edges, x)
	}
}

// at returns the cell of a time that the axis knows.
func (a *axis) at(t time.Time) int {
	i, _ := slices.BinarySearchFunc(a.times, t, time.Time.Compare)
	if i >= len(a.edges) {
		return 0
	}
	return min(int(a.edges[i]+0.5), a.cells-1)
}

// draw draws a step: a bar for a phase, its mark where it ends, and the breaks.
func (a *axis) draw(s step) string {
	signs := make([]rune, a.cells)
	for i := range signs {
		signs[i] = ' '
	}
	end := a.at(s.at)
	if !s.from.IsZero() {
		for x := a.at(s.from); x < end; x++ {
			signs[x] = '━'
		}
	}
	for _, g := range a.breaks {
		signs[min(a.at(g.from)+1, a.cells-1)] = '┄'
	}
	signs[end] = []rune(s.mark)[0]
	return string(signs)
}

// legend says what the axis spans.
func (a *axis) legend() string {
	if a.cells == 0 || len(a.times) < 2 {
		return ""
	}
	all := a.times[len(a.times)-1].Sub(a.times[0])
	if a.left > 0 {
		return took(all) + " (┄: nothing happens for " + took(a.left) + ")"
	}
	return took(all)
}
