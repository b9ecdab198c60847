package tui

import (
	"slices"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// maxEnded is how many servers that have ended are listed.
const maxEnded = 3

// A serverKey identifies a row of the list of servers.
type serverKey struct {
	kind serverKind
	name string
}

type serverKind uint8

const (
	noServer     serverKind = iota
	poolServer              // started here
	namedServer             // known only by its replies
	otherServers            // those that the ledger has no room for
	byHand                  // replies sent by hand
)

// A serverEntry is one server, of the pool or known by its replies or both.
type serverEntry struct {
	serverKey
	status  pool.Status // if it is of the pool
	replies ledger.Server
}

// alive reports whether the server may serve.
func (e *serverEntry) alive() bool { return e.kind != poolServer || e.status.State.Alive() }

// serverList is the panel of servers. Its cursor follows a server, not a row. The zero serverList selects the newest running
// server of the pool.
type serverList struct {
	inScenario bool // a scenario starts and stops the servers
	cursor     serverKey
	offset     int // rows above the first that is shown
}

// serverEntries returns the servers in the order of the screen: the running ones of the pool, in the order of their starts,
// those of others, the last ones that ended, and replies sent by hand. keep is listed in any case.
func serverEntries(snap *lab.Snapshot, keep serverKey) []serverEntry {
	var all, ended, others, hand []serverEntry
	ours := make(map[string]bool, len(snap.Pool))
	for _, status := range snap.Pool {
		e := serverEntry{serverKey: serverKey{poolServer, status.Name}, status: status}
		for _, s := range snap.Ledger.Servers {
			if !s.Others && status.Answers(s.Name) {
				e.replies, ours[s.Name] = s, true
			}
		}
		if status.State.Alive() {
			all = append(all, e)
		} else {
			ended = append(ended, e)
		}
	}
	for _, s := range snap.Ledger.Servers {
		switch {
		case s.Others:
			others = append(others, serverEntry{serverKey: serverKey{kind: otherServers}, replies: s})
		case s.Name == lab.InjectorName:
			hand = append(hand, serverEntry{serverKey: serverKey{byHand, s.Name}, replies: s})
		case !ours[s.Name]:
			all = append(all, serverEntry{serverKey: serverKey{namedServer, s.Name}, replies: s})
		}
	}
	all = append(all, others...)
	slices.SortStableFunc(ended, func(a, b serverEntry) int { return b.status.Ended.Compare(a.status.Ended) })
	for i, e := range ended {
		if i < maxEnded || e.serverKey == keep {
			all = append(all, e)
		}
	}
	return append(all, hand...)
}

// at returns the row of the cursor, or -1.
func (s *serverList) at(entries []serverEntry) int {
	if s.cursor.kind != noServer {
		if i := slices.IndexFunc(entries, func(e serverEntry) bool { return e.serverKey == s.cursor }); i >= 0 {
			return i
		}
	}
	newest := -1
	for i, e := range entries {
		if e.kind == poolServer && e.status.State == pool.Running {
			newest = i
		}
	}
	return newest
}

// move moves the cursor by delta rows.
func (s *serverList) move(snap *lab.Snapshot, delta int) {
	entries := serverEntries(snap, s.cursor)
	last := len(entries) - 1
	if last < 0 {
		return
	}
	to := 0
	if i := s.at(entries); i >= 0 {
		to = i + min(max(delta, -i), last-i)
	} else if delta < 0 {
		to = last
	}
	s.cursor = entries[to].serverKey
}

// selected returns the server that keys act on: the one at the cursor, or else the newest running one of the pool. The name is
// not escaped, and "" if there is no such server. If ours, the server was started here and has a status.
func (s *serverList) selected(snap *lab.Snapshot) (name string, status pool.Status, ours bool) {
	entries := serverEntries(snap, s.cursor)
	if i := s.at(entries); i >= 0 {
		return entries[i].name, entries[i].status, entries[i].kind == poolServer
	}
	return "", pool.Status{}, false
}

// elsewhere returns how many servers were not started here, as far as the broker and their replies tell.
func elsewhere(snap *lab.Snapshot) int {
	n := 0
	for _, e := range serverEntries(snap, serverKey{}) {
		if e.kind == namedServer && e.replies.Rate > 0 && e.replies.Replies > e.replies.Unknown {
			n++
		}
	}
	if snap.Queue.Known {
		n = max(n, snap.Queue.Others)
	}
	return n
}

// label is the name of a server in at most width cells.
func (e *serverEntry) label(width int) string {
	switch e.kind {
	case byHand:
		return text.FirstFit(width, "(by hand)", "by hand")
	case otherServers:
		return "others"
	case poolServer:
		return text.Escape(e.name, width)
	}
	return report.ServerName(e.replies, width)
}
