package tui

import (
	"slices"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// An inspector shows the story of one correlation ID: a verdict in words, a waterfall of
// all that happened, and the message of the selected step. The zero value shows nothing.
type inspector struct {
	evidence *evidence
	steps    []step
	// chosen is the step that somebody has selected; until then the one is selected
	// that tells most.
	chosen bool
	key    stepKey
	came   time.Time // of the discarded reply that was asked for: that is the step, if there is one

	top int // first line of the properties that is shown
	// What the last picture had room for: scroll goes by it.
	page, most int
}

// show sets the story, or brings it up to date: the selection and the scrolling are kept
// where it is of the same ID as before.
func (in *inspector) show(s ledger.Story, around surroundings) {
	if in.evidence == nil || !sameStory(in.evidence.Story, s) || len(s.Events) < len(in.evidence.Story.Events) { // somebody went back in a recording
		*in = inspector{came: in.came}
	}
	before := in.message()
	in.evidence = gather(s, around)
	in.steps = in.evidence.steps()
	if !in.chosen {
		in.key = in.evidence.telling(in.came)
		if before != in.message() {
			in.top = 0
		}
	}
}

// sameStory reports whether b is a, or goes on from there. Two replies without an ID,
// for instance, are two stories.
func sameStory(a, b ledger.Story) bool {
	if a.ID != b.ID || a.Ours != b.Ours || !a.Sent.Equal(b.Sent) {
		return false
	}
	return len(a.Events) == 0 || len(b.Events) > 0 && a.Events[0].Time.Equal(b.Events[0].Time)
}

// telling is the step that tells most: the discarded reply that came at that time, else the
// answer, else the last reply, else the request.
func (e *evidence) telling(came time.Time) stepKey {
	for _, r := range e.discarded() {
		if r.Time.Equal(came) {
			return stepKey{event: r.event}
		}
	}
	switch r := e.answer(); {
	case r != nil:
		return stepKey{event: r.event}
	case len(e.replies) > 0:
		return stepKey{event: e.replies[len(e.replies)-1].event}
	case len(e.attempts) > 0:
		return stepKey{event: e.last().event}
	}
	return stepKey{}
}

// selected is the index of the selected step.
func (in *inspector) selected() int {
	i := slices.IndexFunc(in.steps, func(s step) bool { return s.key == in.key })
	if i < 0 { // "now" has gone: what came instead is the last one
		return len(in.steps) - 1
	}
	return i
}

// message is the event whose message is shown, -1 for none.
func (in *inspector) message() int {
	if in.evidence == nil {
		return -1
	}
	return in.evidence.messageOf(in.key)
}

// selectEvent moves the selection up (below 0) or down by so many steps.
func (in *inspector) selectEvent(delta int) {
	if len(in.steps) == 0 || delta == 0 {
		return
	}
	before := in.message()
	i := min(max(in.selected()+min(max(delta, -len(in.steps)), len(in.steps)), 0), len(in.steps)-1)
	in.chosen, in.key = true, in.steps[i].key
	if in.message() != before {
		in.top = 0
	}
}

// scroll moves the details by so many pages, up where there are less than 0.
func (in *inspector) scroll(pages int) {
	pages = min(max(pages, -1000), 1000)
	in.top = min(max(in.top+pages*max(in.page-1, 1), 0), in.most)
}

// The least that frames draws in.
const leastInspector = 3

// frames draws the inspector, exactly h rows high and w cells wide, borders included. It
// is empty below 3x3. It must be called on the inspector itself and not on a copy, since
// scroll has to know how much there was room for.
func (in *inspector) frames(st *Styles, w, h int) grid {
	if w < leastInspector || h < leastInspector {
		return nil
	}
	w -= 2
	if in.evidence == nil {
		return grid{{h - 2, []frame{{cells: w, title: line{{"Nothing selected", st.Title}}}}}}
	}
	said := in.said(st, w)
	top := frame{cells: w, title: in.headline(st), body: said}
	if h < 8 { // the words are worth most
		return grid{{h - 2, []frame{top}}}
	}
	if w >= 98 {
		return in.beside(st, top, w, h)
	}
	rows := h - 4
	words := min(len(said), max(rows*3/8, 2))
	steps := min(max(len(in.steps), 1), max((rows-words+1)/2, 1))
	return grid{
		{words, []frame{top}},
		{steps, []frame{in.waterfall(st, w, steps)}},
		{rows - words - steps, []frame{in.details(st, w, rows-words-steps)}},
	}
}

// beside draws the waterfall and the details side by side.
func (in *inspector) beside(st *Styles, top frame, w, h int) grid {
	rows := h - 3
	words := min(len(top.body), max(rows/3, 2))
	rows -= words
	half := (w - 1) / 2
	return grid{
		{words, []frame{top}},
		{rows, []frame{in.waterfall(st, half, rows), in.details(st, w-1-half, rows)}},
	}
}

// headline is the ID in full and what became of it.
func (in *inspector) headline(st *Styles) line {
	e := in.evidence
	id := Escape(e.ID, 255)
	if id == "" {
		id = "(no correlation ID)"
	}
	l := line{{id, st.Title}, {"  ", st.Plain}}
	if e.Ours {
		switch e.Outcome {
		case amqprpc.InFlight:
			l = append(l, span{"○ in flight", st.InFlight})
		case amqprpc.Completed:
			if e.Wrong {
				l = append(l, span{"✗ completed, a wrong answer", st.Bad})
				break
			}
			l = append(l, span{"✓ completed", st.Completed})
		default:
			l = append(l, span{"✗ failed: " + outcomeWords(e.Outcome), st.Failed})
		}
	}
	var n [amqprpc.Unknown + 1]int
	for _, r := range e.discarded() {
		if int(r.Class) < len(n) {
			n[r.Class]++
		}
	}
	plus := " + "
	if !e.Ours {
		plus = ""
	}
	for _, c := range []struct {
		class     amqprpc.Class
		one, many string
		ink       Ink
	}{
		{amqprpc.Duplicate, "duplicate", "duplicates", st.Duplicate},
		{amqprpc.Late, "late reply", "late replies", st.Orphaned},
		{amqprpc.Unknown, "unknown reply", "unknown replies", st.Orphaned},
	} {
		if n[c.class] > 0 {
			l = append(l, span{plus + things(n[c.class], c.one, c.many), c.ink})
		}
	}
	return l
}

// said is the verdict, as wide as it may be.
func (in *inspector) said(st *Styles, w int) (out []line) {
	v := judge(in.evidence)
	add := func(text string, ink Ink) {
		for _, part := range wrap(text, w-2) {
			out = append(out, line{{" ", st.Plain}, {part, ink}})
		}
	}
	if v.alarm != "" {
		add("! "+v.alarm, st.Bad)
	}
	add(v.text, st.Plain)
	const dot = " · "
	now := ""
	for i, part := range v.times {
		if i > 0 && cells(now)+cells(dot+part) <= w-2 {
			now += dot + part
			continue
		}
		add(now, st.Faint)
		now = part
	}
	add(now, st.Faint)
	return out
}

func (in *inspector) waterfall(st *Styles, w, rows int) frame {
	selected := in.selected()
	body, legend := in.evidence.waterfall(st, in.steps, selected, w, rows)
	title := line{{"Waterfall", st.Title}}
	if n := in.evidence.Dropped; n > 0 {
		title = append(title, span{" · " + things(n, "event", "events") + " not remembered", st.Warn})
	}
	if len(in.steps) > rows {
		title = append(title, span{" · " + count(selected+1) + " of " + count(len(in.steps)), st.Plain})
	}
	if legend != "" {
		title = append(title, span{" · " + legend, st.Faint})
	}
	return frame{cells: w, title: title, body: body}
}

func (in *inspector) details(st *Styles, w, rows int) frame {
	event := in.message()
	all := in.evidence.properties(st, event, w-1)
	in.page, in.most = rows-1, max(len(all)-rows+1, 0)
	if len(all) <= rows {
		in.most = 0
	}
	in.top = min(in.top, in.most)
	body := window(st, all, in.top, rows)
	for i := range body {
		body[i] = append(line{{" ", st.Plain}}, body[i]...)
	}
	return frame{cells: w, title: line{{in.evidence.messageTitle(event), st.Title}}, body: body}
}
