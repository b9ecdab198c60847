package tui

import (
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A row is what is selected in a lane.
type row struct {
	lane laneKind
	id   string    // as it was received: escape it before it is shown
	seq  uint64    // of a discarded reply, to inspect it by; else 0
	came time.Time // when that came in
	// sentence says what the row is, with the whole ID.
	sentence string
}

// selected returns what is picked, else the selected row of the lane in focus.
func (l *lanes) selected(look *lab.Snapshot) (row, bool) {
	if p := l.pick; p != nil && !l.picked {
		sentence := rowID(p.id, mostIDQuoted) + " is not among the rows that are shown. Press enter to see its whole story."
		switch {
		case look.Frozen:
			sentence = rowID(p.id, mostIDQuoted) + " is not in the frozen picture. Press f to go back to the present."
		case p.pending():
			sentence = rowID(p.id, mostIDQuoted) + ": a reply that was sent and has not come in yet."
		}
		return row{lane: l.focus, id: p.id, seq: p.seq, sentence: sentence}, true
	}
	rows := l.sync(look, l.focus)
	if rows.len() == 0 {
		return row{}, false
	}
	r, i := row{lane: l.focus}, l.list[l.focus].cursor
	if rows.strays != nil {
		s := &rows.strays[i]
		r.id, r.seq, r.came, r.sentence = s.ID, s.Seq, s.Time, straySentence(s)
	} else {
		c := rows.calls[i]
		r.id, r.sentence = c.ID, callSentence(c, look.Load.Custom, look.Ledger.Now)
	}
	return r, true
}

// sentence says in at most w cells what is selected: the whole ID, or its beginning where
// it is a UUID that would leave no room for the rest, what it is, and why.
func (l *lanes) sentence(look *lab.Snapshot, w int) string {
	r, ok := l.selected(look)
	if !ok {
		return ""
	}
	if rest, ok := strings.CutPrefix(r.sentence, r.id); ok && uuidLike(r.id) && cells(r.sentence) > w {
		r.sentence = rowID(r.id, shortIDCells) + rest
	}
	return Escape(r.sentence, w)
}

// The most of a text that a sentence quotes, in cells.
const (
	mostIDQuoted   = 64
	mostBodyQuoted = 40
	mostNameQuoted = 40
)

func callSentence(c *ledger.Call, custom bool, now time.Time) string {
	subject := rowID(c.ID, mostIDQuoted)
	if request := requestWords(c, custom, mostBodyQuoted); request != "" {
		subject += " " + request
	}
	tried := ""
	if c.Attempt > 1 {
		tried = ", try " + strconv.Itoa(c.Attempt)
	}
	switch {
	case c.Outcome == amqprpc.InFlight && c.Attempt == 0:
		return subject + ": waits to be published, since " + ageWords(c.Age) + timeLeft(c, now) + "."
	case c.Outcome == amqprpc.InFlight:
		return subject + ": in flight for " + ageWords(c.Age) + tried + timeLeft(c, now) + "."
	case c.Outcome == amqprpc.Completed:
		s := subject + " = " + bodyText(c.Answer, c.AnswerLen, mostBodyQuoted) + ": completed in " + took(c.Age) +
			", answered by " + senderWords(c.Server, mostNameQuoted) + tried
		if c.Wrong {
			s += ", a wrong answer"
		}
		if c.Replies > 1 {
			s += "; " + count(c.Replies) + " replies, the others were discarded"
		}
		return s + "."
	}
	long, _ := failureWords(c.Outcome)
	s := subject + ": failed (" + long + ") after " + took(c.Age) + tried
	if c.Outcome == amqprpc.Remote {
		return s + ": " + senderWords(c.Server, mostNameQuoted) + " answered with an error: " +
			bodyText(c.Answer, c.AnswerLen, mostBodyQuoted) + "."
	}
	if why := new(Summary).failedBecause(c.Outcome); why != "" {
		s += ": " + why
	}
	return s + "."
}

// timeLeft says how long a call in flight has until its deadline.
func timeLeft(c *ledger.Call, now time.Time) string {
	switch left := c.Deadline.Sub(now); {
	case c.Deadline.IsZero():
		return ""
	case left < 0:
		return ", past its deadline by " + ageWords(-left)
	default:
		return ", " + ageWords(left) + " left"
	}
}

func straySentence(s *ledger.Stray) string {
	name := senderWords(s.Server, mostNameQuoted)
	if s.Server != lab.InjectorName {
		name = "from " + name
	}
	subject, reply := rowID(s.ID, mostIDQuoted), "a reply "
	if s.Error != "" {
		reply = "an error reply (" + Escape(s.Error, nameCells) + ") "
	}
	var text string
	switch s.Class {
	case amqprpc.Duplicate:
		long, _ := nthWords(s.Nth)
		if s.Error != "" {
			long += ", " + errorKind(s)
		}
		first := "the answer"
		if s.AnsweredBy != "" {
			first = senderWords(s.AnsweredBy, mostNameQuoted) + "'s answer"
		}
		text = subject + ": " + long + ", " + name + ", " + took(s.Since) + " after " + first +
			": a duplicate, since the call has its answer"
	case amqprpc.Late:
		text = subject + ": " + reply + name + ", late by " + took(s.Since) + ": " + hadEnded(s.Outcome)
	default:
		text = subject + ": " + reply + name + " that no call here waits for: its ID is unknown"
		if s.ID == "" {
			text = capital(reply) + name + " without a correlation ID: nobody can tell which call it is for"
		}
	}
	if s.Redelivered {
		text += "; its request had been redelivered"
	}
	return text + ". Discarded."
}

// title names a lane and says how many rows there are of it, in at most so many cells: of a
// filter, how many pass it of those that are remembered. Where there is room it says, too,
// that the lane does not follow its newest row, and the key that makes it.
func (l *lanes) title(st *Styles, look *lab.Snapshot, kind laneKind, room int) line {
	titles := l.titles(st, look, kind)
	if l.list[kind].stance != atTop {
		for _, t := range titles {
			if place := " ↑ home"; t.cells()+cells(place) <= room {
				return append(t, span{place, st.Warn})
			}
		}
	}
	for _, t := range titles {
		if t.cells() <= room {
			return t
		}
	}
	return titles[len(titles)-1].cut(max(room, 0))
}

// titles are what a lane can be called, the longest first.
func (l *lanes) titles(st *Styles, look *lab.Snapshot, kind laneKind) []line {
	c, r, p := look.Ledger.Calls, look.Ledger.Replies, look.Ledger.Picked
	ink, name, short, n, picked := st.InFlight, "In flight", "Flight", c.InFlight, p.InFlight
	switch {
	case kind == duplicateLane:
		ink, name, short, n, picked = st.Duplicate, "Duplicate", "Dupl.", r.Duplicates, p.Duplicates
	case kind == orphanedLane:
		ink, name, short, n, picked = st.Orphaned, "Orphaned", "Orph.", r.Orphaned(), p.Orphans
	case kind == endedLane && l.ended == failedOnly:
		ink, name, short, n, picked = st.Failed, "Failed", "Failed", c.Failed, p.Failed
	case kind == endedLane:
		ink, name, short, n, picked = st.Completed, "Completed", "Compl.", c.Completed, p.Completed
		if l.ended == allEnded {
			picked.Rows += p.Failed.Rows
			picked.Of += p.Failed.Of
		}
	}
	if l.filter.set() {
		rows, of := uint64(picked.Rows), uint64(picked.Of)
		return []line{
			{{name + " ", ink}, {count(rows) + " of " + count(of) + " pass", st.Warn}},
			{{name + " ", ink}, {count(rows) + " of " + count(of), st.Warn}},
			{{short + " ", ink}, {briefly(rows) + " of " + briefly(of), st.Warn}},
			{{short + " ", ink}, {briefly(rows) + "/", st.Warn}},
		}
	}
	titles := []line{{{name + " " + count(n), ink}}, {{name + " " + briefly(n), ink}}, {{short + " " + briefly(n), ink}}}
	if kind != endedLane || l.ended != allEnded || c.Failed == 0 {
		return titles
	}
	with := func(title line, text string) line { return append(title[:1:1], span{" " + text, st.Failed}) }
	failed := briefly(c.Failed)
	return []line{
		with(titles[0], "failed "+count(c.Failed)), with(titles[1], "failed "+failed), with(titles[1], "✗"+failed), with(titles[2], "✗"+failed),
		titles[2],
	}
}

// briefly writes a number of things in at most 5 cells.
func briefly(n uint64) string {
	x := float64(n)
	for _, unit := range []string{"", "k", "M", "G", "T", "P"} {
		switch {
		case unit == "" && n < 1000:
			return strconv.FormatUint(n, 10)
		case unit != "" && x < 99.95:
			return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0") + unit
		case unit != "" && x < 999.5:
			return strconv.FormatFloat(x, 'f', 0, 64) + unit
		}
		x /= 1000
	}
	return "many"
}

// nothing is what a lane says that has no rows.
func (l *lanes) nothing(st *Styles, kind laneKind, n, h int) []line {
	text := l.empty[kind]
	switch {
	case l.filter.set():
		text = "No row here passes the filter."
	case text != "":
	case kind == inFlightLane:
		text = "None. No request waits for its reply."
	case kind == duplicateLane:
		text = "None yet. A duplicate is a second reply to a call that has its answer. d sends one; x makes a server that does."
	case kind == orphanedLane:
		text = "None yet. An orphan is a reply that no call waits for: too late, or of an unknown ID. u sends one."
	case l.ended == completedOnly:
		text = "None yet. A call is completed when its answer has come."
	case l.ended == failedOnly:
		text = "None. Every call that has ended has its answer."
	default:
		text = "None yet. A call ends with its answer, or fails."
	}
	var lines []line
	for _, part := range wrap(text, max(n-2, 1)) {
		if len(lines) == h {
			break
		}
		lines = append(lines, line{{" " + part, st.Faint}}.fill(n))
	}
	return lines
}
