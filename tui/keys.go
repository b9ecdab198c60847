package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
)

// A keyMap is every key there is. The model asks it what a key means, and the help and
// the footer are made of it, so that they cannot disagree.
type keyMap struct {
	// Make calls.
	Call, Burst, Fib, More, Less, Load, Timeout, Pause key.Binding
	// Break things.
	Start, Stop, Kill, Restart, Fault, Second, Unknown, Drop key.Binding
	// Look.
	Inspect, Freeze, Find, Filter, Zoom, Ended, Narrower, Wider, Log key.Binding
	// Move.
	Next, Previous, Up, Down, PageUp, PageDown, Home, End key.Binding
	// Take with you, and leave.
	Copy, Export, Help, Back, Suspend, Quit, Interrupt key.Binding
	// Go about the tour, where there is one.
	TourNext, TourBack, TourRepeat, TourLeave key.Binding
}

func newKeyMap() keyMap {
	bind := func(name, words string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(name, words))
	}
	return keyMap{
		Call:    bind("c", "one call", "c"),
		Burst:   bind("b", "a burst of calls", "b"),
		Fib:     bind("n", "which fib: 30, or 20-35", "n"),
		More:    bind("+", "twice the load", "+", "="),
		Less:    bind("-", "half the load", "-", "_"),
		Load:    bind("l", "load: 64, or 200/s", "l"),
		Timeout: bind("t", "timeout of calls", "t"),
		Pause:   bind("space", "pause the load", " "),

		Start:   bind("s", "start a server", "s"),
		Stop:    bind("S", "stop a server", "S"),
		Kill:    bind("K", "kill -9 a server", "K"),
		Restart: bind("r", "restart a server", "r"),
		Fault:   bind("x", "a fault for the next server", "x"),
		Second:  bind("d", "duplicate: reply again", "d"),
		Unknown: bind("u", "reply of unknown ID", "u"),
		Drop:    bind("D", "drop the connection", "D"),

		Inspect:  bind("enter", "inspect: the whole story", "enter"),
		Freeze:   bind("f", "freeze the picture", "f"),
		Find:     bind("/", "find an ID", "/"),
		Filter:   bind("F", "filter the lanes", "F"),
		Zoom:     bind("z", "zoom into the lane", "z"),
		Ended:    bind("o", "completed, failed, both", "o"),
		Narrower: bind("[", "shorter throughput span", "["),
		Wider:    bind("]", "longer throughput span", "]"),
		Log:      bind("v", "all that happened", "v"),

		Next:     bind("tab", "next panel", "tab", "right"),
		Previous: bind("shift+tab", "previous panel", "shift+tab", "left"),
		Up:       bind("↑ k", "up", "up", "k"),
		Down:     bind("↓ j", "down", "down", "j"),
		PageUp:   bind("pgup", "page up", "pgup"),
		PageDown: bind("pgdn", "page down", "pgdown"),
		Home:     bind("home g", "first", "home", "g"),
		End:      bind("end G", "last", "end", "G"),

		Copy:      bind("y", "copy the ID", "y"),
		Export:    bind("e", "export as JSON", "e"),
		Help:      bind("?", "help", "?", "h"),
		Back:      bind("esc", "back", "esc"),
		Suspend:   bind("ctrl+z", "suspend", "ctrl+z"),
		Quit:      bind("q", "quit", "q"),
		Interrupt: bind("ctrl+c", "quit from anywhere", "ctrl+c"),

		TourNext:   bind("N", "begin, or the next scenario", "N"),
		TourBack:   bind("P", "the scenario before", "P"),
		TourRepeat: bind("R", "repeat the scenario", "R"),
		TourLeave:  bind("L", "leave, to play freely", "L"),
	}
}

// A keyGroup is a column of the help.
type keyGroup struct {
	title string
	keys  []key.Binding
}

// withoutTour disables the keys of the tour.
func (k *keyMap) withoutTour() {
	for _, b := range []*key.Binding{&k.TourNext, &k.TourBack, &k.TourRepeat, &k.TourLeave} {
		b.SetEnabled(false)
	}
}

// groups has every key once that does something.
func (k *keyMap) groups() []keyGroup {
	all := []keyGroup{
		{"Make calls", []key.Binding{k.Call, k.Burst, k.Fib, k.More, k.Less, k.Load, k.Timeout, k.Pause}},
		{"Break things", []key.Binding{k.Start, k.Stop, k.Kill, k.Restart, k.Fault, k.Second, k.Unknown, k.Drop}},
		{"Look", []key.Binding{k.Inspect, k.Freeze, k.Find, k.Filter, k.Zoom, k.Ended, k.Narrower, k.Wider, k.Log}},
		{"Move", []key.Binding{k.Next, k.Previous, k.Up, k.Down, k.PageUp, k.PageDown, k.Home, k.End}},
		{"Take along, leave", []key.Binding{k.Copy, k.Export, k.Help, k.Back, k.Suspend, k.Quit, k.Interrupt}},
	}
	if k.TourNext.Enabled() {
		all = append(all, keyGroup{"Tour", []key.Binding{k.TourNext, k.TourBack, k.TourRepeat, k.TourLeave}})
	}
	return all
}

// A keyHint is a key and a word or two, for the footer.
type keyHint struct {
	key   key.Binding
	words string
}

// hints are the keys of the footer, most useful first: what does not fit is left out.
func (m *Model) hints() []keyHint {
	k := &m.keys
	switch m.mode {
	case inspecting:
		return []keyHint{
			{k.Back, "back"}, {k.Up, "select"}, {k.PageDown, "scroll"}, {k.Second, "reply again"}, {k.Copy, "copy ID"},
			{k.Freeze, m.freezeWords()}, {k.Help, "help"},
		}
	case logging:
		return []keyHint{{k.Back, "back"}, {k.Up, "up"}, {k.Down, "down"}, {k.Inspect, "inspect its call"}, {k.Help, "help"}}
	case helping:
		return []keyHint{{k.Back, "back"}, {k.Down, "scroll"}, {k.Interrupt, "quit"}}
	case choosing:
		return []keyHint{{k.Inspect, "choose"}, {k.Up, "up"}, {k.Down, "down"}, {k.Back, "leave it"}}
	case prompting:
		return []keyHint{{k.Inspect, "do it"}, {k.Back, "leave it"}}
	}
	return append(m.tourHints(), []keyHint{
		{k.Help, "help"}, {k.Quit, "quit"}, {k.Call, "call"}, {k.Start, "server"}, {k.Inspect, "inspect"},
		{k.Second, "duplicate"}, {k.Unknown, "unknown"}, {k.Kill, "kill"}, {k.Pause, m.pauseWords()}, {k.Freeze, m.freezeWords()},
		{k.More, "load"}, {k.Fault, "fault"}, {k.Find, "find"}, {k.Next, "panel"}, {k.Fib, "fib"}, {k.Filter, "filter"}, {k.Zoom, "zoom"}, {k.Log, "log"},
	}...)
}

func (m *Model) pauseWords() string {
	if m.look.Load.Paused {
		return "go on"
	}
	return "pause"
}

func (m *Model) freezeWords() string {
	if m.frozen != nil {
		return "unfreeze"
	}
	return "freeze"
}

// keyLine is the last line of the screen.
func (m *Model) keyLine() line {
	l := line{{" ", m.st.Plain}}
	room := m.w - 1
	for i, h := range m.hints() {
		name, _, _ := strings.Cut(h.key.Help().Key, " ")
		text := " " + h.words
		if i > 0 {
			name = "  " + name
		}
		if n := cells(name) + cells(text); n <= room {
			l = append(l, span{name, m.st.Key}, span{text, m.st.Faint})
			room -= n
		}
	}
	return l
}
