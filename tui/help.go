package tui

import (
	"slices"

	"rpcscope/tui/text"
)

// The vocabulary of the screen, in the order of the lanes.
var vocabulary = [][2]string{
	{"in flight", "a call that waits for its answer"},
	{"completed", "a call whose answer came, right or wrong. Others failed, and say why"},
	{"duplicate", "a reply to a call that has its answer. Discarded"},
	{"orphaned", "a reply that no call waits for: late, or with an unknown ID. Discarded"},
}

// keysOn returns the keys that the help shows for a source.
func keysOn(groups []keyGroup, on source) (shown []keyGroup) {
	for _, g := range groups {
		g.rows = slices.DeleteFunc(slices.Clone(g.rows), func(r keyRow) bool { return r.help == "" || r.on&on == 0 })
		if len(g.rows) > 0 {
			shown = append(shown, g)
		}
	}
	return shown
}

// helpText explains marks, filters and selections.
func (m *Model) helpText() string {
	const both = "In a chart: █ completed, ▒ failed, d o * duplicates, orphans, both, " +
		"▲ ▼ a server came, went. Latencies are those of the whole run; servers' rates count replies. " +
		"A filter is words that must all hold: state:failed server:fib-1 n:20-35 id:7f3a, any other text, and ! for not."
	if m.player != nil {
		return "This is a recording: the screen shows the state at the time given under the header. " +
			"The bar below that is the whole recording: ━ played, ─ still to play, · not yet read; d o x * are " +
			"duplicates, orphans, failures, and several of them. " + both
	}
	return "A paused load starts no calls; a frozen screen does not change while calls go on. " +
		"S, K and r are about the server that is selected, or the newest that is running; d about the call that is selected, " +
		"or the newest completed one. " + both
}

// helpLines draws all keys, the vocabulary and the help text.
func (m *Model) helpLines(w int) []text.Line {
	st := m.st
	out := keyLines(st, keysOn(m.keys, m.source()), w)

	out = append(out, text.Line{st.Title.Span(" What the words mean")})
	for i, ink := range []text.Ink{st.InFlight, st.Completed, st.Duplicate, st.Orphaned} {
		word, meaning := vocabulary[i][0], vocabulary[i][1]
		out = append(out, text.Paragraph(ink.Span(" "+text.Left(word, 12)), text.Wrap(meaning, w-13), st.Plain)...)
	}
	if m.snapshot.StandIn != "" {
		out = append(out, nil, text.Line{st.Title.Span(" The broker")})
		out = append(out, text.Paragraph(text.Plain(" "), text.Wrap(text.Escape(m.snapshot.StandIn, 300), w-2), st.Plain)...)
	}
	out = append(out, nil)
	for _, part := range text.Wrap(m.helpText(), w-2) {
		out = append(out, text.Line{st.Faint.Span(" " + part)})
	}
	return out
}

// keyLines draws groups of keys, as many side by side as fit in w cells.
func keyLines(st *text.Styles, groups []keyGroup, w int) (out []text.Line) {
	const gap = 3
	width := func(g keyGroup) (keys, all int) {
		words := text.Width(g.title)
		for _, r := range g.rows {
			keys = max(keys, text.Width(r.label()))
			words = max(words, text.Width(r.help))
		}
		return keys, keys + 2 + words
	}

	for len(groups) > 0 {
		n, used := 0, 1
		for n < len(groups) {
			_, all := width(groups[n])
			if n > 0 && used+all > w {
				break
			}
			used += all + gap
			n++
		}
		rows := 0
		for _, g := range groups[:n] {
			rows = max(rows, len(g.rows))
		}
		for row := range rows + 1 {
			l := text.Line{st.Plain.Span(" ")}
			for _, g := range groups[:n] {
				keys, all := width(g)
				switch {
				case row == 0:
					l = append(l, st.Title.Span(text.Left(g.title, all)))
				case row <= len(g.rows):
					r := &g.rows[row-1]
					l = append(l, st.Key.Span(text.Left(r.label(), keys+2)), st.Plain.Span(text.Left(r.help, all-keys-2)))
				default:
					l = append(l, st.Plain.Span(text.Spaces(all)))
				}
				l = append(l, st.Plain.Span(text.Spaces(gap)))
			}
			out = append(out, l.Cut(w))
		}
		out = append(out, nil)
		groups = groups[n:]
	}
	return out
}
