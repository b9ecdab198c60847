package tui

import (
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

const offsetCells = 9 // "+41.2 ms" and "+<0.1 µs"

// waterfall draws the steps, one line each, at most so many as there are rows: those
// around the selected one. It also says what the axis spans.
func waterfall(st *text.Styles, e *explain.Evidence, all []explain.Step, selected, w, rows int) (out []text.Line, legend string) {
	if w <= 0 || rows <= 0 || len(all) == 0 {
		return nil, ""
	}
	bars := barCells(all, w-2-offsetCells-1)
	intervals := make([]text.Interval, len(all))
	for i, s := range all {
		intervals[i] = text.Interval{From: s.From, To: s.At}
	}
	ax := text.NewAxis(intervals, bars, e.Outcome == amqprpc.InFlight && e.Ours)
	first := max(min(selected-rows/2, len(all)-rows), 0)
	for i := first; i < min(first+rows, len(all)); i++ {
		s := all[i]
		mark := "  "
		if i == selected {
			mark = "▸ "
		}
		l := text.Line{st.Title.Span(mark), st.Plain.Span(text.Right(text.Offset(s.At.Sub(origin(e, all))), offsetCells) + " ")}
		if bars > 0 {
			l = append(l, toneInk(st, s.Tone).Span(ax.Draw(intervals[i], s.Mark)), st.Plain.Span(" "))
		}
		l = append(l, toneInk(st, s.Tone).Span(s.Words))
		if i == selected {
			l = l.Fill(w).WithInk(st.Selected)
		}
		out = append(out, l)
	}
	return out, ax.Legend()
}

// barCells is how wide the bars are: what the words leave, which get three fifths at most.
func barCells(all []explain.Step, room int) int {
	words := 0
	for i := range all {
		words = max(words, text.Width(all[i].Words))
	}
	n := min(room-1-min(words, room*3/5), 60)
	if n < 8 { // no picture
		return 0
	}
	return n
}

// origin is what offsets count from.
func origin(e *explain.Evidence, all []explain.Step) time.Time {
	if e.Ours {
		return e.Sent
	}
	return all[0].At
}

func toneInk(st *text.Styles, t explain.Tone) text.Ink {
	switch t {
	case explain.Faint:
		return st.Faint
	case explain.InFlight:
		return st.InFlight
	case explain.Completed:
		return st.Completed
	case explain.Failed:
		return st.Failed
	case explain.Wrong:
		return st.Bad
	case explain.Duplicate:
		return st.Duplicate
	case explain.Orphaned:
		return st.Orphaned
	case explain.Retried:
		return st.Warn
	}
	return st.Plain
}
