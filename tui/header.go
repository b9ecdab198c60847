package tui

import (
	"strings"
	"time"

	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// headerLines draws the two lines above the panels: the broker, the queue and the connection, then the load and its
// totals. If there is no room for all, the connection, the totals and the rate stay the longest.
func headerLines(st *text.Styles, snap *lab.Snapshot, w int) []text.Line {
	state, counts := connectionPiece(st, snap), totalPieces(st, snap)
	return []text.Line{
		text.Ends(placePieces(st, snap), []text.Piece{state}, w),
		text.Ends(loadPieces(st, snap), counts, w),
	}
}

// connectionPiece is the state of the connection.
func connectionPiece(st *text.Styles, snap *lab.Snapshot) text.Piece {
	c, now := &snap.Ledger.Connection, snap.Ledger.Now
	forms := report.ConnectionTrouble(c, now)
	mark, ink := "○ ", st.Bad
	switch {
	case snap.Err != nil:
		mark, forms = "✗ ", []string{"internal error", "error"}
	case forms == nil:
		mark, ink, forms = "● ", st.Good, []string{"connected " + text.Clock(now.Sub(c.Since)), "connected"}
	case c.Denied:
		mark = "✗ "
	case c.Blocked:
		mark = "■ "
	case c.Since.IsZero():
		ink = st.Warn
	}
	for i := range forms {
		forms[i] = mark + forms[i]
	}
	return text.Piece{Forms: forms, Ink: ink}
}

// placePieces are the broker and the queues.
func placePieces(st *text.Styles, snap *lab.Snapshot) []text.Piece {
	info := snap.Ledger.Connection.Info
	pieces := []text.Piece{text.NewPiece(3, st.Title, "rpcscope")}
	addressRank := 2
	product, version := text.Escape(info.Product, 24), text.Escape(info.Version, 16)
	switch {
	case info.Product == inProcess:
		pieces = append(pieces, inProcessPiece(st, version))
		addressRank = 6 // its port is any free one
	case product != "" && version != "":
		pieces = append(pieces, text.NewPiece(4, st.Plain, product+" "+version, product))
	case product != "":
		pieces = append(pieces, text.NewPiece(4, st.Plain, product))
	}
	if address := text.Escape(info.Address, 40); address != "" {
		pieces = append(pieces, text.NewPiece(addressRank, st.Plain, address, text.Escape(address, 21)))
	}
	pieces = append(pieces, queuePiece(st, &snap.Queue))
	if callback := text.Escape(info.Queue, 40); callback != "" {
		short := text.Escape(callback, 14)
		pieces = append(pieces, text.NewPiece(5, st.Faint, "callback "+callback, "callback "+short))
	}
	return pieces
}

// inProcess is the product name of the in-process broker. The screen must not import its package.
const inProcess = "rpcscope in-process broker"

// inProcessPiece names the in-process broker. It is shown at any width, so that nobody takes the broker for RabbitMQ.
func inProcessPiece(st *text.Styles, version string) text.Piece {
	name := strings.TrimPrefix(inProcess, "rpcscope ")
	return text.NewPiece(1, st.Warn, strings.TrimSpace(name+" "+version), name, "in-process")
}

// queuePiece is the state of the request queue.
func queuePiece(st *text.Styles, q *lab.Queue) text.Piece {
	name := text.Escape(q.Name, 32)
	if name == "" {
		name = "the queue"
	}
	short := text.Escape(name, 16)
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
	ready := " " + text.Count(q.Ready) + " ready, "
	switch {
	case !q.Known && q.Err != "":
		return text.NewPiece(rank, st.Warn, forms(" not known", " ?")...)
	case !q.Known:
		return text.NewPiece(rank, st.Plain, name, short)
	case q.Missing:
		return text.NewPiece(rank, st.Bad, forms(" is missing")...)
	case q.Exclusive:
		return text.NewPiece(rank, st.Plain, forms(" exclusive to another connection", " exclusive")...)
	case q.Consumers == 0:
		return text.NewPiece(rank, st.Warn, forms(ready+"no consumers", " no consumers")...)
	}
	return text.NewPiece(rank, st.Plain, forms(ready+text.Plural(q.Consumers, "consumer", "consumers"), "")...)
}

// loadPieces are the load and its state.
func loadPieces(st *text.Styles, snap *lab.Snapshot) []text.Piece {
	l := &snap.Load
	var pieces []text.Piece
	add := func(rank int, style text.Ink, forms ...string) {
		pieces = append(pieces, text.NewPiece(rank, style, forms...))
	}
	if l.Rate > 0 {
		model := text.PerSecond(l.Rate) + " open"
		if n := l.Progress.Backlog; n > 0 {
			add(5, st.Warn, model+", backlog "+text.Count(n), model)
		} else {
			add(5, st.Plain, model)
		}
	} else if l.Concurrency > 0 {
		add(5, st.Plain, "closed loop "+text.Count(l.Concurrency), "loop "+text.Count(l.Concurrency))
	}
	switch {
	case l.Custom:
		add(6, st.Plain, "body "+text.Body(l.Body, len(l.Body), 32), "body "+text.Body(l.Body, len(l.Body), 16))
	case l.Fib != "":
		add(6, st.Plain, "fib("+text.Escape(l.Fib, 16)+")")
	}
	if l.Timeout > 0 {
		add(7, st.Plain, "timeout "+text.ExactDuration(l.Timeout))
	}
	add(8, st.Faint, "seed "+text.Count(l.Seed))
	if r := snap.Replay; r != nil {
		add(2, st.Warn, "REPLAY of "+text.Escape(r.File, 32), "REPLAY")
	}
	if snap.Frozen {
		add(2, st.Warn, "FROZEN at "+snap.Ledger.Now.Format(time.TimeOnly), "FROZEN")
	}
	if l.Paused {
		add(2, st.Warn, "PAUSED")
	}
	if l.Waiting {
		add(3, st.Warn, "WAITING for a server", "WAITING")
	}
	if n := snap.Ledger.Calls.Wrong; n > 0 {
		add(3, st.Bad, text.Count(n)+" WRONG")
	}
	return pieces
}

// totalPieces are the counts of the calls and their rate.
func totalPieces(st *text.Styles, snap *lab.Snapshot) []text.Piece {
	c := snap.Ledger.Calls
	failed := st.Plain
	if c.Failed > 0 {
		failed = st.Failed
	}
	rate := text.PerSecond(snap.Ledger.Rate)
	return []text.Piece{
		text.NewPiece(1, st.Plain, "sent "+text.Count(c.Sent)),
		text.NewPiece(1, st.Completed, "completed "+text.Count(c.Completed), "compl. "+text.Count(c.Completed)),
		text.NewPiece(1, failed, "failed "+text.Count(c.Failed)),
		text.NewPiece(1, st.InFlight, "in flight "+text.Count(c.InFlight)),
		// Padded, so that the pieces before it do not move.
		text.NewPiece(0, st.Title, text.Right(rate, 7), rate),
	}
}
