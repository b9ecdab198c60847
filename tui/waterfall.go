package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// A step is one row of a waterfall: a moment or, where it has a beginning, a phase that
// ends in one.
type step struct {
	key      stepKey
	from, at time.Time // from is zero for a moment
	mark     rune      // zero for ◆
	words    string
	ink      func(*text.Styles) text.Ink
}

// A stepKey tells steps apart while a story grows.
type stepKey struct {
	event int // index of the event that it is of, or the last one before it
	part  stepPart
}

// dueFirst puts the deadline before what it brings about at the same time.
func (k stepKey) dueFirst() int {
	if k.part == deadlineDue {
		return 0
	}
	return 1
}

type stepPart uint8

const (
	wholeEvent     stepPart = iota
	serverReceived          // told by the reply of that event
	serverReplied           // likewise
	meantToStart
	deadlineDue
	untilNow
)

func inkPlain(st *text.Styles) text.Ink { return st.Plain }
func inkFaint(st *text.Styles) text.Ink { return st.Faint }

// steps returns the rows of a story, in the order of time.
func (e *evidence) steps() []step {
	var all []step
	add := func(s step) {
		if s.ink == nil {
			s.ink = inkPlain
		}
		if s.mark == 0 {
			s.mark = '◆'
		}
		if s.from.After(s.at) {
			s.from = time.Time{}
		}
		all = append(all, s)
	}
	if e.Ours && e.Sent.Sub(e.Intended) >= worthSaying && !e.Intended.IsZero() {
		add(step{key: stepKey{0, meantToStart}, at: e.Intended, words: "meant to start", ink: inkFaint})
	}
	free := e.Sent // since when the call has been waiting to be published
	reply := 0
	for i := range e.Events {
		ev := &e.Events[i]
		s := step{key: stepKey{event: i}, at: ev.Time}
		switch ev.Kind {
		case amqprpc.EventSent:
			s.words = "sent: the call begins"
		case amqprpc.EventPublished:
			s.from, s.words = free, "published"
			if m := e.messages[i]; m != nil && m.Exchange == "" {
				s.words += " to " + text.Escape(m.RoutingKey, nameCells)
			}
			s.words += tried(ev.Attempt)
		case amqprpc.EventConfirmed:
			s.words = "confirmed by the broker" + tried(ev.Attempt)
		case amqprpc.EventReturned:
			s.words = fmt.Sprintf("returned: %d %s%s", ev.Code, text.Escape(ev.Text, 40), tried(ev.Attempt))
			s.ink = func(st *text.Styles) text.Ink { return st.Failed }
		case amqprpc.EventNacked:
			s.words = "refused by the broker (nack)" + tried(ev.Attempt)
			s.ink = func(st *text.Styles) text.Ink { return st.Failed }
		case amqprpc.EventRetry:
			free = ev.Time
			s.words = "retry, " + outcomeWords(ev.Outcome)
			if ev.Delay > 0 {
				s.words = "retry in " + text.Duration(ev.Delay) + ", " + outcomeWords(ev.Outcome)
			}
			s.ink = func(st *text.Styles) text.Ink { return st.Warn }
		case amqprpc.EventFailed:
			s.mark, s.words = '✗', outcomeWords(ev.Outcome)
			if _, detail, cut := strings.Cut(ev.Text, ": "); cut {
				s.words += ": " + text.Escape(detail, 60)
			}
			s.ink = func(st *text.Styles) text.Ink { return st.Failed }
		case ledger.EventWrong:
			s.mark, s.words = '✗', "wrong: "+text.Escape(ev.Text, 60)
			s.ink = func(st *text.Styles) text.Ink { return st.Bad }
		case amqprpc.EventReply:
			r := &e.replies[reply]
			e.served(r, e.replies[:reply], add)
			s = e.arrival(s, r)
			reply++
		default:
			s.words = text.Escape(ev.Kind.String(), nameCells)
		}
		add(s)
	}
	e.clockwork(&all, add)
	slices.SortStableFunc(all, func(a, b step) int {
		return cmp.Or(a.at.Compare(b.at), a.key.dueFirst()-b.key.dueFirst())
	})
	return all
}

// served adds what the server tells of a reply, unless an earlier reply to the same
// delivery has told it already.
func (e *evidence) served(r *replySeen, before []replySeen, add func(step)) {
	if !r.inStep || slices.ContainsFunc(before, func(b replySeen) bool { return r.sameDelivery(&b) && r.replied.Equal(b.replied) }) {
		return
	}
	got := step{key: stepKey{r.event, serverReceived}, from: r.published, at: r.received, words: "received by " + r.server}
	if r.redelivered { // where it has been since its publish, nobody tells
		got.from, got.words = time.Time{}, "redelivered to "+r.server
	}
	add(got)
	did := step{key: stepKey{r.event, serverReplied}, from: r.received, at: r.replied, words: "replied by " + r.server}
	if r.replayed {
		did.words += ", from its store"
	}
	add(did)
}

// arrival is the step of a reply itself.
func (e *evidence) arrival(s step, r *replySeen) step {
	switch {
	case r.inStep:
		s.from = r.replied
	case r.Class == amqprpc.Answer && !r.hand:
		s.from = r.published
	}
	switch r.Class {
	case amqprpc.Answer:
		s.mark, s.words = '✓', "answer "+replyWords(r)
		s.ink = func(st *text.Styles) text.Ink { return st.Completed }
		if e.Outcome == amqprpc.Remote {
			s.mark = '✗'
			s.ink = func(st *text.Styles) text.Ink { return st.Failed }
		}
	case amqprpc.Duplicate:
		s.words = "duplicate " + replyWords(r)
		s.ink = func(st *text.Styles) text.Ink { return st.Duplicate }
	default:
		s.words = text.Escape(r.Class.String(), nameCells) + " reply " + replyWords(r)
		s.ink = func(st *text.Styles) text.Ink { return st.Orphaned }
	}
	switch {
	case r.deadLetter:
		s.words = "the request itself, dead-lettered"
	case r.hand:
		s.words += ", by hand"
	case !r.inStep:
		s.words += " from " + r.server
		if !r.received.IsZero() && !r.published.IsZero() {
			s.words += " (its clock differs)"
		}
	}
	return s
}

// clockwork adds the deadline and the present, where they have a place in the picture.
func (e *evidence) clockwork(all *[]step, add func(step)) {
	if !e.Ours {
		return
	}
	last := len(e.Events) - 1
	end := e.Sent
	for _, s := range *all {
		if s.at.After(end) {
			end = s.at
		}
	}
	inFlight := e.Outcome == amqprpc.InFlight
	if inFlight {
		from := e.last().published
		if from.IsZero() {
			from = e.Sent
		}
		if e.around.now.After(end) {
			add(step{key: stepKey{last, untilNow}, from: from, at: e.around.now, mark: '○', words: "now, no reply yet",
				ink: func(st *text.Styles) text.Ink { return st.InFlight }})
		}
	}
	if !e.Deadline.IsZero() && (inFlight || !e.Deadline.After(end)) {
		add(step{key: stepKey{0, deadlineDue}, at: e.Deadline, mark: '│', words: "deadline", ink: inkFaint})
	}
}

func tried(attempt int) string {
	if attempt > 1 {
		return fmt.Sprintf(", attempt %d", attempt)
	}
	return ""
}

const offsetCells = 9 // "+41.2 ms" and "+<0.1 µs"

// waterfall draws the steps, one line each, at most so many as there are rows: those
// around the selected one. It also says what the axis spans.
func (e *evidence) waterfall(st *text.Styles, all []step, selected, w, rows int) (out []text.Line, legend string) {
	if w <= 0 || rows <= 0 || len(all) == 0 {
		return nil, ""
	}
	bars := barCells(all, w-2-offsetCells-1)
	intervals := make([]text.Interval, len(all))
	for i, s := range all {
		intervals[i] = text.Interval{From: s.from, To: s.at}
	}
	ax := text.NewAxis(intervals, bars, e.Outcome == amqprpc.InFlight && e.Ours)
	first := max(min(selected-rows/2, len(all)-rows), 0)
	for i := first; i < min(first+rows, len(all)); i++ {
		s := all[i]
		mark := "  "
		if i == selected {
			mark = "▸ "
		}
		l := text.Line{st.Title.Span(mark), st.Plain.Span(text.Right(text.Offset(s.at.Sub(e.origin(all))), offsetCells) + " ")}
		if bars > 0 {
			l = append(l, s.ink(st).Span(ax.Draw(intervals[i], s.mark)), st.Plain.Span(" "))
		}
		l = append(l, s.ink(st).Span(s.words))
		if i == selected {
			l = l.Fill(w).WithInk(st.Selected)
		}
		out = append(out, l)
	}
	return out, ax.Legend()
}

// barCells is how wide the bars are: what the words leave, which get three fifths at most.
func barCells(all []step, room int) int {
	words := 0
	for i := range all {
		words = max(words, text.Width(all[i].words))
	}
	n := min(room-1-min(words, room*3/5), 60)
	if n < 8 { // no picture
		return 0
	}
	return n
}

// origin is what offsets count from.
func (e *evidence) origin(all []step) time.Time {
	if e.Ours {
		return e.Sent
	}
	return all[0].at
}
