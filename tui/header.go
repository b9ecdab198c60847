package tui

import (
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// headerLines are the two lines above the panels: where calls go and whether they can,
// then what the load is and what became of it. What matters least goes first where room
// is scarce; the state of the connection, the totals and the rate go last.
func headerLines(st *Styles, look *lab.Snapshot, w int) []line {
	state, counts := connectionPiece(st, look), totalPieces(st, look)
	return []line{
		ends(placePieces(st, look), []piece{state}, w),
		ends(loadPieces(st, look), counts, w),
	}
}

// fitRanks chooses a form of each piece, or -1 for none, as [fit] does, but so that no
// piece is cut short for one of a higher rank.
func fitRanks(pieces []piece, width int) []int {
	chosen := make([]int, len(pieces))
	for rank, seen := 0, 0; seen < len(pieces); rank++ {
		var which []int
		var some []piece
		for i, p := range pieces {
			if p.rank == rank {
				which, some = append(which, i), append(some, p)
			}
		}
		for i, form := range fit(some, width) {
			if chosen[which[i]] = form; form >= 0 {
				width -= cells(some[i].forms[form]) + 2
			}
		}
		seen += len(some)
	}
	return chosen
}

// joined writes pieces one after the other, in the forms that were chosen for them.
func joined(pieces []piece, chosen []int) line {
	var l line
	for i, form := range chosen {
		if form < 0 {
			continue
		}
		if len(l) > 0 {
			l = append(l, span{text: "  "})
		}
		l = append(l, span{pieces[i].forms[form], pieces[i].style})
	}
	return l
}

// ends writes some pieces at the left end of a line and some at its right end, with a
// space outside of both. Their ranks are in one order.
func ends(before, after []piece, w int) line {
	chosen := fitRanks(append(before[:len(before):len(before)], after...), w-2)
	l := append(line{{text: " "}}, joined(before, chosen[:len(before)])...)
	tail := joined(after, chosen[len(before):])
	if gap := w - 1 - l.cells() - tail.cells(); gap > 0 {
		l = append(l, span{text: spaces(gap)})
	}
	return append(l, tail...).cut(max(w, 0))
}

// connectionPiece says how the connection is. It is the last to go.
func connectionPiece(st *Styles, look *lab.Snapshot) piece {
	c, now := &look.Ledger.Connection, look.Ledger.Now
	switch {
	case look.Err != nil:
		return piece{forms: []string{"✗ something in here broke", "✗ broken"}, style: st.Bad}
	case !c.Connected && c.Since.IsZero():
		return piece{forms: []string{"○ connecting"}, style: st.Warn}
	case c.Denied: // connected or not: between two calls it is either, and flickers
		denied := "✗ permission missing"
		if wait := nextTry(c, now); !c.Connected && wait != "" {
			return piece{forms: []string{denied + ", next try in " + wait, denied}, style: st.Bad}
		}
		return piece{forms: []string{denied}, style: st.Bad}
	case !c.Connected:
		lost := "○ reconnecting, lost " + clock(now.Sub(c.Since)) + " ago"
		next := ", trying now"
		if wait := nextTry(c, now); wait != "" {
			next = ", next try in " + wait
		}
		return piece{forms: []string{lost + next, lost, "○ reconnecting"}, style: st.Bad}
	case c.Blocked:
		blocked := "■ blocked by an alarm"
		return piece{forms: []string{blocked + " for " + clock(now.Sub(c.BlockedSince)), blocked, "■ blocked"}, style: st.Bad}
	}
	return piece{forms: []string{"● connected " + clock(now.Sub(c.Since)), "● connected"}, style: st.Good}
}

// nextTry says how long it is until the client connects again; "" is now.
func nextTry(c *ledger.Connection, now time.Time) string {
	if wait := c.NextTry.Sub(now); !c.NextTry.IsZero() && wait >= time.Second/2 {
		return clock(wait)
	}
	return ""
}

// placePieces say where calls go.
func placePieces(st *Styles, look *lab.Snapshot) []piece {
	info := look.Ledger.Connection.Info
	pieces := []piece{{[]string{"rpcscope"}, st.Title, 3}}
	addressRank := 2
	product, version := Escape(info.Product, 24), Escape(info.Version, 16)
	switch {
	case info.Product == inProcess:
		pieces = append(pieces, inProcessPiece(st, version))
		addressRank = 6 // whichever port was free
	case product != "" && version != "":
		pieces = append(pieces, piece{[]string{product + " " + version, product}, st.Plain, 4})
	case product != "":
		pieces = append(pieces, piece{[]string{product}, st.Plain, 4})
	}
	if address := Escape(info.Address, 40); address != "" {
		pieces = append(pieces, piece{[]string{address, Escape(address, 21)}, st.Plain, addressRank})
	}
	pieces = append(pieces, queuePiece(st, &look.Queue))
	if callback := Escape(info.Queue, 40); callback != "" {
		short := Escape(callback, 14) // the beginning of a name that the broker made up
		pieces = append(pieces, piece{[]string{"callback " + callback, "callback " + short}, st.Faint, 5})
	}
	return pieces
}

// inProcess is what the in-process broker calls itself: its package is not for a screen to import.
const inProcess = "rpcscope in-process broker"

// inProcessPiece says that the broker is the in-process one. Nobody may take it for RabbitMQ:
// however little room there is, some form of it is shown.
func inProcessPiece(st *Styles, version string) piece {
	name := strings.TrimPrefix(inProcess, "rpcscope ")
	return piece{[]string{strings.TrimSpace(name + " " + version), name, "in-process"}, st.Warn, 1}
}

// queuePiece says how the request queue is.
func queuePiece(st *Styles, q *lab.Queue) piece {
	name := Escape(q.Name, 32)
	if name == "" {
		name = "the queue"
	}
	short := Escape(name, 16)
	forms := func(states ...string) (all []string) {
		for _, s := range states {
			all = append(all, name+s)
		}
		for _, s := range states {
			all = append(all, short+s)
		}
		return all
	}
	const rank = 1
	ready := " " + count(q.Ready) + " ready, "
	switch {
	case !q.Known && q.Err != "":
		return piece{forms(" not known", " ?"), st.Warn, rank}
	case !q.Known:
		return piece{[]string{name, short}, st.Plain, rank}
	case q.Missing:
		return piece{forms(" is missing"), st.Bad, rank}
	case q.Exclusive:
		return piece{forms(" exclusive to another connection", " exclusive"), st.Plain, rank}
	case q.Consumers == 0:
		return piece{forms(ready+"no consumers", " no consumers"), st.Warn, rank}
	}
	return piece{forms(ready+things(q.Consumers, "consumer", "consumers"), ""), st.Plain, rank}
}

// loadPieces say what the load is, and what keeps it from going on.
func loadPieces(st *Styles, look *lab.Snapshot) []piece {
	l := &look.Load
	var pieces []piece
	add := func(rank int, style Ink, forms ...string) { pieces = append(pieces, piece{forms, style, rank}) }
	if l.Rate > 0 {
		model := perSecond(l.Rate) + " open"
		if n := l.Progress.Backlog; n > 0 {
			add(5, st.Warn, model+", backlog "+count(n), model)
		} else {
			add(5, st.Plain, model)
		}
	} else if l.Concurrency > 0 {
		add(5, st.Plain, "closed loop "+count(l.Concurrency), "loop "+count(l.Concurrency))
	}
	switch {
	case l.Custom:
		add(6, st.Plain, "body "+templateText(l.Body, 32), "body "+templateText(l.Body, 16))
	case l.Fib != "":
		add(6, st.Plain, "fib("+Escape(l.Fib, 16)+")")
	}
	if l.Timeout > 0 {
		add(7, st.Plain, "timeout "+plainDuration(l.Timeout))
	}
	add(8, st.Faint, "seed "+count(l.Seed))
	if r := look.Replay; r != nil {
		add(2, st.Warn, "REPLAY of "+Escape(r.File, 32), "REPLAY")
	}
	if look.Frozen {
		add(2, st.Warn, "FROZEN at "+look.Ledger.Now.Format(time.TimeOnly), "FROZEN")
	}
	if l.Paused {
		add(2, st.Warn, "PAUSED")
	}
	if l.Waiting {
		add(3, st.Warn, "WAITING for a server", "WAITING")
	}
	if n := look.Ledger.Calls.Wrong; n > 0 {
		add(3, st.Bad, count(n)+" WRONG")
	}
	return pieces
}

// totalPieces say what became of the calls, and how fast they are.
func totalPieces(st *Styles, look *lab.Snapshot) []piece {
	c := look.Ledger.Calls
	failed := st.Plain
	if c.Failed > 0 {
		failed = st.Failed
	}
	rate := perSecond(look.Ledger.Rate)
	return []piece{
		{[]string{"sent " + count(c.Sent)}, st.Plain, 1},
		{[]string{"completed " + count(c.Completed), "compl. " + count(c.Completed)}, st.Completed, 1},
		{[]string{"failed " + count(c.Failed)}, failed, 1},
		{[]string{"in flight " + count(c.InFlight)}, st.InFlight, 1},
		// Of one width mostly, so that what is before it stands still.
		{[]string{right(rate, 7), rate}, st.Title, 0},
	}
}
