package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

const (
	// mostDead is how many servers that have ended are listed.
	mostDead = 3
	// silentAfter is when a server that is not ours is said to be silent.
	silentAfter = 10 * time.Second
	// serverBarCells is the least room that a bar of a server is worth.
	serverBarCells = 4
	// mostBarCells keeps a number near to the name that it is about.
	mostBarCells = 40
)

// A serverKey tells rows apart: names are unique among those that have one.
type serverKey struct {
	kind serverKind
	name string
}

type serverKind uint8

const (
	noServer     serverKind = iota
	poolServer              // started here
	namedServer             // known by its replies alone
	otherServers            // those that the ledger has no room for
	byHand                  // not a server at all
)

// A serverEntry is what is known of one server, of the pool or by its replies or both.
type serverEntry struct {
	serverKey
	isPool  bool
	status  pool.Status
	replies ledger.Server
}

// alive says that the server may serve, as far as is known.
func (e *serverEntry) alive() bool { return !e.isPool || e.status.State.Alive() }

// serverList is the panel of servers. Its cursor follows a server, not a row. The zero
// serverList is at the newest running server of the pool.
type serverList struct {
	told   bool // a story is told, which starts the servers that it needs
	cursor serverKey
	offset int // rows above the first one that is shown
}

// serverEntries are the servers in the order of the screen: those of the pool that run, in
// the order of their starts, foreign ones, and the last ones to end. keep is shown in any
// case.
func serverEntries(look *lab.Snapshot, keep serverKey) []serverEntry {
	var all, dead, others, hand []serverEntry
	ours := make(map[string]bool, len(look.Pool))
	for _, status := range look.Pool {
		e := serverEntry{serverKey{poolServer, status.Name}, true, status, ledger.Server{}}
		for _, s := range look.Ledger.Servers {
			if !s.Others && status.Answers(s.Name) {
				e.replies, ours[s.Name] = s, true
			}
		}
		if status.State.Alive() {
			all = append(all, e)
		} else {
			dead = append(dead, e)
		}
	}
	for _, s := range look.Ledger.Servers {
		switch {
		case s.Others:
			others = append(others, serverEntry{serverKey: serverKey{kind: otherServers}, replies: s})
		case s.Name == lab.InjectorName:
			hand = append(hand, serverEntry{serverKey: serverKey{kind: byHand, name: s.Name}, replies: s})
		case !ours[s.Name]:
			all = append(all, serverEntry{serverKey: serverKey{namedServer, s.Name}, replies: s})
		}
	}
	all = append(all, others...)
	slices.SortStableFunc(dead, func(a, b serverEntry) int { return b.status.Ended.Compare(a.status.Ended) })
	for i, e := range dead {
		if i < mostDead || e.serverKey == keep {
			all = append(all, e)
		}
	}
	return append(all, hand...)
}

// at is the row that the cursor is at, -1 where there is none.
func (s *serverList) at(entries []serverEntry) int {
	if s.cursor.kind != noServer {
		if i := slices.IndexFunc(entries, func(e serverEntry) bool { return e.serverKey == s.cursor }); i >= 0 {
			return i
		}
	}
	newest := -1
	for i, e := range entries {
		if e.isPool && e.status.State == pool.Running {
			newest = i
		}
	}
	return newest
}

// move moves the cursor by so many rows.
func (s *serverList) move(look *lab.Snapshot, delta int) {
	entries := serverEntries(look, s.cursor)
	now := s.at(entries)
	if now >= 0 {
		s.cursor = entries[now].serverKey
	}
	if len(entries) == 0 {
		return
	}
	to := 0
	if now >= 0 {
		now = s.at(entries)
		to = now + min(max(delta, -now), len(entries)-1-now)
	} else if delta < 0 {
		to = len(entries) - 1
	}
	s.cursor = entries[to].serverKey
}

// selected returns the server that keys act on: the one at the cursor, else the newest
// running one of the pool. The name is as its sender wrote it, and empty where there is no
// such server; isPool says that it was started here, and has a status.
func (s *serverList) selected(look *lab.Snapshot) (name string, status pool.Status, isPool bool) {
	entries := serverEntries(look, s.cursor)
	if i := s.at(entries); i >= 0 {
		return entries[i].name, entries[i].status, entries[i].isPool
	}
	return "", pool.Status{}, false
}

// panel draws the servers: who they are, what share of the work each has, and what became
// of those that have ended.
func (s *serverList) panel(st *text.Styles, look *lab.Snapshot, focused bool, w, h int) text.Frame {
	w, h = max(w, 0), max(h, 0)
	f := text.Frame{Width: w, Focused: focused}
	entries := serverEntries(look, s.cursor)
	at := s.at(entries)

	var words []string
	if str := nobodyServes(look); str != "" {
		if s.told {
			str = "No server runs. A scenario starts and stops its own."
		}
		words = text.Wrap(str, w)
	}
	room := max(h-min(len(words), h/2), 0)
	if len(entries) == 0 {
		room = 0
	}
	s.offset = min(max(s.offset, 0), max(len(entries)-room, 0))
	if at >= 0 && room > 0 {
		s.offset = min(max(s.offset, at-room+1), at)
	}
	shown := entries[s.offset:min(s.offset+room, len(entries))]
	f.Title = serverTitle(st, look, s.offset, len(shown), len(entries), w-4)

	columns := layServers(look, entries, w)
	for i := range shown {
		l := columns.row(st, look, &shown[i], focused && s.offset+i == at)
		f.Body = append(f.Body, l.Cut(w))
	}
	for _, str := range words[:min(len(words), h-len(f.Body))] {
		f.Body = append(f.Body, text.Line{st.Faint.Span(str)})
	}
	return f
}

func serverTitle(st *text.Styles, look *lab.Snapshot, offset, shown, all, room int) text.Line {
	running := 0
	for _, status := range look.Pool {
		if status.State == pool.Running {
			running++
		}
	}
	pieces := []text.Piece{text.NewPiece(0, st.Title, "Servers")}
	switch n := elsewhere(look); {
	case look.Replay != nil:
	case n > 0:
		here := " here, " + text.Count(n) + " elsewhere"
		pieces = append(pieces, text.NewPiece(1, st.Plain, text.Count(running)+" running"+here, text.Count(running)+here, text.Count(running)+" here"))
	default:
		pieces = append(pieces, text.NewPiece(1, st.Plain, text.Count(running)+" running"))
	}
	if shown < all && shown > 0 {
		pieces = append(pieces, text.NewPiece(3, st.Faint, text.Count(offset+1)+" to "+text.Count(offset+shown)+" of "+text.Count(all)))
	}
	if look.Fault != "" {
		fault := text.Escape(look.Fault, 60)
		pieces = append(pieces, text.NewPiece(2, st.Warn, "next: "+fault, "next: "+text.Escape(fault, 24), "next: fault"))
	}
	return text.Join(pieces, room)
}

// elsewhere is how many servers there are that were not started here, as far as the broker and
// their replies tell.
func elsewhere(look *lab.Snapshot) int {
	n := 0
	for _, e := range serverEntries(look, serverKey{}) {
		if e.kind == namedServer && e.replies.Rate > 0 && e.replies.Replies > e.replies.Unknown {
			n++
		}
	}
	if look.Queue.Known {
		n = max(n, look.Queue.Others)
	}
	return n
}

// nobodyServes explains what to do where there is no server, or none that has been heard
// of. It is empty where there is one.
func nobodyServes(look *lab.Snapshot) string {
	if look.Replay != nil {
		return ""
	}
	for _, s := range look.Pool {
		if s.State.Alive() {
			return ""
		}
	}
	heard := slices.ContainsFunc(look.Ledger.Servers, func(s ledger.Server) bool { return s.Rate > 0 && s.Name != lab.InjectorName })
	switch q, n := &look.Queue, look.Queue.Consumers; {
	case heard && (q.Exclusive || !q.Known):
		return ""
	case q.Known && q.Exclusive:
		return "The queue is exclusive to another connection, and no reply yet says who serves it."
	case !q.Known && q.Err != "":
		return "Nobody can say who consumes from " + explain.QueueName(look) + ", and no reply yet does."
	case look.Queue.Known && n > 0 && !heard:
		return text.Plural(n, "consumer waits", "consumers wait") + " for requests in another program, and no reply yet says which."
	case look.Queue.Known && n > 0:
		return ""
	}
	if !explain.StartsServers(look) {
		return "No server. Start yours: it has to consume from " + explain.QueueName(look) + "."
	}
	return "No server. Press s to start one here, or run " + explain.ServerCommand(look) + " in another terminal."
}

// serverColumns are the widths of the columns of the list; what there is no room for is 0.
type serverColumns struct {
	name, bar, value, share, discarded, note int
	live                                     bool    // values are present rates, else shares of all replies
	most                                     float64 // of the values
	sum                                      float64
	width                                    int
}

// layServers decides what the rows have room for. From the left: the cursor's mark, the
// name, a bar, the rate, the share, what was discarded, and what it is.
func layServers(look *lab.Snapshot, entries []serverEntry, w int) serverColumns {
	c := serverColumns{width: w}
	for _, e := range entries {
		c.live = c.live || e.replies.Rate > 0 && e.kind != byHand
	}
	c.live = c.live && !look.Load.Paused
	note, discarded := 0, 0
	for i := range entries {
		e := &entries[i]
		c.name = max(c.name, text.Width(e.label(max(w/4, 6))))
		if e.worded() {
			continue
		}
		c.most = max(c.most, c.of(e))
		c.sum += c.of(e)
		c.value = max(c.value, text.Width(c.text(e)))
		discarded = max(discarded, text.Width(e.discards()))
		note = max(note, text.Width(e.note(look)))
	}
	room := w - text.Width("▸ ") - c.name - 1 - c.value
	const shareCells = len(">99.9 %")
	take := func(column *int, n, leave int) {
		if n > 0 && room-n-1 >= leave {
			*column = n
			room -= n + 1
		}
	}
	take(&c.note, note, serverBarCells+1)
	take(&c.discarded, discarded, serverBarCells+1)
	if c.live {
		take(&c.share, shareCells, 2*serverBarCells)
	}
	if room > serverBarCells {
		c.bar = min(room-1, mostBarCells)
	}
	return c
}

// of is the value of a row.
func (c *serverColumns) of(e *serverEntry) float64 {
	if c.live {
		return e.replies.Rate
	}
	return e.replies.Share
}

// text is the value in words.
func (c *serverColumns) text(e *serverEntry) string {
	if c.live {
		return text.PerSecond(e.replies.Rate)
	}
	return text.Percent(e.replies.Share)
}

// row writes one server, its mark included.
func (c *serverColumns) row(st *text.Styles, look *lab.Snapshot, e *serverEntry, selected bool) text.Line {
	l := text.Line{text.Plain("  ")}
	if selected {
		l[0].Text = "▸ "
	}
	ink := st.Plain
	if !e.alive() || e.kind != poolServer && e.kind != namedServer {
		ink = st.Faint
	}
	l = append(l, ink.Span(text.Left(e.label(c.name), c.name+1)))
	if e.worded() {
		text, mood := e.words(st, look, c.width-l.Width())
		l = append(l, mood.Span(text))
	} else {
		if c.bar > 0 {
			part := 0.0
			if c.most > 0 {
				part = c.of(e) / c.most
			}
			l = append(l, st.Bar.Span(text.Left(text.Bar(part, c.bar), c.bar+1)))
		}
		l = append(l, st.Plain.Span(text.Right(c.text(e), c.value)))
		if c.share > 0 {
			part := 0.0
			if c.sum > 0 {
				part = c.of(e) / c.sum
			}
			l = append(l, st.Faint.Span(" "+text.Right(text.Percent(part), c.share)))
		}
		if c.discarded > 0 {
			l = append(l, st.Duplicate.Span(" "+text.Left(e.discards(), c.discarded)))
		}
		if c.note > 0 {
			l = append(l, st.Faint.Span(" "+e.note(look)))
		}
	}
	if selected {
		return l.Fill(c.width).WithInk(st.Selected)
	}
	return l
}

// label is the name as it is shown.
func (e *serverEntry) label(most int) string {
	switch e.kind {
	case byHand:
		if s := "(by hand)"; text.Width(s) <= most {
			return s
		}
		return text.Escape("by hand", most)
	case otherServers:
		return "others"
	}
	if e.isPool {
		return text.Escape(e.name, most)
	}
	return report.ServerName(e.replies, most)
}

// worded says that words take the place of the bar and the numbers.
func (e *serverEntry) worded() bool {
	return e.kind == byHand || e.isPool && e.status.State != pool.Running
}

// words say what a server does that does not serve, in the longest form that fits.
func (e *serverEntry) words(st *text.Styles, look *lab.Snapshot, room int) (string, text.Ink) {
	ago := text.Clock(look.Ledger.Now.Sub(e.status.Ended)) + " ago"
	pid := ", pid " + strconv.Itoa(e.status.PID)
	ink := st.Faint
	var forms []string
	switch {
	case e.kind == byHand:
		n := text.Plural(e.replies.Replies, "reply", "replies")
		forms = []string{n + " that you sent", n}
	case e.status.State == pool.Starting, e.status.State == pool.Stopping:
		doing := e.status.State.String()
		forms, ink = []string{doing + pid, doing}, st.Warn
	case e.status.State == pool.Crashed:
		ink = st.Bad
		reason := text.Escape(e.status.Reason, 200)
		how, _, _ := strings.Cut(e.status.Reason, `: "`) // what it wrote last is for those with room
		how = text.Escape(how, 40)
		if reason == "" {
			forms = []string{"crashed " + ago, "crashed"}
			break
		}
		forms = []string{"crashed " + ago + ": " + reason, "crashed " + ago + ": " + how, "crashed: " + how}
	case e.status.State == pool.Killed:
		forms, ink = []string{"killed " + ago, "killed"}, st.Bad
	default:
		state := e.status.State.String()
		forms = []string{state + " " + ago, state}
	}
	for _, s := range forms {
		if text.Width(s) <= room {
			return s, ink
		}
	}
	return text.Escape(forms[len(forms)-1], room), ink
}

// discards says what of a server's replies was discarded.
func (e *serverEntry) discards() string {
	if n := e.replies.Duplicates; n > 0 {
		return text.Count(n) + " dup."
	}
	return ""
}

// note says what a server is that serves.
func (e *serverEntry) note(look *lab.Snapshot) string {
	switch {
	case e.kind == otherServers:
		return ""
	case e.isPool && e.status.Restarts > 0:
		return "pid " + strconv.Itoa(e.status.PID) + ", " + text.Plural(e.status.Restarts, "restart", "restarts")
	case e.isPool:
		return "pid " + strconv.Itoa(e.status.PID)
	}
	whose, comma := "not ours", ", "
	if look.Replay != nil { // a recording does not say
		whose, comma = "", ""
	}
	if silent := look.Ledger.Now.Sub(e.replies.Last); !e.replies.Last.IsZero() && silent >= silentAfter {
		return whose + comma + "silent " + text.Clock(silent)
	}
	return whose
}
