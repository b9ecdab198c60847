package tui

import (
	"slices"

	"rpcscope/tui/text"
)

// The words that a newcomer has to know, in the order of the lanes.
var vocabulary = [][2]string{
	{"in flight", "a call that waits for its answer"},
	{"completed", "a call whose answer came, right or wrong. Others failed, and say why"},
	{"duplicate", "a reply to a call that has its answer. Discarded"},
	{"orphaned", "a reply that no call waits for: late, or of an unknown ID. Discarded"},
}

// keysOn returns the groups with the rows that the help shows on a screen of that source.
func keysOn(groups []keyGroup, on source) (shown []keyGroup) {
	for _, g := range groups {
		g.rows = slices.DeleteFunc(slices.Clone(g.rows), func(r keyRow) bool { return r.help == "" || r.on&on == 0 })
		if len(g.rows) > 0 {
			shown = append(shown, g)
		}
	}
	return shown
}

// helpText is what is not told by the keys.
func (m *Model) helpText() string {
	const both = "In a chart: █ completed, ▒ failed, d o * duplicates, orphans, both, " +
		"▲ ▼ a server came, went. Latencies are those of the whole run; servers' rates count replies. " +
		"A filter is words that must all hold: state:failed server:fib-1 n:20-35 id:7f3a, any other text, and ! for not."
	if m.player != nil {
		return "This is a recording: what is shown is as it was at the time that the line under the header tells. " +
			"The bar below that is the whole recording: ━ has been, ─ is to come, · has not been read yet; d o x * are " +
			"duplicates, orphans, failures, and several of them. " + both
	}
	return "A paused load starts no calls; a frozen picture stands still while calls go on. " +
		"S, K and r are about the server that is selected, or else the newest that runs; d about the call that is selected, " +
		"or else the newest completed one. " + both
}

// helpLines are the help: all keys, and what the words mean.
func (m *Model) helpLines(w int) []text.Line {
	st := m.st
	const gap = 3
	groups := keysOn(m.keys, m.source())
	width := func(g keyGroup) (keys, all int) {
		words := text.Width(g.title)
		for _, r := range g.rows {
			keys = max(keys, text.Width(r.label()))
			words = max(words, text.Width(r.help))
		}
		return keys, keys + 2 + words
	}

	var out []text.Line
	for len(groups) > 0 {
		// As many groups side by side as fit.
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

	out = append(out, text.Line{st.Title.Span(" What the words mean")})
	inks := []text.Ink{st.InFlight, st.Completed, st.Duplicate, st.Orphaned}
	for i, v := range vocabulary {
		for j, part := range text.Wrap(v[1], w-13) {
			word := ""
			if j == 0 {
				word = v[0]
			}
			out = append(out, text.Line{inks[i].Span(" " + text.Left(word, 12)), st.Plain.Span(part)})
		}
	}
	if m.snapshot.StandIn != "" {
		out = append(out, nil, text.Line{st.Title.Span(" The broker")})
		for _, part := range text.Wrap(text.Escape(m.snapshot.StandIn, 300), w-2) {
			out = append(out, text.Line{st.Plain.Span(" " + part)})
		}
	}
	out = append(out, nil)
	for _, part := range text.Wrap(m.helpText(), w-2) {
		out = append(out, text.Line{st.Faint.Span(" " + part)})
	}
	return out
}
