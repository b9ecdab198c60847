package tui

import "rpcscope/tui/tour"

// The smallest screen that has room for everything.
const minWidth, minHeight = 80, 24

// A layout divides the screen into panels. Its heights and widths are those inside frames.
type layout struct {
	story, lanes, charts         int // rows; 0 if there is no such tier
	throughput, latency, servers int // cells
	margin                       int // cells left and right of a chart
}

const (
	headerRows       = 2
	minAdviceRows    = 2 // short advice has empty rows, so that the panels do not jump
	maxAdviceRows    = 4
	minLaneRows      = 6
	minChartRows     = 6
	minFooterRows    = 3 // the selection, the newest note, the keys
	maxNoteRows      = 3
	maxSelectionRows = 2

	// On a screen that is too small for all.
	shortStoryRows, shortChartRows = 5, 5
)

// layout divides the screen. It returns false if the screen is too small.
func (m *Model) layout() (layout, bool) {
	if m.w < minWidth || m.h < minHeight {
		return layout{}, false
	}
	const borders = 3
	rows := m.h - headerRows - max(m.messageRows, m.minAdvice()+minFooterRows) - borders
	story := 0
	if m.telling() {
		story = storyRows
		if m.crowded() {
			story = shortStoryRows
		}
		rows -= story + 1
	}
	charts := min(max(rows/3, minChartRows), 14)
	switch {
	case story == 0 || rows-charts >= minLaneRows:
	case m.crowded():
		charts = shortChartRows
	default: // before the scenario, charts have nothing to show
		charts = 0
		rows++
	}
	inside := m.w - 4
	third := inside * 3 / 10
	margin := 0
	if m.w >= 100 {
		margin = 1
	}
	return layout{
		margin: margin,
		story:  story, lanes: rows - charts, charts: charts,
		throughput: third, latency: third, servers: inside - 2*third,
	}, true
}

// crowded reports whether a scenario plays, or has played, on a screen that is too small for all panels.
func (m *Model) crowded() bool {
	const all = headerRows + minAdviceRows + storyRows + minLaneRows + minChartRows + minFooterRows + 4 // borders
	return m.telling() && m.tourSnapshot.State != tour.Intro && m.h < all
}

// minAdvice returns the least number of rows of advice.
func (m *Model) minAdvice() int {
	if m.crowded() {
		return 1
	}
	return minAdviceRows
}
