package tui

import (
	"fmt"

	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// storyRows is the height of a story on a screen with room for all panels. The intro of each scenario fits in it on the
// smallest screen.
const storyRows = 7

// storyPanel draws the story of a scenario, w cells wide and h rows high inside: first its intro, then its steps, then
// the facts of its result.
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
	watch := labelled("watch", st.Label, s.Watch, st.Plain, w)
	switch {
	case t.State == tour.Finished && t.Result != nil:
		f.Body = factLines(st, t.Result, w)
	case t.State == tour.Playing && len(t.Steps) > 0:
		f.Body = append(stepLines(st, t.Steps, w, h-len(watch)), watch...)
		f.Body = f.Body[:min(len(f.Body), h)]
		return f
	default:
		f.Body = append(labelled("happens", st.Label, s.Happens, st.Plain, w), watch...)
	}
	why := labelled("why", st.Label, s.Why, st.Plain, w)
	if len(f.Body)+len(why) <= h || t.Result == nil { // all of it or nothing below facts
		f.Body = append(f.Body, why...)
	}
	f.Body = f.Body[:min(len(f.Body), h)]
	return f
}

// storyState is the state of the scenario in a word.
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

// storyLabel is the width of the column of labels.
const storyLabel = 9

// labelled draws text with a label before it.
func labelled(label string, labelInk text.Ink, s string, ink text.Ink, w int) []text.Line {
	return text.Paragraph(labelInk.Span(" "+text.Left(label, storyLabel)), text.Wrap(text.Escape(s, 1000), w-storyLabel-2), ink)
}

// stepLines draws the steps up to the present one, or the last h rows of them.
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
		out = append(out, labelled(word, ink, s.Text, words, w)...)
	}
	return out[max(len(out)-max(h, 0), 0):]
}

// factLines draws the facts of a result, those that do not hold first, since there may be no room for all.
func factLines(st *text.Styles, r *tour.Result, w int) []text.Line {
	var out []text.Line
	fail := func(s string) { out = append(out, labelled("✗ FAILED", st.Bad, s, st.Plain, w)...) }
	if r.Err != nil {
		fail("It could not be played to its end: " + text.FirstLine(r.Err.Error()) + ".")
	}
	for _, f := range r.Facts {
		if !f.OK {
			fail(f.Got + "; expected was: " + f.Want)
		}
	}
	for _, f := range r.Facts {
		if f.OK {
			out = append(out, labelled("✓ ok", st.Good, f.Got, st.Plain, w)...)
		}
	}
	return out
}
