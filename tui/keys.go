package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"

	"rpcscope/tui/explain"
	"rpcscope/tui/text"
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
	// Play a recording.
	Play, Faster, Slower, Full, StepOn, StepBack, SecondOn, SecondBack, TenOn, TenBack, Begin, Finish key.Binding
	NextDuplicate, PreviousDuplicate, NextOrphan, PreviousOrphan, NextFailure, PreviousFailure        key.Binding
	// Take with you, and leave.
	Copy, Export, Help, Back, Suspend, Quit, Interrupt key.Binding
	// Go about the tour, where there is one.
	TourNext, TourStep, TourBack, TourRepeat, TourLeave key.Binding
}

// newKeyMap returns the keys of a screen on a lab: those of a tour and of a recording are
// disabled.
func newKeyMap() keyMap {
	k := newTourKeyMap()
	disable(k.onlyTour())
	return k
}

// newTourKeyMap returns the keys of a screen on the labs of a tour.
func newTourKeyMap() keyMap {
	k := allKeys()
	disable(k.onlyReplay())
	return k
}

// newReplayKeyMap returns the keys of a screen on a recording.
func newReplayKeyMap() keyMap {
	k := allKeys()
	disable(k.onlyLab())
	disable(k.onlyTour())
	k.Log.SetHelp("v", "messages so far")
	return k
}

func disable(keys []*key.Binding) {
	for _, b := range keys {
		b.SetEnabled(false)
	}
}

// onlyLab are the keys that mean nothing in a recording.
func (k *keyMap) onlyLab() []*key.Binding {
	return []*key.Binding{
		&k.Call, &k.Burst, &k.Fib, &k.More, &k.Less, &k.Load, &k.Timeout, &k.Pause,
		&k.Start, &k.Stop, &k.Kill, &k.Restart, &k.Fault, &k.Second, &k.Unknown, &k.Drop, &k.Freeze,
	}
}

// onlyTour are the keys that mean nothing without a tour.
func (k *keyMap) onlyTour() []*key.Binding {
	return []*key.Binding{&k.TourNext, &k.TourStep, &k.TourBack, &k.TourRepeat, &k.TourLeave}
}

// onlyReplay are the keys that mean nothing in a lab.
func (k *keyMap) onlyReplay() []*key.Binding {
	return []*key.Binding{
		&k.Play, &k.Faster, &k.Slower, &k.Full, &k.StepOn, &k.StepBack, &k.SecondOn, &k.SecondBack, &k.TenOn, &k.TenBack,
		&k.Begin, &k.Finish, &k.NextDuplicate, &k.PreviousDuplicate, &k.NextOrphan, &k.PreviousOrphan, &k.NextFailure, &k.PreviousFailure,
	}
}

func allKeys() keyMap {
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

		Play:              bind("space", "play, pause", " "),
		Faster:            bind("+", "faster", "+", "="),
		Slower:            bind("-", "slower", "-", "_"),
		Full:              bind("m", "as fast as possible", "m"),
		StepOn:            bind(".", "an event on", "."),
		StepBack:          bind(",", "an event back", ","),
		SecondOn:          bind(">", "1 s on", ">"),
		SecondBack:        bind("<", "1 s back", "<"),
		TenOn:             bind("}", "10 s on", "}"),
		TenBack:           bind("{", "10 s back", "{"),
		Begin:             bind("0", "to the beginning", "0"),
		Finish:            bind("$", "to the end", "$"),
		NextDuplicate:     bind("d", "next duplicate", "d"),
		PreviousDuplicate: bind("D", "duplicate before", "D"),
		NextOrphan:        bind("u", "next orphan", "u"),
		PreviousOrphan:    bind("U", "orphan before", "U"),
		NextFailure:       bind("x", "next failure", "x"),
		PreviousFailure:   bind("X", "failure before", "X"),

		Copy:      bind("y", "copy the ID", "y"),
		Export:    bind("e", "export as JSON", "e"),
		Help:      bind("?", "help", "?", "h"),
		Back:      bind("esc", "back", "esc"),
		Suspend:   bind("ctrl+z", "suspend", "ctrl+z"),
		Quit:      bind("q", "quit", "q"),
		Interrupt: bind("ctrl+c", "quit from anywhere", "ctrl+c"),

		TourNext:   bind("N", "begin, or the next scenario", "N"),
		TourStep:   bind(".", "the next step at once", "."),
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

// groups has every key once, disabled ones too.
func (k *keyMap) groups() []keyGroup {
	return []keyGroup{
		{"Make calls", []key.Binding{k.Call, k.Burst, k.Fib, k.More, k.Less, k.Load, k.Timeout, k.Pause}},
		{"Break things", []key.Binding{k.Start, k.Stop, k.Kill, k.Restart, k.Fault, k.Second, k.Unknown, k.Drop}},
		{"Play", []key.Binding{k.Play, k.Faster, k.Slower, k.Full, k.StepOn, k.StepBack, k.SecondOn, k.SecondBack, k.TenOn, k.TenBack, k.Begin, k.Finish}},
		{"Go to", []key.Binding{k.NextDuplicate, k.PreviousDuplicate, k.NextOrphan, k.PreviousOrphan, k.NextFailure, k.PreviousFailure}},
		{"Look", []key.Binding{k.Inspect, k.Freeze, k.Find, k.Filter, k.Zoom, k.Ended, k.Narrower, k.Wider, k.Log}},
		{"Move", []key.Binding{k.Next, k.Previous, k.Up, k.Down, k.PageUp, k.PageDown, k.Home, k.End}},
		{"Take along, leave", []key.Binding{k.Copy, k.Export, k.Help, k.Back, k.Suspend, k.Quit, k.Interrupt}},
		{"Tour", []key.Binding{k.TourNext, k.TourStep, k.TourBack, k.TourRepeat, k.TourLeave}},
	}
}

// A keyHint is a key and a word or two, for the footer.
type keyHint struct {
	key   key.Binding
	words string
}

// hints are the keys of the footer, most useful first: what is disabled, and what does
// not fit, is left out.
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
	if m.player != nil {
		return []keyHint{
			{k.Help, "help"}, {k.Quit, "quit"}, {k.Play, m.playWords()}, {k.StepOn, "step"}, {k.SecondOn, "1 s"},
			{k.NextDuplicate, "duplicate"}, {k.NextOrphan, "orphan"}, {k.NextFailure, "failure"}, {k.Faster, "faster"},
			{k.Inspect, "inspect"}, {k.Begin, "start"}, {k.Finish, "end"}, {k.TenOn, "10 s"}, {k.Find, "find"}, {k.Next, "panel"}, {k.Filter, "filter"}, {k.Zoom, "zoom"},
		}
	}
	hints := m.tourHints()
	if m.telling() {
		return hints
	}
	start, fault := keyHint{k.Start, "server"}, keyHint{k.Fault, "fault"}
	if !explain.StartsServers(&m.look) {
		start, fault = keyHint{}, keyHint{}
	}
	kill := keyHint{k.Kill, "kill"}
	if !explain.CanKill(&m.look) {
		kill = keyHint{}
	}
	return append(hints, []keyHint{
		{k.Help, "help"}, {k.Quit, "quit"}, {k.Call, "call"}, start, {k.Inspect, "inspect"},
		{k.Second, "duplicate"}, {k.Unknown, "unknown"}, kill, {k.Pause, m.pauseWords()}, {k.Freeze, m.freezeWords()},
		{k.More, "load"}, fault, {k.Find, "find"}, {k.Next, "panel"}, {k.Fib, m.workWords()}, {k.Filter, "filter"}, {k.Zoom, "zoom"}, {k.Log, "log"},
	}...)
}

func (m *Model) workWords() string {
	if m.look.Load.Custom {
		return "body"
	}
	return "fib"
}

func (m *Model) pauseWords() string {
	switch {
	case m.look.Load.Paused && m.look.Load.PausedBy == "":
		return "go on"
	case m.look.Load.Paused, m.look.Load.Waiting:
		return "begin"
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
func (m *Model) keyLine() text.Line {
	l := text.Line{m.st.Plain.Span(" ")}
	room := m.w - 1
	for _, h := range m.hints() {
		if !h.key.Enabled() {
			continue
		}
		name, _, _ := strings.Cut(h.key.Help().Key, " ")
		s := " " + h.words
		if len(l) > 1 {
			name = "  " + name
		}
		if n := text.Width(name) + text.Width(s); n <= room {
			l = append(l, m.st.Key.Span(name), m.st.Faint.Span(s))
			room -= n
		}
	}
	return l
}
