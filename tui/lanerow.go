package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// Widths from which the rows of a lane show more.
const (
	answerLane  = 24  // the answer, or why there is none
	requestLane = 36  // the request too
	serverLane  = 48  // who answered
	wholeIDLane = 78  // the whole ID
	oneLineLane = 110 // a discarded reply in one line
)

const minIDWidth = 4

// age shows the age of a call in flight as a gauge of its time to the deadline and a duration. Its ink changes past half and
// past four fifths of that time, the gauge past all of it.
func age(st *text.Styles, c *ledger.Call, now time.Time, width int) text.Line {
	used := 0.0
	if all := c.Deadline.Sub(c.Sent); !c.Deadline.IsZero() && all > 0 {
		used = max(float64(now.Sub(c.Sent))/float64(all), 0)
	}
	ink, gauge := st.Plain, "!"
	switch {
	case used > 0.8:
		ink = st.Bad
	case used > 0.5:
		ink = st.Warn
	}
	if used < 1 {
		gauge = string([]rune("▁▂▃▄▅▆▇█")[int(used*8)])
	}
	return text.Line{ink.Span(gauge), ink.Span(text.Right(text.Age(c.Age), width))}
}

// idWidth returns the width of the ID in a row of n cells.
func idWidth(n int) int {
	if n >= wholeIDLane {
		return text.UUIDWidth
	}
	return text.ShortIDWidth
}

// A laneRow is a row of a lane: its ID at the left, words, and numbers to compare at the right.
type laneRow struct {
	id    string
	ink   text.Ink
	words text.Line
	right text.Line
}

// line lays the row out in n cells, after the mark of the selection. It cuts the ID down to a few digits to make room for words,
// and leaves the right out if that is not enough.
func (r laneRow) line(n int, mark string) text.Line {
	rest := n - 1
	words, side := r.words.Width(), r.right.Width()
	if words > 0 {
		words++
	}
	if rest-words-side < minIDWidth {
		r.right, side = nil, 0
	}
	id := text.ID(r.id, min(max(rest-words-side, minIDWidth), idWidth(n)))
	out := text.Line{r.ink.Span(mark), r.ink.Span(id)}
	rest -= text.Width(id)
	if pad := idWidth(n) - text.Width(id); pad > 0 && rest-pad-words-side >= 0 {
		out = append(out, text.Gap(pad))
		rest -= pad
	}
	if words > 0 {
		out = append(out, text.Plain(" "))
		out = append(out, r.words...)
		rest -= words
	}
	if rest > side && side > 0 {
		out = append(out, text.Gap(rest-side))
	}
	return append(out, r.right...).Fill(n)
}

// flightRow shows a call in flight.
func flightRow(st *text.Styles, c *ledger.Call, custom bool, now time.Time, n int) laneRow {
	r := laneRow{id: c.ID, ink: st.InFlight, right: append(text.Line{text.Plain(" ")}, age(st, c, now, 7)...)}
	attempt := "try " + strconv.Itoa(c.Attempt)
	if n < answerLane {
		r.right = age(st, c, now, 6)
		attempt = "×" + strconv.Itoa(c.Attempt)
	}
	room := n - 1 - idWidth(n) - 1 - r.right.Width()
	if c.Attempt > 1 {
		r.words = text.Line{st.Warn.Span(attempt)}
		room -= text.Width(attempt) + 1
	}
	_, isFib := explain.FibArgument(c)
	switch request := explain.Request(c, custom, max(room, 0)); {
	case room < len("fib(9)"), isFib && !custom && strings.HasSuffix(request, text.Ellipsis): // do not show half a number
	case c.Attempt == 0:
		r.words = append(r.words, st.Faint.Span("unsent"))
	case c.Attempt > 1 && !strings.HasSuffix(request, text.Ellipsis):
		r.words = append(text.Line{st.Plain.Span(request + " ")}, r.words...)
	case c.Attempt == 1:
		r.words = text.Line{st.Plain.Span(request)}
	}
	return r
}

// endedRow shows a completed or failed call.
func endedRow(st *text.Styles, c *ledger.Call, custom bool, n int) laneRow {
	r := laneRow{id: c.ID, ink: st.Completed}
	long, short := explain.FailureNames(c.Outcome)
	failed := c.Outcome.Failed()
	switch {
	case failed:
		r.ink = st.Failed
	case c.Wrong:
		r.ink, short = st.Bad, "wrong"
	}
	if n < answerLane {
		if failed || c.Wrong {
			r.words = text.Line{r.ink.Span(short)}
		} else {
			r.right = text.Line{st.Plain.Span(text.Right(text.Age(c.Age), 7))}
		}
		return r
	}
	r.right = text.Line{st.Plain.Span(text.Right(text.Duration(c.Age), 8))}
	if n < requestLane {
		r.right = text.Line{st.Plain.Span(text.Right(text.Age(c.Age), 7))}
	}
	if n >= serverLane {
		names := 8
		if n >= oneLineLane {
			names = 16
		}
		server := ""
		if c.Server != "" {
			server = explain.Sender(c.Server, names)
		}
		r.right = append(r.right, st.Faint.Span("  "+text.Left(server, names)))
	}
	room := n - 1 - idWidth(n) - 1 - r.right.Width()
	if failed && n < requestLane && text.Width(short) > room { // the reason matters more than the age
		r.right, room = nil, n-1-idWidth(n)-1
	}
	if n >= requestLane {
		request := text.Left(explain.Request(c, custom, min(room/2, 24)), min(room/2, 7))
		r.words = text.Line{st.Plain.Span(request + " ")}
		room -= text.Width(request) + 1
	}
	switch {
	case failed:
		why := text.FirstFit(room, long, short)
		r.words = append(r.words, r.ink.Span(why))
		if room -= text.Width(why) + 2; c.AnswerLen > 0 && room >= 8 {
			r.words = append(r.words, st.Faint.Span(": "+text.Body(c.Answer, c.AnswerLen, room)))
		}
	case c.Wrong:
		r.words = append(r.words, r.ink.Span("wrong: "+text.Body(c.Answer, c.AnswerLen, max(room-len("wrong: "), 1))))
	case n >= requestLane:
		r.words = append(r.words, st.Plain.Span("= "+text.Body(c.Answer, c.AnswerLen, max(room-2, 1))))
	default:
		r.words = text.Line{st.Plain.Span(text.Body(c.Answer, c.AnswerLen, room))}
	}
	return r
}

// strayRow shows a discarded reply, and returns why it was discarded.
func strayRow(st *text.Styles, s *ledger.Stray, now time.Time, n int) (r laneRow, why string) {
	r = laneRow{id: s.ID, ink: st.Duplicate}
	if n >= wholeIDLane {
		r.right = text.Line{st.Faint.Span(text.Right(text.Clock(now.Sub(s.Time))+" ago", 10))}
	}
	room := max(n-1-idWidth(n)-1-r.right.Width(), 7)
	name, after := explain.Sender(s.Server, 24), text.Duration(s.Since)
	var kind string
	var whys []string
	switch {
	case s.Class == amqprpc.Duplicate:
		long, short := explain.NthReply(s.Nth)
		kind = text.FirstFit(room, long+", "+name, long, short)
		whys = []string{after + " after the answer", after + " later", "+" + after}
		if s.AnsweredBy != "" {
			first := explain.Sender(s.AnsweredBy, 24)
			whys = append([]string{after + " after " + first + "'s answer", after + " after " + first}, whys...)
		}
	case s.Class == amqprpc.Late:
		r.ink = st.Orphaned
		had := "call had " + explain.Ended(s.Outcome)
		kind = text.FirstFit(room, "late by "+after+", "+name, "late "+after+", "+name, "late by "+after, "late "+after, "late")
		whys = []string{"the " + had, had}
		if kind == "late" {
			whys = append(whys, "by "+after)
		}
	default:
		r.ink = st.Orphaned
		kind = text.FirstFit(room, "unknown ID, "+name, "unknown ID", "unknown")
		whys = []string{"no such call"}
		if s.ID == "" {
			kind = text.FirstFit(room, "no ID, "+name, "unknown")
			whys = []string{"it names no call", "names no call"}
		}
	}
	r.words = text.Line{st.Plain.Span(kind)}
	if strings.HasSuffix(kind, name) {
		name = ""
	}
	return r, strayWhy(s, n, whys, name)
}

// strayWhy returns the longest reason that fits, after the error, the sender, and "redelivered" if the request was.
func strayWhy(s *ledger.Stray, n int, whys []string, sender string) string {
	failure, redelivered := "", ""
	if s.Error != "" {
		failure = explain.ErrorKind(s)
	}
	if s.Redelivered {
		redelivered = "redelivered"
	}
	var forms []string
	add := func(parts ...string) {
		form := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
		if form != "" {
			forms = append(forms, form)
		}
	}
	for _, from := range []string{sender, ""} {
		for _, why := range whys {
			add(failure, from, redelivered, why)
		}
	}
	add(failure, redelivered)
	add(failure, whys[len(whys)-1])
	add(failure)
	room := max(n-1, 1)
	why := text.FirstFit(room, forms...)
	if room -= text.Width(why) + 2; n >= wholeIDLane && room >= 8 && failure == "" {
		why += ": " + text.Body(s.Body, s.BodyLen, room)
	}
	return why
}
