package tui

import (
	"fmt"
	"math"
	"strings"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// View returns the last picture.
func (m *Model) View() string { return m.frame }

// draw draws exactly as many lines as the screen has, none of them wider than the screen.
func (m *Model) draw() string {
	if m.w < minWidth || m.h < minHeight {
		return m.tooSmall()
	}
	st := m.st
	advice, foot := m.adviceLines(), m.footLines()
	m.messageRows = len(advice) + len(foot)
	d, _ := m.layout()
	out := make([]string, 0, m.h)
	add := func(l text.Line) { out = append(out, l.Cut(m.w).Render()) }

	for _, l := range headerLines(st, m.headerSnapshot(), m.w) {
		add(l)
	}
	for _, l := range advice {
		add(l)
	}
	body := m.h - headerRows - m.messageRows
	whole := func(title text.Line, lines []text.Line) { // fills the body with one frame
		g := text.Grid{{Height: body - 2, Frames: []text.Frame{{Width: m.w - 2, Title: title, Body: lines, Focused: true}}}}
		out = g.Draw(st, out)
	}
	switch m.bodyMode() {
	case inspecting:
		out = m.inspector.frames(st, m.w, body).Draw(st, out)
	case readingLog:
		whole(text.Line{st.Title.Span("Log")}, m.log.lines(st, m.snapshot.Notes, m.w-2, body-2))
	case readingHelp:
		lines := m.helpLines(m.w - 2)
		m.helpFrom = min(max(m.helpFrom, 0), max(len(lines)-(body-2), 0))
		title := text.Line{st.Title.Span("Help")}
		if more := len(lines) - m.helpFrom - (body - 2); more > 0 {
			title = append(title, st.Faint.Span("  ↓ "+text.Plural(more, "more line", "more lines")))
		}
		whole(title, lines[m.helpFrom:])
	case choosing:
		whole(text.Line{st.Title.Span(m.menu.name)}, m.menu.lines(st, m.w-2, body-2))
	default:
		m.lanes.empty[inFlightLane] = ""
		if !m.telling() {
			m.lanes.empty[inFlightLane] = explain.WhyIdle(&m.snapshot)
		}
		m.lanes.empty[duplicateLane] = ""
		if !explain.StartsServers(&m.snapshot) {
			m.lanes.empty[duplicateLane] = "None yet. A duplicate is a second reply to a call that has its answer. d sends one."
		}
		if m.player != nil {
			m.lanes.empty = emptyInReplay
		}
		var g text.Grid
		if d.story > 0 {
			g = append(g, text.Tier{Height: d.story, Frames: []text.Frame{storyPanel(st, &m.tourSnapshot, m.w-2, d.story)}})
		}
		g = append(g, text.Tier{Height: d.lanes, Frames: m.lanes.frames(st, &m.snapshot, !m.onServers, m.w, d.lanes)})
		if d.charts > 0 {
			g = append(g, text.Tier{Height: d.charts, Frames: []text.Frame{
				throughputPanel(st, &m.snapshot, spans[m.span], d.throughput-2*d.margin, d.charts).Pad(d.margin),
				latencyPanel(st, &m.snapshot, d.latency-2*d.margin, d.charts).Pad(d.margin),
				m.servers.panel(st, &m.snapshot, m.onServers, d.servers-2*d.margin, d.charts).Pad(d.margin),
			}})
		}
		out = g.Draw(st, out)
	}

	for _, l := range foot {
		add(l)
	}
	return strings.Join(out, "\n")
}

// bodyMode returns the mode to draw above the footer.
func (m *Model) bodyMode() mode {
	if m.mode == prompting {
		return m.modeStack[len(m.modeStack)-1]
	}
	return m.mode
}

// adviceLines draws the most important advice or, in a recording, the position.
func (m *Model) adviceLines() []text.Line {
	if m.snapshot.Replay != nil {
		return replayLines(m.st, m.snapshot.Replay, m.w)
	}
	advice := m.advice()
	if advice.Text == "" || m.mode != browsing && advice.Level != lab.Failure { // hints are about the lanes
		return make([]text.Line, m.minAdvice())
	}
	ink, mark := m.st.Plain, " → "
	if advice.Level == lab.Failure {
		ink, mark = m.st.Warn, " ! "
	}
	out := text.Paragraph(m.st.Warn.Span(mark), text.Limit(text.Wrap(advice.Text, m.w-4), maxAdviceRows), ink)
	for len(out) < m.minAdvice() {
		out = append(out, nil)
	}
	return out
}

// footLines draws the selection and the newest note, or a prompt, and the keys.
func (m *Model) footLines() []text.Line {
	if m.mode == prompting {
		return append(m.prompt.lines(m.st, m.w), m.keyLine())
	}
	return append(append(m.selectionLines(), m.newestNote()...), m.keyLine())
}

// selectionLines describes the selected row. It is one line while the selection follows the newest row, so that the
// panels do not jump.
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
		return []text.Line{append(l, m.st.Plain.Span(m.lanes.sentence(&m.snapshot, m.w-used)))}
	}
	out := make([]text.Line, maxSelectionRows)
	sentence := m.lanes.sentence(&m.snapshot, math.MaxInt)
	parts := text.WrapAfter(sentence, used-1, m.w-2)
	if len(parts) > maxSelectionRows {
		parts = text.WrapAfter(m.lanes.sentence(&m.snapshot, text.Width(sentence)-1), used-1, m.w-2)
	}
	for i, part := range text.Limit(parts, maxSelectionRows) {
		out[i] = append(l, m.st.Plain.Span(part))
		l = text.Line{m.st.Plain.Span(" ")}
	}
	return out
}

// newestNote draws the newest note.
func (m *Model) newestNote() []text.Line {
	n := len(m.snapshot.Notes)
	if n == 0 {
		return []text.Line{nil}
	}
	rows := maxNoteRows
	if m.crowded() {
		rows = 1
	}
	out := noteInLines(m.st, m.snapshot.Notes[n-1], m.w-1, rows)
	for i := range out {
		out[i] = append(text.Line{m.st.Plain.Span(" ")}, out[i]...)
	}
	return out
}

// tooSmall says how large the screen is and has to be.
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
