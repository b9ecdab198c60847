package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
)

var (
	sources = map[string]source{"lab": fibLab, "service": serviceLab, "tour": tourLab, "recording": recording}
	modes   = map[string]mode{
		"browsing": browsing, "inspecting": inspecting, "log": readingLog, "help": readingHelp, "menu": choosing, "prompt": prompting,
	}
)

// screenOn returns a screen on a source, and the lab behind it.
func screenOn(t testing.TB, on source, w, h int) (*Model, *fakeLab) {
	t.Helper()
	switch on {
	case recording:
		p := setFakeReplay()
		return newScreen(t, p, w, h), p.fakeLab
	case tourLab:
		m, f := newTourScreen(t, w, h)
		return m, f.lab.(*fakeLab)
	}
	s, _ := setFakeLab()
	if on == serviceLab {
		s.snap.Load.Custom, s.snap.Load.Body = true, ownBody
	}
	return newScreen(t, s, w, h), s
}

// No two rows share a key in one mode, and the help lists every key that works.
func TestKeyTable(t *testing.T) {
	for what, on := range sources {
		listed := map[string]bool{}
		for _, g := range keysOn(newKeys(), on) {
			for _, r := range g.rows {
				for _, name := range r.names() {
					listed[name] = true
				}
			}
		}
		for where, in := range modes {
			seen := map[string]int{}
			for _, g := range newKeys() {
				for _, r := range g.rows {
					if !r.works(on, in) {
						continue
					}
					for _, name := range r.names() {
						if seen[name]++; seen[name] > 1 {
							t.Errorf("%s, %s: two rows have the key %q", what, where, name)
						}
						if !listed[name] {
							t.Errorf("%s, %s: no row with the key %q has a help", what, where, name)
						}
					}
				}
			}
		}
	}
}

// Every key in a footer works there on some source and has a hint, and every hint is in a footer.
func TestEveryKeyInAFooterHasAHint(t *testing.T) {
	type place struct {
		on   source
		in   mode
		keys string
	}
	places := []place{{labs, browsing, labFooter}, {tourLab, browsing, tourFooter}, {recording, browsing, replayFooter}}
	for in, keys := range footers {
		places = append(places, place{all, in, keys})
	}
	shown := map[*keyRow]bool{}
	groups := newKeys()
	for _, p := range places {
		for _, key := range strings.Fields(p.keys) {
			found := false
			for _, g := range groups {
				for i := range g.rows {
					if r := &g.rows[i]; r.works(p.on, p.in) && slices.Contains(r.names(), key) {
						found = found || r.hint != "" || r.words != nil
						shown[r] = true
					}
				}
			}
			if !found {
				t.Errorf("%q has no hint in the footer %q", key, p.keys)
			}
		}
	}
	for _, g := range groups {
		for i := range g.rows {
			if r := &g.rows[i]; (r.hint != "" || r.words != nil) && !shown[r] {
				t.Errorf("the hint of %q (%s) is in no footer", r.keys, r.help)
			}
		}
	}
}

// The help shows the keys of its source and no others, at every size.
func TestHelpShowsKeys(t *testing.T) {
	for what, on := range sources {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			m, _ := screenOn(t, on, size[0], size[1])
			press(m, "?")
			shown := m.View()
			for range 40 {
				press(m, "down")
				shown += m.View()
			}
			for _, g := range m.keys {
				for _, r := range g.rows {
					if r.help == "" {
						continue
					}
					row := r.label() + "  " // of the list, not of the sentences below it
					if works := r.on&on != 0; works && !strings.Contains(shown, r.help) {
						t.Errorf("%s, %v: the help does not show %q", what, size, r.help)
					} else if !works && strings.Contains(shown, row+r.help) {
						t.Errorf("%s, %v: the help shows %q, which does nothing", what, size, r.help)
					}
				}
			}
		}
	}
}

// waysInto returns ways to get into a mode from the lanes. In one of them at least, every key has something to do.
func waysInto(in mode) []func(*Model) {
	keys := func(names ...string) func(*Model) { return func(m *Model) { press(m, names...) } }
	switch in {
	case inspecting:
		return []func(*Model){keys("enter"), keys("enter", "up"), keys("enter", "pgdown")}
	case readingLog:
		return []func(*Model){keys("v", "up", "up"), keys("v", "home"), keys("v")}
	case readingHelp:
		return []func(*Model){keys("?"), keys("?", "down")}
	case choosing:
		return []func(*Model){func(m *Model) {
			m.open(choosing)
			m.menu = menu{choices: make([]choice, 3), selected: 1, choose: func(choice) tea.Cmd { return nil }}
			m.Update(tickMsg(m.tickChain))
		}}
	case prompting:
		return []func(*Model){keys("/", "0"), keys("/", "0", "down")}
	}
	return []func(*Model){keys()}
}

// Every key does something in each of its modes, and nothing in all others. A recording explains the keys that
// only a lab has.
func TestKeysWorkInTheirModes(t *testing.T) {
	var names []string
	for _, g := range newKeys() {
		for _, r := range g.rows {
			names = append(names, r.names()...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)

	for what, on := range sources {
		if testing.Short() && on != fibLab { // each source takes half a second
			continue
		}
		for where, in := range modes {
			if on == serviceLab && in != browsing { // it has the keys of fibLab but one
				continue
			}
			start := func(enter func(*Model)) (m *Model, s *fakeLab, state func() string) {
				m, s = screenOn(t, on, 80, 24)
				copied := 0
				m.writeTerminal = func(string) { copied++ }
				s.Note(lab.Info, "about a call", fmt.Sprintf("%08x-0000-4000-8000-000000000000", 5))
				s.Note(lab.Info, "about none", "")
				s.Note(lab.Info, "the newest note", "")
				m.lanes.focus = endedLane
				press(m, "down", "down")
				if enter(m); m.mode != in {
					t.Fatalf("%s: mode %d, not %s", what, m.mode, where)
				}
				return m, s, func() string {
					done := s.done
					if f, ok := m.tour.(*fakeTour); ok {
						done = slices.Concat(done, f.done)
					}
					return fmt.Sprint(m.View(), m.mode, m.span, done, copied)
				}
			}
			pressed := func(m *Model, name string) (quit bool) { return press(m, strings.Replace(name, "space", " ", 1)) }

			idle, s, idleState := start(waysInto(in)[0])
			before := idleState()
			for _, name := range names {
				if idle.keyRow(name, on) != nil {
					works := slices.ContainsFunc(waysInto(in), func(enter func(*Model)) bool {
						m, _, state := start(enter)
						before := state()
						return pressed(m, name) || state() != before
					})
					if !works {
						t.Errorf("%s, %s: %q does nothing", what, where, name)
					}
					continue
				}
				if in == prompting {
					continue // it is text
				}
				notes := len(s.snap.Notes)
				quit := pressed(idle, name)
				refused := len(s.snap.Notes) > notes && strings.Contains(s.snap.Notes[notes].Text, "this is a recording")
				if want := on == recording && idle.keyRow(name, fibLab) != nil; refused != want {
					t.Errorf("%s, %s: %q is refused: %t", what, where, name, refused)
				}
				s.snap.Notes = s.snap.Notes[:notes]
				idle.Update(tickMsg(idle.tickChain))
				if idleState() != before || quit {
					t.Fatalf("%s, %s: %q has no row, and does something:\n%s", what, where, name, idle.View())
				}
			}
		}
	}
}

// In a prompt every character is text.
func TestPromptTakesAllText(t *testing.T) {
	m, s := screenOn(t, fibLab, 80, 24)
	const text = "cbn+=-_l tsSKrxduDf/Fzo[]vkjgGye?hqNPRL.,><}{0$mUX"
	press(m, append([]string{"F"}, strings.Split(text, "")...)...)
	if got := m.prompt.input.Value(); got != text || len(s.done) > 0 {
		t.Errorf("the text is %q, done %q", got, s.done)
	}
}
