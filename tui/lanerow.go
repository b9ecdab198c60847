package tui

import (
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// Widths, in cells, from which rows of a lane say more.
const (
	midLane    = 24  // an answer, or why there is none
	pairLane   = 36  // the request too
	serverLane = 48  // who answered
	wholeLane  = 78  // the whole ID
	flatLane   = 110 // a discarded reply in one line
)

const (
	leastIDCells = 4
)

// used is how much of its time a call has used up, from 0 to 1 and above. A call without
// a deadline has all the time there is.
func used(c *ledger.Call, now time.Time) float64 {
	all := c.Deadline.Sub(c.Sent)
	if c.Deadline.IsZero() || all <= 0 {
		return 0
	}
	return max(float64(now.Sub(c.Sent))/float64(all), 0)
}

// gauge shows it in one cell, and how bad it is: past half, past four fifths, past all.
func gauge(st *text.Styles, used float64) text.Span {
	const levels = "▁▂▃▄▅▆▇█"
	ink := st.Plain
	switch {
	case used >= 1:
		return st.Bad.Span("!")
	case used > 0.8:
		ink = st.Bad
	case used > 0.5:
		ink = st.Warn
	}
	return ink.Span(string([]rune(levels)[int(used*8)]))
}

// idCells is how much room the ID has in a row of n cells.
func idCells(n int) int {
	if n >= wholeLane {
		return text.UUIDWidth
	}
	return text.ShortIDWidth
}

// A laneRow is a row of a lane in the making: its ID on the left, then what is said of
// it, and on the right what is compared from row to row.
type laneRow struct {
	id    string
	ink   text.Ink
	words text.Line
	right text.Line
}

// line lays the row out in n cells, the first of which is for the mark of what is
// selected. An ID makes room for words down to a few of its digits; what is on the right
// goes where there is no room for it.
func (r laneRow) line(n int, mark string) text.Line {
	rest := n - 1
	words, side := r.words.Width(), r.right.Width()
	if words > 0 {
		words++
	}
	if rest-words-side < leastIDCells {
		r.right, side = nil, 0
	}
	id := text.ID(r.id, min(max(rest-words-side, leastIDCells), idCells(n)))
	out := text.Line{r.ink.Span(mark), r.ink.Span(id)}
	rest -= text.Width(id)
	if pad := idCells(n) - text.Width(id); pad > 0 && rest-pad-words-side >= 0 {
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
	g := gauge(st, used(c, now))
	r := laneRow{id: c.ID, ink: st.InFlight}
	tried := "try " + strconv.Itoa(c.Attempt)
	if n < midLane {
		r.right = text.Line{g, g.Ink.Span(text.Right(text.Age(c.Age), 6))}
		tried = "×" + strconv.Itoa(c.Attempt)
	} else {
		r.right = text.Line{text.Plain(" "), g, g.Ink.Span(text.Right(text.Age(c.Age), 7))}
	}
	room := n - 1 - idCells(n) - 1 - r.right.Width()
	if c.Attempt > 1 {
		r.words = text.Line{st.Warn.Span(tried)}
		room -= text.Width(tried) + 1
	}
	_, isFib := explain.FibArgument(c)
	switch request := explain.Request(c, custom, max(room, 0)); {
	case room < len("fib(9)"), isFib && !custom && strings.HasSuffix(request, text.Ellipsis): // half a number says nothing
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
	long, short := explain.Failure(c.Outcome)
	failed := c.Outcome.Failed()
	switch {
	case failed:
		r.ink = st.Failed
	case c.Wrong:
		r.ink, short = st.Bad, "wrong"
	}
	if n < midLane {
		if failed || c.Wrong {
			r.words = text.Line{r.ink.Span(short)}
		} else {
			r.right = text.Line{st.Plain.Span(text.Right(text.Age(c.Age), 7))}
		}
		return r
	}
	r.right = text.Line{st.Plain.Span(text.Right(text.Duration(c.Age), 8))}
	if n < pairLane {
		r.right = text.Line{st.Plain.Span(text.Right(text.Age(c.Age), 7))}
	}
	if n >= serverLane {
		names := 8
		if n >= flatLane {
			names = 16
		}
		server := ""
		if c.Server != "" {
			server = explain.Sender(c.Server, names)
		}
		r.right = append(r.right, st.Faint.Span("  "+text.Left(server, names)))
	}
	room := n - 1 - idCells(n) - 1 - r.right.Width()
	if failed && n < pairLane && text.Width(short) > room { // why is worth more than when
		r.right, room = nil, n-1-idCells(n)-1
	}
	if n >= pairLane {
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
	case n >= pairLane:
		r.words = append(r.words, st.Plain.Span("= "+text.Body(c.Answer, c.AnswerLen, max(room-2, 1))))
	default:
		r.words = text.Line{st.Plain.Span(text.Body(c.Answer, c.AnswerLen, room))}
	}
	return r
}

// strayRow shows a discarded reply: what it was, and in a second text why it was
// discarded.
func strayRow(st *text.Styles, s *ledger.Stray, now time.Time, n int) (r laneRow, why string) {
	r = laneRow{id: s.ID, ink: st.Duplicate}
	if n >= wholeLane {
		r.right = text.Line{st.Faint.Span(text.Right(text.Clock(now.Sub(s.Time))+" ago", 10))}
	}
	room := max(n-1-idCells(n)-1-r.right.Width(), 7)
	name, after := explain.Sender(s.Server, 24), text.Duration(s.Since)
	var what string
	var whys []string
	switch {
	case s.Class == amqprpc.Duplicate:
		long, short := explain.NthReply(s.Nth)
		what = text.FirstFit(room, long+", "+name, long, short)
		whys = []string{after + " after the answer", after + " later", "+" + after}
		if s.AnsweredBy != "" {
			first := explain.Sender(s.AnsweredBy, 24)
			whys = append([]string{after + " after " + first + "'s answer", after + " after " + first}, whys...)
		}
	case s.Class == amqprpc.Late:
		r.ink = st.Orphaned
		had := explain.Ended(s.Outcome)
		what = text.FirstFit(room, "late by "+after+", "+name, "late "+after+", "+name, "late by "+after, "late "+after, "late")
		whys = []string{had, strings.TrimPrefix(had, "the ")}
		if what == "late" {
			whys = append(whys, "by "+after)
		}
	default:
		r.ink = st.Orphaned
		what = text.FirstFit(room, "unknown ID, "+name, "unknown ID", "unknown")
		whys = []string{"no such call here", "no such call"}
		if s.ID == "" {
			what = text.FirstFit(room, "no ID, "+name, "unknown")
			whys = []string{"it names no call", "names no call"}
		}
	}
	r.words = text.Line{st.Plain.Span(what)}
	return r, strayWhy(s, n, whys, name, !strings.HasSuffix(what, name))
}

// strayWhy returns the fullest of the texts that fits, with the sender where it has not
// been named yet, and whether the request had been redelivered.
func strayWhy(s *ledger.Stray, n int, whys []string, name string, unnamed bool) string {
	var texts []string
	add := func(prefix string) {
		for _, why := range whys {
			texts = append(texts, prefix+why)
		}
	}
	before := ""
	if unnamed {
		before = name + ", "
	}
	if s.Redelivered {
		add(before + "redelivered, ")
		add("redelivered, ")
		texts = append(texts, "redelivered")
	}
	add(before)
	add("")
	room := max(n-1, 1)
	if s.Error != "" { // worth more than why it was discarded
		for i := range texts {
			texts[i] = explain.ErrorKind(s) + ", " + texts[i]
		}
		return text.FirstFit(room, append(texts, explain.ErrorKind(s))...)
	}
	why := text.FirstFit(room, texts...)
	if room -= text.Width(why) + 2; n >= wholeLane && room >= 8 {
		why += ": " + text.Body(s.Body, s.BodyLen, room)
	}
	return why
}
