package tui

import (
	"slices"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// An inspector shows the story of one correlation ID: a verdict, a waterfall of its steps, and the message of the selected step.
// The zero value shows nothing.
type inspector struct {
	evidence *explain.Evidence
	steps    []explain.Step
	key      explain.StepKey // of the selected step
	chosen   bool            // the user selected it
	came     time.Time       // when the discarded reply arrived that the inspector was opened on

	top       int // first line of the properties that is shown
	page, max int // rows of properties, and maximum of top, when drawn last
}

// show sets the story. It keeps the selection and the scrolling if the story is the same, or goes on.
func (in *inspector) show(s ledger.Story, c explain.Circumstances) {
	if in.evidence == nil || !sameStory(in.evidence.Story, s) || len(s.Events) < len(in.evidence.Story.Events) { // or the user went back in a recording
		*in = inspector{came: in.came}
	}
	before := in.message()
	in.evidence = explain.Read(s, c)
	in.steps = in.evidence.Steps()
	if !in.chosen {
		in.key = in.evidence.MainStep(in.came)
		if before != in.message() {
			in.top = 0
		}
	}
}

// sameStory reports whether b is a, or goes on from there. Two replies without an ID are two stories.
func sameStory(a, b ledger.Story) bool {
	if a.ID != b.ID || a.Ours != b.Ours || !a.Sent.Equal(b.Sent) {
		return false
	}
	return len(a.Events) == 0 || len(b.Events) > 0 && a.Events[0].Time.Equal(b.Events[0].Time)
}

// selected returns the index of the selected step.
func (in *inspector) selected() int {
	i := slices.IndexFunc(in.steps, func(s explain.Step) bool { return s.Key == in.key })
	if i < 0 { // "now" is gone, and the last step replaces it
		return len(in.steps) - 1
	}
	return i
}

// message returns the event whose message is shown, or -1.
func (in *inspector) message() int {
	if in.evidence == nil {
		return -1
	}
	return in.evidence.MessageOf(in.key)
}

// selectEvent moves the selection by delta steps.
func (in *inspector) selectEvent(delta int) {
	if len(in.steps) == 0 || delta == 0 {
		return
	}
	before := in.message()
	i := min(max(in.selected()+min(max(delta, -len(in.steps)), len(in.steps)), 0), len(in.steps)-1)
	in.chosen, in.key = true, in.steps[i].Key
	if in.message() != before {
		in.top = 0
	}
}

// scroll moves the details by so many pages, up if pages < 0.
func (in *inspector) scroll(pages int) {
	pages = min(max(pages, -1000), 1000)
	in.top = min(max(in.top+pages*max(in.page-1, 1), 0), in.max)
}

// minInspector is the smallest width and height that frames draws.
const minInspector = 3

// frames draws the inspector, w cells wide and h rows high with its borders.
func (in *inspector) frames(st *text.Styles, w, h int) text.Grid {
	if w < minInspector || h < minInspector {
		return nil
	}
	w -= 2
	if in.evidence == nil {
		return text.Grid{{Height: h - 2, Frames: []text.Frame{{Width: w, Title: text.Line{st.Title.Span("Nothing selected")}}}}}
	}
	said := in.verdict(st, w)
	top := text.Frame{Width: w, Title: in.headline(st), Body: said}
	if h < 8 { // the verdict matters most
		return text.Grid{{Height: h - 2, Frames: []text.Frame{top}}}
	}
	if w >= 98 {
		return in.beside(st, top, w, h)
	}
	rows := h - 4
	words := min(len(said), max(rows*3/8, 2))
	steps := min(max(len(in.steps), 1), max((rows-words+1)/2, 1))
	return text.Grid{
		{Height: words, Frames: []text.Frame{top}},
		{Height: steps, Frames: []text.Frame{in.waterfall(st, w, steps)}},
		{Height: rows - words - steps, Frames: []text.Frame{in.details(st, w, rows-words-steps)}},
	}
}

// beside draws the waterfall and the details side by side.
func (in *inspector) beside(st *text.Styles, top text.Frame, w, h int) text.Grid {
	rows := h - 3
	words := min(len(top.Body), max(rows/3, 2))
	rows -= words
	half := (w - 1) / 2
	return text.Grid{
		{Height: words, Frames: []text.Frame{top}},
		{Height: rows, Frames: []text.Frame{in.waterfall(st, half, rows), in.details(st, w-1-half, rows)}},
	}
}

// headline returns the ID, the outcome, and the counts of discarded replies.
func (in *inspector) headline(st *text.Styles) text.Line {
	e := in.evidence
	id := text.Escape(e.ID, 255)
	if id == "" {
		id = "(no correlation ID)"
	}
	l := text.Line{st.Title.Span(id), st.Plain.Span("  ")}
	if e.Ours {
		switch e.Outcome {
		case amqprpc.InFlight:
			l = append(l, st.InFlight.Span("○ in flight"))
		case amqprpc.Completed:
			if e.Wrong {
				l = append(l, st.Bad.Span("✗ completed, a wrong answer"))
				break
			}
			l = append(l, st.Completed.Span("✓ completed"))
		default:
			l = append(l, st.Failed.Span("✗ failed: "+explain.Outcome(e.Outcome)))
		}
	}
	n := make(map[amqprpc.Class]int)
	for _, r := range e.Discarded() {
		n[r.Class]++
	}
	plus := " + "
	if !e.Ours {
		plus = ""
	}
	for _, c := range []struct {
		class     amqprpc.Class
		one, many string
		ink       text.Ink
	}{
		{amqprpc.Duplicate, "duplicate", "duplicates", st.Duplicate},
		{amqprpc.Late, "late reply", "late replies", st.Orphaned},
		{amqprpc.Unknown, "unknown reply", "unknown replies", st.Orphaned},
	} {
		if n[c.class] > 0 {
			l = append(l, c.ink.Span(plus+text.Plural(n[c.class], c.one, c.many)))
		}
	}
	return l
}

// verdict returns the verdict in lines.
func (in *inspector) verdict(st *text.Styles, w int) (out []text.Line) {
	v := in.evidence.Verdict()
	add := func(s string, ink text.Ink) {
		for _, part := range text.Wrap(s, w-2) {
			out = append(out, text.Line{st.Plain.Span(" "), ink.Span(part)})
		}
	}
	if v.Alarm != "" {
		add("! "+v.Alarm, st.Bad)
	}
	add(v.Text, st.Plain)
	const dot = " · "
	now := ""
	for i, part := range v.Times {
		if i > 0 && text.Width(now)+text.Width(dot+part) <= w-2 {
			now += dot + part
			continue
		}
		add(now, st.Faint)
		now = part
	}
	add(now, st.Faint)
	return out
}

func (in *inspector) waterfall(st *text.Styles, w, rows int) text.Frame {
	selected := in.selected()
	body, legend := waterfall(st, in.evidence, in.steps, selected, w, rows)
	title := text.Line{st.Title.Span("Waterfall")}
	if n := in.evidence.Dropped; n > 0 {
		title = append(title, st.Warn.Span(" · "+text.Plural(n, "event", "events")+" not remembered"))
	}
	if len(in.steps) > rows {
		title = append(title, st.Plain.Span(" · "+text.Count(selected+1)+" of "+text.Count(len(in.steps))))
	}
	if legend != "" {
		title = append(title, st.Faint.Span(" · "+legend))
	}
	return text.Frame{Width: w, Title: title, Body: body}
}

func (in *inspector) details(st *text.Styles, w, rows int) text.Frame {
	event := in.message()
	all := properties(st, in.evidence, event, w-1)
	in.page, in.max = rows-1, 0
	if len(all) > rows {
		in.max = len(all) - rows + 1
	}
	in.top = min(in.top, in.max)
	body := window(st, all, in.top, rows)
	for i := range body {
		body[i] = append(text.Line{st.Plain.Span(" ")}, body[i]...)
	}
	return text.Frame{Width: w, Title: text.Line{st.Title.Span(in.evidence.MessageTitle(event))}, Body: body}
}
