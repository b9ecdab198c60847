package tui

import (
	"fmt"
	"math"
	"strings"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// The smallest screen that everything fits on.
const minWidth, minHeight = 80, 24

// A layout says how the screen is divided: heights and widths of what is inside frames.
type layout struct {
	story, lanes, charts         int // rows; 0 where there is no such tier
	throughput, latency, servers int // cells
	margin                       int // cells left and right of what is in a chart
}

const (
	headRows    = 2 // where and how much
	adviceRows  = 2 // what one might do: as many if it is less, so that nothing jumps
	mostAdvice  = 4
	leastLanes  = 6 // rows that lanes have besides a whole story and charts
	leastCharts = 6
	footRows    = 3 // what is selected, what happened last, the keys: at least
	mostNote    = 3
	mostSelects = 2

	// Where the screen has too few rows for all: of a story that happens, and of charts.
	fewStoryRows, fewChartRows = 5, 5
)

// layout divides the screen; it returns false where that is too small.
func (m *Model) layout() (layout, bool) {
	if m.w < minWidth || m.h < minHeight {
		return layout{}, false
	}
	const borders = 3
	rows := m.h - headRows - max(m.said, m.leastAdvice()+footRows) - borders
	story := 0
	if m.telling() {
		story = storyRows
		if m.crowded() {
			story = fewStoryRows
		}
		rows -= story + 1
	}
	charts := min(max(rows/3, leastCharts), 14)
	switch {
	case story == 0 || rows-charts >= leastLanes:
	case m.crowded():
		charts = fewChartRows
	default: // nothing has happened yet that charts could show
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

// crowded reports whether a scenario happens, or has, on a screen with too few rows for all
// that there is to see: then all has fewer of them.
func (m *Model) crowded() bool {
	const all = headRows + adviceRows + storyRows + leastLanes + leastCharts + footRows + 4 // borders
	return m.telling() && m.told.State != tour.Intro && m.h < all
}

// leastAdvice is how many rows advice has at least.
func (m *Model) leastAdvice() int {
	if m.crowded() {
		return 1
	}
	return adviceRows
}

// View returns the picture that was taken last.
func (m *Model) View() string { return m.frame }

// draw draws the picture: as many lines as the screen has, none wider than it is.
func (m *Model) draw() string {
	if m.w < minWidth || m.h < minHeight {
		return m.tooSmall()
	}
	st := m.st
	advice, foot := m.adviceLines(), m.footLines()
	m.said = len(advice) + len(foot)
	d, _ := m.layout()
	out := make([]string, 0, m.h)
	add := func(l text.Line) { out = append(out, l.Cut(m.w).Render()) }

	for _, l := range headerLines(st, m.headerLook(), m.w) {
		add(l)
	}
	for _, l := range advice {
		add(l)
	}
	body := m.h - headRows - m.said
	switch m.currentMode() {
	case inspecting:
		out = m.inspector.frames(st, m.w, body).Draw(st, out)
	case readingLog:
		g := text.Grid{{Height: body - 2, Frames: []text.Frame{{
			Width: m.w - 2, Title: text.Line{st.Title.Span(noteTitle(&m.look))}, Body: m.noteLines(m.w-2, body-2), Focused: true,
		}}}}
		out = g.Draw(st, out)
	case readingHelp:
		lines := m.helpLines(m.w - 2)
		m.helpFrom = min(max(m.helpFrom, 0), max(len(lines)-(body-2), 0))
		title := text.Line{st.Title.Span("Help")}
		if more := len(lines) - m.helpFrom - (body - 2); more > 0 {
			title = append(title, st.Faint.Span(fmt.Sprintf("  ↓ %d more lines", more)))
		}
		g := text.Grid{{Height: body - 2, Frames: []text.Frame{{Width: m.w - 2, Title: title, Body: lines[m.helpFrom:], Focused: true}}}}
		out = g.Draw(st, out)
	case choosing:
		g := text.Grid{{Height: body - 2, Frames: []text.Frame{{
			Width: m.w - 2, Title: text.Line{st.Title.Span(m.menu.name)}, Body: m.menu.lines(st, m.w-2, body-2), Focused: true,
		}}}}
		out = g.Draw(st, out)
	default:
		m.lanes.empty[inFlightLane] = ""
		if !m.telling() {
			m.lanes.empty[inFlightLane] = explain.WhyIdle(&m.look)
		}
		m.lanes.empty[duplicateLane] = ""
		if !explain.StartsServers(&m.look) {
			m.lanes.empty[duplicateLane] = "None yet. A duplicate is a second reply to a call that has its answer. d sends one."
		}
		if m.player != nil {
			m.lanes.empty = emptyInReplay
		}
		var g text.Grid
		if d.story > 0 {
			g = append(g, text.Tier{Height: d.story, Frames: []text.Frame{storyPanel(st, &m.told, m.w-2, d.story)}})
		}
		g = append(g, text.Tier{Height: d.lanes, Frames: m.lanes.frames(st, &m.look, !m.onServers, m.w, d.lanes)})
		if d.charts > 0 {
			g = append(g, text.Tier{Height: d.charts, Frames: []text.Frame{
				throughputPanel(st, &m.look, spans[m.span], d.throughput-2*d.margin, d.charts).Pad(d.margin),
				latencyPanel(st, &m.look, d.latency-2*d.margin, d.charts).Pad(d.margin),
				m.servers.panel(st, &m.look, m.onServers, d.servers-2*d.margin, d.charts).Pad(d.margin),
			}})
		}
		out = g.Draw(st, out)
	}

	for _, l := range foot {
		add(l)
	}
	return strings.Join(out, "\n")
}

// currentMode is what is to be drawn above the footer.
func (m *Model) currentMode() mode {
	if m.mode == prompting {
		return m.below[len(m.below)-1]
	}
	return m.mode
}

// adviceLines are the one thing that a newcomer should know now; in a recording, where
// in it one is.
func (m *Model) adviceLines() []text.Line {
	if m.look.Replay != nil {
		return replayLines(m.st, m.look.Replay, m.w)
	}
	all := m.advice()
	if len(all) == 0 || m.mode != browsing && all[0].Level != lab.Failure { // hints are about the lanes
		return make([]text.Line, m.leastAdvice())
	}
	ink, mark := m.st.Plain, " → "
	if all[0].Level == lab.Failure {
		ink, mark = m.st.Warn, " ! "
	}
	var out []text.Line
	for _, part := range text.Limit(text.Wrap(all[0].Text, m.w-4), mostAdvice) {
		out = append(out, text.Line{m.st.Warn.Span(mark), ink.Span(part)})
		mark = "   "
	}
	for len(out) < m.leastAdvice() {
		out = append(out, nil)
	}
	return out
}

// footLines are what is selected, what happened last, and the keys; or a prompt and the keys.
func (m *Model) footLines() []text.Line {
	if m.mode == prompting {
		return append(m.prompt.lines(m.st, m.w), m.keyLine())
	}
	return append(append(m.selectionLines(), m.newestNote()...), m.keyLine())
}

// selectionLines say what is selected. While it is the newest row, whichever that is, they
// are one line, so that nothing jumps.
func (m *Model) selectionLines() []text.Line {
	if m.mode != browsing || m.onServers {
		return []text.Line{nil}
	}
	l := text.Line{m.st.Plain.Span(" ")}
	if m.filter != "" {
		l = append(l, m.st.Warn.Span("only "+text.Escape(m.filter, m.w/3)), m.st.Faint.Span(" (esc: all)  "))
	}
	used := l.Width()
	if m.lanes.follows() {
		return []text.Line{append(l, m.st.Plain.Span(m.lanes.sentence(&m.look, m.w-used)))}
	}
	out := make([]text.Line, mostSelects)
	sentence := m.lanes.sentence(&m.look, math.MaxInt)
	parts := text.WrapAfter(sentence, used-1, m.w-2)
	if len(parts) > mostSelects {
		parts = text.WrapAfter(m.lanes.sentence(&m.look, text.Width(sentence)-1), used-1, m.w-2)
	}
	for i, part := range text.Limit(parts, mostSelects) {
		out[i] = append(l, m.st.Plain.Span(part))
		l = text.Line{m.st.Plain.Span(" ")}
	}
	return out
}

// newestNote is the note of what happened last.
func (m *Model) newestNote() []text.Line {
	n := len(m.look.Notes)
	if n == 0 {
		return []text.Line{nil}
	}
	most := mostNote
	if m.crowded() {
		most = 1
	}
	out := noteInLines(m.st, m.look.Notes[n-1], m.w-1, most)
	for i := range out {
		out[i] = append(text.Line{m.st.Plain.Span(" ")}, out[i]...)
	}
	return out
}

// tooSmall says what a screen has and what is needed, in whatever room there is.
func (m *Model) tooSmall() string {
	if m.w <= 0 || m.h <= 0 {
		return ""
	}
	var out []string
	for _, l := range []text.Line{
		{m.st.Warn.Span("too small")},
		{m.st.Plain.Span(fmt.Sprintf("have %dx%d", m.w, m.h))},
		{m.st.Plain.Span(fmt.Sprintf("need %dx%d", minWidth, minHeight))},
		{m.st.Faint.Span("q quits")},
	} {
		if len(out) < m.h {
			out = append(out, l.Cut(m.w).Render())
		}
	}
	return strings.Join(out, "\n")
}
