package tui

import (
	"fmt"

	"rpcscope/tui/tour"
)

// storyRows is how many rows a story has, unless the screen has too few: the story of each
// scenario fits in them on the smallest screen, before anything happens.
const storyRows = 7

// storyPanel tells the story of a scenario: first what happens, what to watch and why it
// matters; as it happens, step by step; then what became of its claim, by which numbers. It is w
// cells wide and h rows high inside.
func storyPanel(st *Styles, t *tour.Snapshot, w, h int) frame {
	w, h = max(w, 0), max(h, 0)
	f := frame{cells: w}
	s := t.Scenario
	if s == nil || w < 2*storyLabel || h == 0 {
		return f
	}
	number := fmt.Sprintf("%d of %d: ", t.Position, t.Count)
	if s.Number != t.Position { // not all are shown
		number = fmt.Sprintf("Scenario %d (%d of %d): ", s.Number, t.Position, t.Count)
	}
	f.title = line{{number, st.Title}, {Escape(s.Title, w), st.Title}, {"  ", st.Plain}, storyState(st, t)}
	watch := storyLines(st, "watch", s.Watch, w)
	switch {
	case t.State == tour.Finished && t.Result != nil:
		f.body = factLines(st, t.Result, w)
	case t.State == tour.Playing && len(t.Steps) > 0:
		f.body = append(stepLines(st, t.Steps, w, h-len(watch)), watch...)
		f.body = f.body[:min(len(f.body), h)]
		return f
	default:
		f.body = append(storyLines(st, "happens", s.Happens, w), watch...)
	}
	why := storyLines(st, "why", s.Why, w)
	if len(f.body)+len(why) <= h || t.Result == nil { // no half of it below numbers
		f.body = append(f.body, why...)
	}
	f.body = f.body[:min(len(f.body), h)]
	return f
}

// storyState is how far the scenario has come, in a word.
func storyState(st *Styles, t *tour.Snapshot) span {
	switch {
	case t.State == tour.Intro:
		return span{"○ ready", st.Faint}
	case t.State == tour.Playing:
		return span{"● happening", st.InFlight}
	case t.Result == nil:
		return span{"given up", st.Faint}
	case t.Result.OK():
		return span{fmt.Sprintf("✓ ok, %.1f s", t.Result.Elapsed.Seconds()), st.Good}
	}
	return span{fmt.Sprintf("✗ FAILED, %.1f s", t.Result.Elapsed.Seconds()), st.Bad}
}

// storyLabel is the width of the column that says what a part of a story is about.
const storyLabel = 9

// storyLines are a part of a story.
func storyLines(st *Styles, label, text string, w int) []line {
	var out []line
	for _, part := range wrap(Escape(text, 1000), w-storyLabel-2) {
		out = append(out, line{{" " + left(label, storyLabel), st.Label}, {part, st.Plain}})
		label = ""
	}
	return out
}

// stepLines are the steps of a story up to the present one: the last of them, where there is no room for all.
func stepLines(st *Styles, steps []tour.Step, w, h int) []line {
	var out []line
	for _, s := range steps {
		ink, text, word := st.Good, st.Faint, "✓ done"
		switch s.Phase {
		case tour.Pending:
			ink, text, word = st.Warn, st.Plain, "○ next"
		case tour.Running:
			ink, text, word = st.InFlight, st.Plain, "● now"
		}
		for _, part := range wrap(Escape(s.Text, 400), w-storyLabel-2) {
			out = append(out, line{{" " + left(word, storyLabel), ink}, {part, text}})
			word = ""
		}
	}
	return out[max(len(out)-max(h, 0), 0):]
}

// factLines are the claim, part by part, with what is so, and what was expected where that
// is something else. What does not hold comes first: there may be no room for all.
func factLines(st *Styles, r *tour.Result, w int) []line {
	var out []line
	add := func(ok bool, text string) {
		ink, word := st.Good, "✓ ok"
		if !ok {
			ink, word = st.Bad, "✗ FAILED"
		}
		for _, part := range wrap(Escape(text, 400), w-storyLabel-2) {
			out = append(out, line{{" " + left(word, storyLabel), ink}, {part, st.Plain}})
			word = ""
		}
	}
	if r.Err != nil {
		add(false, "It could not be played to its end: "+firstLine(r.Err)+".")
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
