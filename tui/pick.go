package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A pick is the call or the discarded reply that was made or gone to last. It stays
// selected, in whichever lane it is, until something else is.
type pick struct {
	id    string
	reply bool   // a discarded reply of that ID, not its call
	seq   uint64 // the number of the reply; 0 until it has come in
	after uint64 // the number of the last reply before it

	story ledger.Story // what was known of it last: at a high rate it is soon forgotten
	told  bool         // there is a story
}

// pending reports whether what is picked is still to come in.
func (p *pick) pending() bool { return p != nil && p.reply && p.seq == 0 }

// index returns which of the rows of a lane is picked, -1 if none is.
func (p *pick) index(rows laneRows) int {
	for i, c := range rows.calls {
		if !p.reply && c.ID == p.id {
			return i
		}
	}
	for i := range rows.strays {
		if s := &rows.strays[i]; p.reply && s.Seq == p.seq || !p.reply && s.ID == p.id {
			return i
		}
	}
	return -1
}

// choose selects what is picked, as soon as it is in a lane.
func (l *lanes) choose(p pick) {
	l.release()
	l.pick, l.searching = &p, true
}

// unpick leaves the choice of what is selected to the lists again.
func (l *lanes) unpick() { l.pick, l.picked = nil, false }

// release has the lane of what was picked go on without it.
func (l *lanes) release() {
	if l.picked {
		l.list[l.focus].home()
	}
	l.unpick()
}

// follow selects what is picked in the lane that it is in now. It returns false if it is in
// none. The lane that it was in goes on without it.
func (l *lanes) follow(look *lab.Snapshot) bool {
	for kind := range laneKind(laneCount) {
		rows := l.rows(look, kind)
		i := l.pick.index(rows)
		if i < 0 {
			continue
		}
		if l.picked && l.focus != kind {
			l.list[l.focus].home()
		}
		if v := &l.list[kind]; v.stance != onRow || v.key != rows.key(i) {
			v.stance, v.key, v.cursor = onRow, rows.key(i), i
		}
		l.focus, l.picked = kind, true
		return true
	}
	if l.picked {
		l.list[l.focus].home()
	}
	l.picked = false
	return false
}

// make has the lab make something, which is selected as soon as it is there.
func (m *Model) make(f func(ctx context.Context, l Lab) pick) tea.Cmd {
	m.making++
	if m.mode == readingLog {
		m.log = noteLog{} // its note is the newest
	}
	of := m.lab
	var made pick
	run := m.do(func(ctx context.Context, l Lab) { made = f(ctx, l) })
	return func() tea.Msg {
		if msg, failed := run().(panicMsg); failed {
			return msg
		}
		return madeMsg{of, made}
	}
}

// madeMsg says what was made of which lab; without an ID, nothing was.
type madeMsg struct {
	of   Lab
	made pick
}

// made selects what was made.
func (m *Model) made(msg madeMsg) {
	m.making--
	switch {
	case msg.of != m.lab: // of a scenario that is over
	case msg.made.id == "":
		m.opening = false
	default:
		m.choose(msg.made)
	}
}

func (m *Model) choose(p pick) {
	m.lanes.choose(p)
	m.onServers = false
}

// newestReply is the number of the last reply that was discarded.
func (m *Model) newestReply() uint64 {
	newest := uint64(0)
	b := m.lab.Snapshot(lab.Query{Ledger: ledger.Query{Duplicates: 1, Orphans: 1}}).Ledger
	for _, rows := range [][]ledger.Stray{b.Duplicates, b.Orphans} {
		if len(rows) > 0 {
			newest = max(newest, rows[0].Seq)
		}
	}
	return newest
}

// pending reports whether what is to be selected is still to come.
func (m *Model) pending() bool { return m.making > 0 || m.jumping || m.lanes.pick.pending() }

// settle selects what was made or gone to, if it is there by now, and opens it if enter has
// been pressed meanwhile.
func (m *Model) settle() {
	if r := m.look.Replay; m.jumping && (r == nil || r.Seeking == "") {
		m.jumping = false
		if r != nil && r.Found != nil {
			m.choose(pick{id: r.Found.ID, seq: r.Found.Seq, reply: r.Found.Seq != 0})
			m.opening = m.opening || m.mode == inspecting // which then shows that one
		}
	}
	if p := m.lanes.pick; p.pending() {
		p.seq = m.cameIn(p)
		m.lanes.searching = p.seq != 0
	}
	if p := m.lanes.pick; p != nil && !p.pending() {
		was := m.lanes.picked
		if !m.lanes.follow(&m.look) && (was || m.lanes.searching) {
			m.lanes.search()
			m.take()
			m.lanes.follow(&m.look)
		}
		if story, ok := m.remembered(target{id: p.id, seq: p.seq}); ok {
			p.story, p.told = story, true
		} else if m.player != nil { // somebody has gone to where it is unknown
			m.lanes.release()
		}
	}
	if m.opening && !m.pending() {
		m.opening = false
		if r, ok := m.lanes.selected(&m.look); ok {
			m.inspect(target{r.id, r.seq, r.came})
		}
	}
}

// cameIn returns the number of a reply, 0 as long as it has not come in.
func (m *Model) cameIn(p *pick) uint64 {
	b := m.lab.Snapshot(lab.Query{Ledger: ledger.Query{Duplicates: mostLaneRows, Orphans: mostLaneRows}}).Ledger
	for _, rows := range [][]ledger.Stray{b.Duplicates, b.Orphans} {
		for i := range rows {
			if s := &rows[i]; s.ID == p.id && s.Seq > p.after && s.Server == lab.InjectorName {
				return s.Seq
			}
		}
	}
	return 0
}

// story returns the story of a call or a reply, also if it is what was made last and has been
// forgotten since.
func (m *Model) story(t target) (ledger.Story, bool) {
	if story, ok := m.remembered(t); ok {
		return story, true
	}
	p := m.lanes.pick
	if p == nil || !p.told || m.player != nil || m.frozen != nil || t.id != p.id || t.seq != p.seq {
		return ledger.Story{}, false
	}
	return p.story, true
}

func (m *Model) remembered(t target) (ledger.Story, bool) {
	if t.seq != 0 {
		return m.subject().InspectStray(t.seq)
	}
	return m.subject().Inspect(t.id)
}
