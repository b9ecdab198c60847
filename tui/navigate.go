package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// typed presses the keys of one message. Over a slow connection several characters are one message, and esc
// and a key soon after it are one key with alt, which no key here needs. Pasted text is for prompts only.
func (m *Model) typed(msg tea.KeyMsg) tea.Cmd {
	if msg.Alt && !(m.mode == prompting && msg.Type != tea.KeyRunes) { // alt+backspace and the like edit text
		msg.Alt = false
		inPrompt := m.mode == prompting
		leave := m.press(tea.KeyMsg{Type: tea.KeyEsc})
		if inPrompt { // the rest was meant as text
			return leave
		}
		return tea.Sequence(leave, m.typed(msg))
	}
	if msg.Type != tea.KeyRunes || m.mode == prompting {
		return m.press(msg)
	}
	if msg.Paste {
		return nil
	}
	var cmds []tea.Cmd
	for i, r := range msg.Runes {
		if m.mode == prompting { // the rest is its text
			return tea.Batch(append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: msg.Runes[i:]}))...)
		}
		if i > 0 {
			m.refresh() // a key may depend on the one before
		}
		cmds = append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}))
	}
	return tea.Batch(cmds...)
}

func (m *Model) quit() tea.Cmd { return tea.Quit }

func (m *Model) suspend() tea.Cmd { return tea.Suspend }

// move moves the selection of the present mode, or its text, by rows and pages.
func (m *Model) move(rows, pages int) {
	switch m.mode {
	case prompting:
		m.prompt.move(rows)
	case choosing:
		m.menu.move(rows)
	case readingHelp:
		m.helpFrom += rows + pages*m.h/2
	case readingLog:
		m.log.move(m.snapshot.Notes, rows+pages*m.h/2)
	case inspecting:
		m.inspector.selectEvent(rows)
		m.inspector.scroll(pages)
	default:
		switch {
		case m.onServers:
			m.servers.move(&m.snapshot, rows+pages*max(m.h/4, 1))
		case pages != 0:
			m.lanes.page(&m.snapshot, pages)
		default:
			m.lanes.move(&m.snapshot, rows)
		}
	}
}

// moveToEnd moves to the first row if direction is -1, and to the last one if it is 1.
func (m *Model) moveToEnd(direction int) {
	const far = 1 << 20
	switch {
	case m.mode != browsing || m.onServers:
		m.move(direction*far, 0)
	case direction < 0:
		m.lanes.home()
	default:
		m.lanes.end()
	}
}

// back undoes one thing that hides something.
func (m *Model) back() {
	switch {
	case !m.onServers && !m.lanes.follows():
		m.lanes.home()
	case m.lanes.zoomed:
		m.lanes.zoomed = false
	case m.filter != "":
		m.setFilter("") //nolint:errcheck // the empty filter is valid
	case m.frozen != nil:
		m.toggleFrozen()
	}
}

// nextPanel moves the focus among the four lanes and the servers.
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

// zoom shows the focused lane alone, or all four again.
func (m *Model) zoom() {
	m.onServers = false
	m.lanes.zoomed = !m.lanes.zoomed
}

func (m *Model) cycleEnded() {
	m.onServers = false
	m.lanes.cycleEnded()
}

// changeSpan shows a shorter or longer span of the throughput.
func (m *Model) changeSpan(delta int) {
	m.span = min(max(m.span+delta, 0), len(spans)-1)
}

func (m *Model) openHelp() {
	m.open(readingHelp)
	m.helpFrom = 0
}

func (m *Model) openLog() {
	m.open(readingLog)
	m.log = noteLog{}
}
