package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
)

// A mode is the part of the screen that keys act on. Modes are bits, so that a row of the key
// table can name several.
type mode uint8

const (
	browsing    mode = 1 << iota // the lanes and the panels around them
	inspecting                   // the story of one call
	readingLog                   // the notes
	readingHelp                  // the help
	choosing                     // an item of a menu
	prompting                    // for a line of text

	anyMode  = browsing | inspecting | readingLog | readingHelp | choosing | prompting
	reading  = browsing | inspecting | readingLog
	scrolled = browsing | readingLog | readingHelp // they have a first and a last line
)

// A source is a kind of session that the screen shows. Sources are bits too.
type source uint8

const (
	fibLab     source = 1 << iota // a lab that calls fib
	serviceLab                    // a lab that calls another service
	tourLab                       // the labs of a tour
	recording

	labs = fibLab | serviceLab | tourLab
	all  = labs | recording
)

// A keyRow is one key: its names, its method, and all places in which it works and is shown.
type keyRow struct {
	keys string // names as Bubble Tea has them, or "space"; several have spaces between them
	name string // in the help and the footer; if empty, the first of keys
	help string // empty if another row has the help of this key
	on   source
	in   mode
	do   func(*Model) tea.Cmd

	// The word of the key in a footer, if it has a place there; see footers.
	hint  string
	words func(*Model) string      // instead of hint; returns "" if the key is of no use now
	when  func(*lab.Snapshot) bool // hides the hint if false
}

// A keyGroup is a column of the help.
type keyGroup struct {
	title string
	rows  []keyRow
}

// newKeys returns the key table. To add a key, add a row and the method that it calls.
func newKeys() []keyGroup {
	return []keyGroup{
		{"Make calls", []keyRow{
			{keys: "c", help: "one call", on: labs, in: reading, do: (*Model).call, hint: "call"},
			{keys: "b", help: "a burst of calls", on: labs, in: reading, do: act((*Model).askBurst)},
			{keys: "n", help: "fib of: 30, or 20-35", on: fibLab | tourLab, in: reading, do: act((*Model).askFib), hint: "fib"},
			{keys: "n", help: "body: text with {k}, {n}, {uuid}", on: serviceLab, in: reading, do: act((*Model).askBody), hint: "body"},
			{keys: "+ =", help: "twice the load", on: labs, in: reading, do: act(func(m *Model) { m.scaleLoad(2) }), hint: "load"},
			{keys: "- _", help: "half the load", on: labs, in: reading, do: act(func(m *Model) { m.scaleLoad(0.5) })},
			{keys: "l", help: "load: 64, or 200/s", on: labs, in: reading, do: act((*Model).askLoad)},
			{keys: "t", help: "timeout of calls", on: labs, in: reading, do: act((*Model).askTimeout)},
			{keys: "space", help: "pause the load", on: labs, in: reading, do: act((*Model).pause), words: (*Model).pauseWords},
		}},
		{"Break things", []keyRow{
			{keys: "s", help: "start a server", on: labs, in: reading, do: (*Model).startServer, hint: "server", when: explain.StartsServers},
			{keys: "S", help: "stop a server", on: labs, in: reading, do: (*Model).stopServer},
			{keys: "K", help: "kill -9 a server", on: labs, in: reading, do: (*Model).killServer, hint: "kill", when: explain.CanKill},
			{keys: "r", help: "restart a server", on: labs, in: reading, do: (*Model).restartServer},
			{keys: "x", help: "a fault for the next server", on: labs, in: reading, do: (*Model).chooseFault, hint: "fault", when: explain.StartsServers},
			{keys: "d", help: "duplicate: reply again", on: labs, in: reading, do: (*Model).sendDuplicate, hint: "duplicate"},
			{keys: "u", help: "reply with unknown ID", on: labs, in: reading, do: (*Model).sendUnknown, hint: "unknown"},
			{keys: "D", help: "drop the connection", on: labs, in: reading, do: (*Model).dropConnection},
		}},
		{"Play", []keyRow{
			{keys: "space", help: "play, pause", on: recording, in: reading, do: act(func(m *Model) { m.player.Toggle() }), words: (*Model).playWords},
			{keys: "+ =", help: "faster", on: recording, in: reading, do: act(func(m *Model) { m.changeSpeed(1) }), hint: "faster"},
			{keys: "- _", help: "slower", on: recording, in: reading, do: act(func(m *Model) { m.changeSpeed(-1) })},
			{keys: "m", help: "as fast as possible", on: recording, in: reading, do: act(func(m *Model) { m.player.SetSpeed(replay.FullSpeed) })},
			{keys: ".", help: "one event forward", on: recording, in: reading, do: act(func(m *Model) { m.player.Step(1) }), hint: "step"},
			{keys: ",", help: "one event back", on: recording, in: reading, do: act(func(m *Model) { m.player.Step(-1) })},
			{keys: ">", help: "1 s forward", on: recording, in: reading, do: act(func(m *Model) { m.player.Seek(time.Second) }), hint: "1 s"},
			{keys: "<", help: "1 s back", on: recording, in: reading, do: act(func(m *Model) { m.player.Seek(-time.Second) })},
			{keys: "}", help: "10 s forward", on: recording, in: reading, do: act(func(m *Model) { m.player.Seek(10 * time.Second) }), hint: "10 s"},
			{keys: "{", help: "10 s back", on: recording, in: reading, do: act(func(m *Model) { m.player.Seek(-10 * time.Second) })},
			{keys: "0", help: "to the beginning", on: recording, in: reading, do: act(func(m *Model) { m.player.SeekBegin() }), hint: "start"},
			{keys: "$", help: "to the end", on: recording, in: reading, do: act(func(m *Model) { m.player.SeekEnd() }), hint: "end"},
		}},
		{"Go to", []keyRow{
			{keys: "d", help: "next duplicate", on: recording, in: reading, do: jump(lab.DuplicateReply, 1), hint: "duplicate"},
			{keys: "D", help: "previous duplicate", on: recording, in: reading, do: jump(lab.DuplicateReply, -1)},
			{keys: "u", help: "next orphan", on: recording, in: reading, do: jump(lab.OrphanedReply, 1), hint: "orphan"},
			{keys: "U", help: "previous orphan", on: recording, in: reading, do: jump(lab.OrphanedReply, -1)},
			{keys: "x", help: "next failure", on: recording, in: reading, do: jump(lab.FailedCall, 1), hint: "failure"},
			{keys: "X", help: "previous failure", on: recording, in: reading, do: jump(lab.FailedCall, -1)},
		}},
		{"View", []keyRow{
			{keys: "enter", help: "inspect: the whole story", on: all, in: browsing, do: act((*Model).inspectSelected), hint: "inspect"},
			{keys: "enter", on: all, in: readingLog, do: act((*Model).inspectNote), hint: "inspect its call"},
			{keys: "enter", on: all, in: inspecting, do: act((*Model).close)},
			{keys: "enter", on: all, in: choosing, do: (*Model).chosen, hint: "choose"},
			{keys: "enter", on: all, in: prompting, do: (*Model).submit, hint: "ok"},
			{keys: "f", help: "freeze the screen", on: labs, in: reading, do: act((*Model).toggleFrozen), words: (*Model).freezeWords},
			{keys: "/", help: "find an ID", on: all, in: reading, do: act((*Model).askID), hint: "find"},
			{keys: "F", help: "filter the lanes", on: all, in: reading, do: act((*Model).askFilter), hint: "filter"},
			{keys: "z", help: "zoom into the lane", on: all, in: browsing, do: act((*Model).zoom), hint: "zoom"},
			{keys: "o", help: "completed, failed, both", on: all, in: browsing, do: act((*Model).cycleEnded), hint: "ended"},
			{keys: "[", help: "shorter throughput span", on: all, in: browsing, do: act(func(m *Model) { m.changeSpan(-1) })},
			{keys: "]", help: "longer throughput span", on: all, in: browsing, do: act(func(m *Model) { m.changeSpan(1) })},
			{keys: "v", help: "log", on: labs, in: browsing | inspecting, do: act((*Model).openLog), hint: "log"},
			{keys: "v", help: "log of this replay", on: recording, in: browsing | inspecting, do: act((*Model).openLog)},
			{keys: "v", on: all, in: readingLog, do: act((*Model).close)},
		}},
		{"Move", []keyRow{
			{keys: "tab right", help: "next panel", on: all, in: browsing, do: act(func(m *Model) { m.nextPanel(1) }), hint: "panel"},
			{keys: "shift+tab left", help: "previous panel", on: all, in: browsing, do: act(func(m *Model) { m.nextPanel(-1) })},
			{keys: "up k", name: "↑ k", help: "up", on: all, in: anyMode, do: act(func(m *Model) { m.move(-1, 0) }), hint: "up"},
			{keys: "down j", name: "↓ j", help: "down", on: all, in: anyMode, do: act(func(m *Model) { m.move(1, 0) }), hint: "down"},
			{keys: "pgup", help: "page up", on: all, in: reading | readingHelp, do: act(func(m *Model) { m.move(0, -1) })},
			{keys: "pgdown", name: "pgdn", help: "page down", on: all, in: reading | readingHelp, do: act(func(m *Model) { m.move(0, 1) }), hint: "scroll"},
			{keys: "home g", name: "home g", help: "first", on: all, in: scrolled | choosing, do: act(func(m *Model) { m.moveToEnd(-1) })},
			{keys: "end G", name: "end G", help: "last", on: all, in: scrolled | choosing, do: act(func(m *Model) { m.moveToEnd(1) })},
		}},
		{"Export, leave", []keyRow{
			{keys: "y", help: "copy the ID", on: all, in: reading, do: act((*Model).copyID), hint: "copy ID"},
			{keys: "e", help: "export as JSON", on: all, in: reading, do: act((*Model).askExport)},
			{keys: "? h", help: "help", on: all, in: reading, do: act((*Model).openHelp), hint: "help"},
			{keys: "? h", on: all, in: readingHelp, do: act((*Model).close)},
			{keys: "esc", help: "back", on: all, in: browsing, do: act((*Model).back)},
			{keys: "esc", on: all, in: inspecting | readingLog | readingHelp, do: act((*Model).close), hint: "back"},
			{keys: "esc", on: all, in: choosing | prompting, do: act((*Model).close), hint: "cancel"},
			{keys: "ctrl+z", help: "suspend", on: all, in: anyMode, do: (*Model).suspend},
			{keys: "q", help: "quit", on: all, in: browsing, do: (*Model).quit, hint: "quit"},
			{keys: "q", on: all, in: inspecting | readingLog | readingHelp | choosing, do: act((*Model).close)},
			{keys: "ctrl+c", help: "quit from anywhere", on: all, in: anyMode, do: (*Model).quit, hint: "quit"},
		}},
		{"Tour", []keyRow{
			{keys: "N", help: "start, or next scenario", on: tourLab, in: reading, do: (*Model).nextScenario, words: (*Model).nextScenarioWords},
			{keys: ".", help: "next step now", on: tourLab, in: reading, do: act(func(m *Model) { m.tour.SkipWait() }), words: (*Model).stepWords},
			{keys: "P", help: "previous scenario", on: tourLab, in: reading, do: (*Model).previousScenario, hint: "back"},
			{keys: "R", help: "repeat the scenario", on: tourLab, in: reading, do: (*Model).repeatScenario, hint: "repeat"},
			{keys: "L", help: "leave, to play freely", on: tourLab, in: reading, do: act(func(m *Model) { m.tour.Leave() }), hint: "leave"},
		}},
	}
}

// act makes a method that returns no command fit for a keyRow.
func act(f func(*Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd {
		f(m)
		return nil
	}
}

func (r *keyRow) names() []string {
	return strings.Fields(r.keys)
}

// label returns the key as the help shows it. The footer shows its first word.
func (r *keyRow) label() string {
	if r.name != "" {
		return r.name
	}
	return r.names()[0]
}

// works reports whether the key does something on a source in a mode.
func (r *keyRow) works(on source, in mode) bool { return r.on&on != 0 && r.in&in != 0 }

// keyRow returns the row of a key on a source in the present mode, or nil.
func (m *Model) keyRow(name string, on source) *keyRow {
	if name == " " {
		name = "space"
	}
	for _, g := range m.keys {
		for i := range g.rows {
			if r := &g.rows[i]; r.works(on, m.mode) && slices.Contains(r.names(), name) {
				return r
			}
		}
	}
	return nil
}

func (m *Model) source() source {
	switch {
	case m.player != nil:
		return recording
	case m.tour != nil:
		return tourLab
	case m.snapshot.Load.Custom:
		return serviceLab
	}
	return fibLab
}

// press calls the method of a key. In a prompt, all other keys edit the text.
func (m *Model) press(msg tea.KeyMsg) tea.Cmd {
	m.opening = false
	if m.mode == prompting && msg.Type == tea.KeyRunes {
		m.prompt.edit(msg)
		return nil
	}
	switch row := m.keyRow(msg.String(), m.source()); {
	case row != nil:
		return row.do(m)
	case m.mode == prompting:
		m.prompt.edit(msg)
	case m.player != nil:
		if row := m.keyRow(msg.String(), fibLab); row != nil {
			m.session.Note(lab.Info, "this is a recording, in which "+row.label()+" ("+row.help+") does nothing: ? shows the keys", "")
		}
	}
	return nil
}
