package tui

import (
	"math"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
)

// typed takes what was typed. Keys that come in one read, as over a slow connection, are
// one message; so are esc and a key soon after it, as if alt had been held, which no key
// here needs. What is pasted is text for a prompt, and never a row of commands.
func (m *Model) typed(msg tea.KeyMsg) tea.Cmd {
	if msg.Alt && !(m.mode == prompting && msg.Type != tea.KeyRunes) { // alt+backspace and the like edit text
		msg.Alt = false
		inPrompt := m.mode == prompting
		leave := m.key(tea.KeyMsg{Type: tea.KeyEsc})
		if inPrompt { // what was meant as text is no command
			return leave
		}
		return tea.Sequence(leave, m.typed(msg))
	}
	if msg.Type != tea.KeyRunes || m.mode == prompting {
		return m.key(msg)
	}
	if msg.Paste {
		return nil
	}
	var cmds []tea.Cmd
	for i, r := range msg.Runes {
		if m.mode == prompting { // the rest is text for it
			cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: msg.Runes[i:]}))
			break
		}
		if i > 0 {
			m.refresh() // a key goes by what the one before has changed
		}
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}))
	}
	return tea.Batch(cmds...)
}

// key does what a key means.
func (m *Model) key(msg tea.KeyMsg) tea.Cmd {
	is := func(b key.Binding) bool { return key.Matches(msg, b) }
	k := &m.keys
	m.opening = false
	switch {
	case is(k.Interrupt):
		return tea.Quit
	case is(k.Suspend):
		m.suspended++
		return tea.Suspend
	}
	switch m.mode {
	case prompting:
		cmd, over := m.prompt.key(msg, k)
		if over && m.mode == prompting {
			m.close()
		}
		return cmd
	case choosing:
		switch {
		case is(k.Back), is(k.Quit):
			m.close()
		case is(k.Up):
			m.menu.move(-1)
		case is(k.Down):
			m.menu.move(1)
		case is(k.Home):
			m.menu.move(-len(m.menu.choices))
		case is(k.End):
			m.menu.move(len(m.menu.choices))
		case is(k.Inspect):
			return m.chosen()
		}
		return nil
	case helping:
		switch {
		case is(k.Back), is(k.Quit), is(k.Help):
			m.close()
		case is(k.Up):
			m.helpFrom--
		case is(k.Down):
			m.helpFrom++
		case is(k.PageUp):
			m.helpFrom -= m.h / 2
		case is(k.PageDown):
			m.helpFrom += m.h / 2
		case is(k.Home):
			m.helpFrom = 0
		case is(k.End):
			m.helpFrom = math.MaxInt32
		}
		return nil
	}
	if is(k.Help) {
		m.open(helping)
		m.helpFrom = 0
		return nil
	}
	switch m.mode {
	case inspecting:
		switch {
		case is(k.Back), is(k.Quit), is(k.Inspect):
			m.close()
			return nil
		case is(k.Up):
			m.inspector.selectEvent(-1)
			return nil
		case is(k.Down):
			m.inspector.selectEvent(1)
			return nil
		case is(k.PageUp):
			m.inspector.scroll(-1)
			return nil
		case is(k.PageDown):
			m.inspector.scroll(1)
			return nil
		}
	case logging:
		switch {
		case is(k.Back), is(k.Quit), is(k.Log):
			m.close()
		case is(k.Up):
			m.log.move(m.look.Notes, -1)
		case is(k.Down):
			m.log.move(m.look.Notes, 1)
		case is(k.PageUp):
			m.log.move(m.look.Notes, -m.h/2)
		case is(k.PageDown):
			m.log.move(m.look.Notes, m.h/2)
		case is(k.Home):
			m.log.move(m.look.Notes, -lab.MaxNotes)
		case is(k.End):
			m.log.move(m.look.Notes, lab.MaxNotes)
		case is(k.Inspect):
			if n, ok := m.log.selected(m.look.Notes); ok && n.ID != "" {
				m.inspect(target{id: n.ID})
			}
		default:
			return m.act(is)
		}
		return nil
	}
	if m.mode == looking && m.navigate(is) {
		return nil
	}
	return m.act(is)
}

// navigate moves about on the screen.
func (m *Model) navigate(is func(key.Binding) bool) bool {
	k := &m.keys
	by, pages := 0, 0
	switch {
	case is(k.Next):
		m.nextPanel(1)
		return true
	case is(k.Previous):
		m.nextPanel(-1)
		return true
	case is(k.Zoom):
		m.onServers = false
		m.lanes.zoom()
		return true
	case is(k.Ended):
		m.onServers = false
		m.lanes.cycleEnded()
		return true
	case is(k.Narrower):
		m.span = max(m.span-1, 0)
		return true
	case is(k.Wider):
		m.span = min(m.span+1, len(spans)-1)
		return true
	case is(k.Back):
		m.back()
		return true
	case is(k.Up):
		by = -1
	case is(k.Down):
		by = 1
	case is(k.PageUp):
		pages = -1
	case is(k.PageDown):
		pages = 1
	case is(k.Home), is(k.End):
		m.toTheEnd(is(k.End))
		return true
	default:
		return false
	}
	switch {
	case m.onServers:
		m.servers.move(&m.look, by+pages*max(m.h/4, 1))
	case pages != 0:
		m.lanes.page(&m.look, pages)
	default:
		m.lanes.move(&m.look, by)
	}
	return true
}

// toTheEnd selects the first or the last row.
func (m *Model) toTheEnd(last bool) {
	const far = 1 << 20
	switch {
	case m.onServers && last:
		m.servers.move(&m.look, far)
	case m.onServers:
		m.servers.move(&m.look, -far)
	case last:
		m.lanes.end()
	default:
		m.lanes.home()
	}
}

// back undoes one thing that hides something.
func (m *Model) back() {
	switch {
	case !m.onServers && !m.lanes.follows():
		m.lanes.home()
	case m.lanes.zoomed:
		m.lanes.zoom()
	case m.filter != "":
		m.setFilter("") //nolint:errcheck // no filter is always a good one
	case m.frozen != nil:
		m.unfreeze()
	}
}

// nextPanel moves the focus: the four lanes, then the servers.
func (m *Model) nextPanel(delta int) {
	panels := laneCount + 1
	if d, ok := m.layout(); ok && d.charts == 0 {
		panels = laneCount
	}
	at := int(m.lanes.focus)
	if m.onServers {
		at = laneCount
	}
	m.lanes.release()
	at = (at + delta + panels) % panels
	if m.onServers = at == laneCount; !m.onServers {
		m.lanes.focus = laneKind(at)
	}
}
