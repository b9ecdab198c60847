package tui

import (
	"fmt"

	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// storyRows is how many rows a story has, unless the screen has too few: the story of each
// scenario fits in them on the smallest screen, before anything happens.
const storyRows = 7

// storyPanel tells the story of a scenario: first what happens, what to watch and why it
// matters; as it happens, step by step; then what became of its claim, by which numbers. It is w
// cells wide and h rows high inside.
func storyPanel(st *text.Styles, t *tour.Snapshot, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w}
	s := t.Scenario
	if s == nil || w < 2*storyLabel || h == 0 {
		return f
	}
	number := fmt.Sprintf("%d of %d: ", t.Position, t.Count)
	if s.Number != t.Position { // not all are shown
		number = fmt.Sprintf("Scenario %d (%d of %d): ", s.Number, t.Position, t.Count)
	}
	f.Title = text.Line{st.Title.Span(number), st.Title.Span(text.Escape(s.Title, w)), st.Plain.Span("  "), storyState(st, t)}
	watch := storyLines(st, "watch", s.Watch, w)
	switch {
	case t.State == tour.Finished && t.Result != nil:
		f.Body = factLines(st, t.Result, w)
	case t.State == tour.Playing && len(t.Steps) > 0:
		f.Body = append(stepLines(st, t.Steps, w, h-len(watch)), watch...)
		f.Body = f.Body[:min(len(f.Body), h)]
		return f
	default:
		f.Body = append(storyLines(st, "happens", s.Happens, w), watch...)
	}
	why := storyLines(st, "why", s.Why, w)
	if len(f.Body)+len(why) <= h || t.Result == nil { // no half of it below numbers
		f.Body = append(f.Body, why...)
	}
	f.Body = f.Body[:min(len(f.Body), h)]
	return f
}

// storyState is how far the scenario has come, in a word.
func storyState(st *text.Styles, t *tour.Snapshot) text.Span {
	switch {
	case t.State == tour.Intro:
		return st.Faint.Span("○ ready")
	case t.State == tour.Playing:
		return st.InFlight.Span("● happening")
	case t.Result == nil:
		return st.Faint.Span("given up")
	case t.Result.OK():
		return st.Good.Span(fmt.Sprintf("✓ ok, %.1f s", t.Result.Elapsed.Seconds()))
	}
	return st.Bad.Span(fmt.Sprintf("✗ FAILED, %.1f s", t.Result.Elapsed.Seconds()))
}

// storyLabel is the width of the column that says what a part of a story is about.
const storyLabel = 9

// storyLines are a part of a story.
func storyLines(st *text.Styles, label, s string, w int) []text.Line {
	var out []text.Line
	for _, part := range text.Wrap(text.Escape(s, 1000), w-storyLabel-2) {
		out = append(out, text.Line{st.Label.Span(" " + text.Left(label, storyLabel)), st.Plain.Span(part)})
		label = ""
	}
	return out
}

// stepLines are the steps of a story up to the present one: the last of them, where there is no room for all.
func stepLines(st *text.Styles, steps []tour.Step, w, h int) []text.Line {
	var out []text.Line
	for _, s := range steps {
		ink, words, word := st.Good, st.Faint, "✓ done"
		switch s.Phase {
		case tour.Pending:
			ink, words, word = st.Warn, st.Plain, "○ next"
		case tour.Running:
			ink, words, word = st.InFlight, st.Plain, "● now"
		}
		for _, part := range text.Wrap(text.Escape(s.Text, 400), w-storyLabel-2) {
			out = append(out, text.Line{ink.Span(" " + text.Left(word, storyLabel)), words.Span(part)})
			word = ""
		}
	}
	return out[max(len(out)-max(h, 0), 0):]
}

// factLines are the claim, part by part, with what is so, and what was expected where that
// is something else. What does not hold comes first: there may be no room for all.
func factLines(st *text.Styles, r *tour.Result, w int) []text.Line {
	var out []text.Line
	add := func(ok bool, s string) {
		ink, word := st.Good, "✓ ok"
		if !ok {
			ink, word = st.Bad, "✗ FAILED"
		}
		for _, part := range text.Wrap(text.Escape(s, 400), w-storyLabel-2) {
			out = append(out, text.Line{ink.Span(" " + text.Left(word, storyLabel)), st.Plain.Span(part)})
			word = ""
		}
	}
	if r.Err != nil {
		add(false, "It could not be played to its end: "+text.FirstLine(r.Err.Error())+".")
	}
	for _, f := range r.Facts {
		if !f.OK {
			add(false, f.Got+"; expected was: "+f.Want)
		}
	}
	for _, f := range r.Facts {
		if f.OK {
			add(true, f.Got)
		}
	}
	return out
}
