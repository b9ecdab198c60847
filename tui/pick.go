package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A pick is a call or a discarded reply that a key has created or gone to. It stays selected, in whichever lane it is,
// until something else is selected.
type pick struct {
	id    string
	reply bool   // a discarded reply of that ID, not its call
	seq   uint64 // the number of the reply; 0 until it has come in
	after uint64 // the number of the last reply before it

	story    ledger.Story // the last one known: at a high rate the ledger soon forgets it
	hasStory bool
}

// pending reports whether p has not come in yet.
func (p *pick) pending() bool { return p != nil && p.reply && p.seq == 0 }

// index returns the index of p in the rows of a lane, or -1.
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

// choose selects p as soon as it is in a lane.
func (l *lanes) choose(p pick) {
	l.release()
	l.pick = &p
}

// unpick leaves the selection to the lists.
func (l *lanes) unpick() { l.pick, l.picked = nil, false }

// release is unpick, and has the lane of the pick show its newest row.
func (l *lanes) release() {
	if l.picked {
		l.list[l.focus].home()
	}
	l.unpick()
}

// follow selects the pick in the lane that it is in now, and has the lane that it was in show its newest row.
func (l *lanes) follow(snap *lab.Snapshot) {
	for kind := range laneKind(laneCount) {
		rows := l.rows(snap, kind)
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
		return
	}
	if l.picked {
		l.list[l.focus].home()
	}
	l.picked = false
}

// create calls f, which makes a call or sends a reply, and selects it as soon as it has come in.
func (m *Model) create(f func(ctx context.Context, l Lab) pick) tea.Cmd {
	m.creating++
	if m.mode == readingLog {
		m.log = noteLog{} // its note is the newest
	}
	created := createdMsg{lab: m.lab}
	run := m.do(func(ctx context.Context, l Lab) { created.pick = f(ctx, l) })
	return func() tea.Msg {
		if msg, failed := run().(panicMsg); failed {
			return msg
		}
		return created
	}
}

// A createdMsg is the end of [Model.create]. The pick has no ID if there was an error.
type createdMsg struct {
	lab  Lab
	pick pick
}

func (m *Model) created(msg createdMsg) {
	m.creating--
	switch {
	case msg.lab != m.lab: // a scenario that is over
	case msg.pick.id == "":
		m.opening = false
	default:
		m.choose(msg.pick)
	}
}

func (m *Model) choose(p pick) {
	m.lanes.choose(p)
	m.onServers = false
}

// newestReply returns the number of the last reply that was discarded.
func (m *Model) newestReply() (seq uint64) {
	for _, s := range m.discarded(1) {
		seq = max(seq, s.Seq)
	}
	return seq
}

// discarded returns the last replies that were discarded, at most max of each class.
func (m *Model) discarded(max int) []ledger.Stray {
	b := m.lab.Snapshot(lab.Query{Ledger: ledger.Query{Duplicates: max, Orphans: max}}).Ledger
	return append(b.Duplicates, b.Orphans...)
}

// pending reports whether the row to select has not come in yet.
func (m *Model) pending() bool { return m.creating > 0 || m.jumping || m.lanes.pick.pending() }

// selectPick selects the pick if it has come in, and opens it if enter was pressed meanwhile.
func (m *Model) selectPick() {
	if r := m.snapshot.Replay; m.jumping && (r == nil || r.Seeking == "") {
		m.jumping = false
		if r != nil && r.Found != nil {
			m.choose(pick{id: r.Found.ID, seq: r.Found.Seq, reply: r.Found.Seq != 0})
			m.opening = m.opening || m.mode == inspecting // the inspector goes on to this one
			m.takeSnapshot()
		}
	}
	if p := m.lanes.pick; p.pending() {
		for _, s := range m.discarded(maxLaneRows) {
			if s.ID == p.id && s.Seq > p.after && s.Server == lab.InjectorName {
				p.seq = s.Seq
				m.takeSnapshot()
				break
			}
		}
	}
	if p := m.lanes.pick; p != nil && !p.pending() {
		m.lanes.follow(&m.snapshot)
		if story, ok := m.remembered(target{id: p.id, seq: p.seq}); ok {
			p.story, p.hasStory = story, true
		} else if m.player != nil { // the player went to a time at which it is not known
			m.lanes.release()
		}
	}
	if m.opening && !m.pending() {
		m.opening = false
		if r, ok := m.lanes.selected(&m.snapshot); ok {
			m.inspect(r.target)
		}
	}
}

// story returns the story of a call or a reply. That of the pick is returned even if the ledger has forgotten it.
func (m *Model) story(t target) (ledger.Story, bool) {
	if story, ok := m.remembered(t); ok {
		return story, true
	}
	p := m.lanes.pick
	if p == nil || !p.hasStory || m.player != nil || m.frozen != nil || t.id != p.id || t.seq != p.seq {
		return ledger.Story{}, false
	}
	return p.story, true
}

func (m *Model) remembered(t target) (ledger.Story, bool) {
	if t.seq != 0 {
		return m.picture().InspectStray(t.seq)
	}
	return m.picture().Inspect(t.id)
}
