package tui

import (
	"rpcscope/amqprpc"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

const offsetWidth = 9 // "+41.2 ms" and "+<0.1 µs"

// waterfall draws the steps around the selected one, one a line, and returns the legend of their axis.
func waterfall(st *text.Styles, e *explain.Evidence, all []explain.Step, selected, w, rows int) (out []text.Line, legend string) {
	if w <= 0 || rows <= 0 || len(all) == 0 {
		return nil, ""
	}
	start := all[0].At
	if e.Ours {
		start = e.Sent
	}
	words := 0
	intervals := make([]text.Interval, len(all))
	for i, s := range all {
		intervals[i] = text.Interval{From: s.From, To: s.At}
		words = max(words, text.Width(s.Words))
	}
	room := w - 2 - offsetWidth - 1
	bars := min(room-1-min(words, room*3/5), 60)
	if bars < 8 {
		bars = 0
	}
	axis := text.NewAxis(intervals, bars, e.Outcome == amqprpc.InFlight && e.Ours)
	first := max(min(selected-rows/2, len(all)-rows), 0)
	for i := first; i < min(first+rows, len(all)); i++ {
		s, mark := all[i], "  "
		if i == selected {
			mark = "▸ "
		}
		ink := toneInk(st, s.Tone)
		l := text.Line{st.Title.Span(mark), st.Plain.Span(text.Right(text.Offset(s.At.Sub(start)), offsetWidth) + " ")}
		if bars > 0 {
			l = append(l, ink.Span(axis.Draw(intervals[i], s.Mark)), st.Plain.Span(" "))
		}
		l = append(l, ink.Span(s.Words))
		if i == selected {
			l = l.Fill(w).WithInk(st.Selected)
		}
		out = append(out, l)
	}
	return out, axis.Legend()
}

func toneInk(st *text.Styles, t explain.Tone) text.Ink {
	return [...]text.Ink{
		explain.Neutral: st.Plain, explain.Faint: st.Faint, explain.InFlight: st.InFlight, explain.Completed: st.Completed,
		explain.Failed: st.Failed, explain.Wrong: st.Bad, explain.Duplicate: st.Duplicate, explain.Orphaned: st.Orphaned,
		explain.Retried: st.Warn,
	}[t]
}
