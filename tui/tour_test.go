package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"rpcscope/tui/lab"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// A fakeTour is a [Tour] that records its calls.
type fakeTour struct {
	lab  Lab
	snap tour.Snapshot
	done []string
	fail error
}

func (f *fakeTour) did(what string) error { f.done = append(f.done, what); return f.fail }

func (f *fakeTour) Snapshot() (Lab, tour.Snapshot) { return f.lab, f.snap }
func (f *fakeTour) Next(context.Context) error     { return f.did("next") }
func (f *fakeTour) Back(context.Context) error     { return f.did("back") }
func (f *fakeTour) Repeat(context.Context) error   { return f.did("repeat") }
func (f *fakeTour) SkipWait()                      { f.did("hurry") } //nolint:errcheck
func (f *fakeTour) Leave()                         { f.did("leave") } //nolint:errcheck

// setFakeTour returns a tour at the scenario in which a server dies.
func setFakeTour() (*fakeTour, *fakeLab) {
	s, _ := setFakeLab()
	s.snap.Load.Paused = true
	return &fakeTour{lab: s, snap: tour.Snapshot{Scenario: tour.Scenarios()[3], Position: 4, Count: 10}}, s
}

func newTourScreen(t testing.TB, w, h int) (*Model, *fakeTour) {
	t.Helper()
	f, _ := setFakeTour()
	m := newTourModel(t.Context(), f, styled(false), func(string) {})
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m, f
}

// over ends the scenario.
func over(f *fakeTour, err error, facts ...tour.Fact) {
	f.snap.State = tour.Finished
	f.snap.Result = &tour.Result{Scenario: f.snap.Scenario, Facts: facts, Err: err, Elapsed: 1500 * time.Millisecond}
}

// acting plays the scenario up to its second step.
func acting(f *fakeTour, p tour.Phase) {
	f.snap.State, f.snap.Steps = tour.Playing, []tour.Step{{Text: "Two calls are made.", Phase: tour.Done}, {Text: "A server starts.", Phase: p}}
}

var (
	goodFact = tour.Fact{Want: "1 duplicate", Got: "1 duplicate", OK: true}
	badFact  = tour.Fact{Want: "0 lost of 2", Got: "1 lost of 2"}
)

func TestTourKeys(t *testing.T) {
	m, f := newTourScreen(t, 80, 24)
	press(m, "N", ".", "P", "R", "L")
	if want := []string{"next", "hurry", "back", "repeat", "leave"}; !slices.Equal(f.done, want) {
		t.Errorf("did %q, not %q", f.done, want)
	}
	f.fail = errors.New("no broker")
	press(m, "N")
	m.Update(tickMsg(m.tickChain))
	if !strings.Contains(m.View(), "no broker") {
		t.Errorf("what went wrong is not told:\n%s", m.View())
	}

	s, _ := setFakeLab()
	m = newScreen(t, s, 120, 60)
	press(m, "N", ".", "P", "R", "L", "?")
	if len(s.done) > 0 || strings.Contains(m.View(), "scenario") {
		t.Errorf("keys of a tour where there is none: %q\n%s", s.done, m.View())
	}
}

// The story and the keys of each state of a scenario.
func TestTourStates(t *testing.T) {
	free := func(f *fakeTour) { over(f, nil, goodFact); f.snap.Left = true }
	for name, c := range map[string]struct {
		set       func(*fakeTour)
		says, not []string
	}{
		"told":       {func(*fakeTour) {}, []string{"4 of 10: a server dies", "ready", "happens", "watch", "why", "Press N to see it happen", "N start", "P back", "R repeat", "L leave", "tab panel"}, []string{"space", "s server", "K kill", "PAUSED", "WAITING", "closed loop"}},
		"part":       {func(f *fakeTour) { f.snap.Position, f.snap.Count = 1, 2 }, []string{"Scenario 4 (1 of 2): a server dies"}, nil},
		"acting":     {func(f *fakeTour) { f.snap.State = tour.Playing }, []string{"happening", "happens", "It is happening now", "N skip"}, []string{"✓ ok"}},
		"next":       {func(f *fakeTour) { acting(f, tour.Pending) }, []string{"happening", "✓ done   Two calls are made.", "○ next   A server starts", "watch", ". next step", "N skip"}, []string{"happens", "● now", "PAUSED"}},
		"now":        {func(f *fakeTour) { acting(f, tour.Running) }, []string{"✓ done   Two calls are made.", "● now    A server starts"}, []string{"○ next"}},
		"done":       {func(f *fakeTour) { acting(f, tour.Done) }, []string{"✓ done   Two calls are made.", "✓ done   A server starts"}, []string{"○ next"}},
		"last step":  {func(f *fakeTour) { acting(f, tour.Running); f.snap.Position = 10 }, []string{". next step", "N skip"}, nil},
		"ok":         {func(f *fakeTour) { over(f, nil, goodFact) }, []string{"✓ ok, 1.5 s", "✓ ok     1 duplicate", "why", "Press N for the next", "N next"}, []string{"happens", "FAILED"}},
		"failed":     {func(f *fakeTour) { over(f, nil, goodFact, badFact) }, []string{"✗ FAILED, 1.5 s", "✓ ok     1 duplicate", "✗ FAILED 1 lost of 2; expected was: 0 lost of 2"}, nil},
		"broken":     {func(f *fakeTour) { over(f, errors.New("no fibserver\nat all")) }, []string{"✗ FAILED", "It could not be played to its end: no fibserver."}, nil},
		"given up":   {func(f *fakeTour) { f.snap.State = tour.Finished }, []string{"given up", "happens", "Press R to see it from the beginning, or N"}, nil},
		"last":       {func(f *fakeTour) { over(f, nil, goodFact); f.snap.Position = 10 }, []string{"That was the last one. Press N to play", "N finish", "P back"}, []string{"N next"}},
		"moving":     {func(f *fakeTour) { f.snap.Loading = true }, []string{"One moment"}, nil},
		"free":       {free, []string{"The load is paused", "PAUSED", "N next scenario", "Throughput", "s server"}, []string{"4 of 10", "why"}},
		"free, last": {func(f *fakeTour) { free(f); f.snap.Position = 10 }, []string{"R repeat"}, []string{"N next"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, f := newTourScreen(t, 120, 40)
			c.set(f)
			m.Update(tickMsg(m.tickChain))
			says(t, m.View(), c.says, c.not)
		})
	}
}

// During a scenario the advice is about the tour, not about its faults.
func TestTourAdvice(t *testing.T) {
	m, f := newTourScreen(t, 120, 40)
	s := f.lab.(*fakeLab)
	s.snap.Queue = lab.Queue{Name: "q", Known: true, Missing: true, At: at(0)}
	m.Update(tickMsg(m.tickChain))
	says(t, m.View(), []string{"Press N to see"}, []string{"unroutable. Press s"})
	f.snap.State = tour.Playing
	m.Update(tickMsg(m.tickChain))
	says(t, m.View(), []string{"It is happening now"}, []string{"unroutable. Press s"})

	f.snap.State, f.snap.Position, s.snap.StandIn = tour.Intro, 1, standIn
	m.Update(tickMsg(m.tickChain))
	says(t, m.View(), []string{"Press N to see it happen. In-process broker"}, nil)
}

// With another lab, the screen has no selection, filter or mode of the one before.
func TestTourGoesOn(t *testing.T) {
	m, f := newTourScreen(t, 120, 40)
	press(m, append([]string{"F"}, append(strings.Split("server:fib-2", ""), "enter")...)...)
	press(m, "tab", "tab", "f", "v", "?") // from the duplicates
	if m.frozen == nil || m.filter == "" || !m.onServers || m.mode != readingHelp {
		t.Fatalf("frozen %v, filter %q, on servers %t, mode %d", m.frozen, m.filter, m.onServers, m.mode)
	}
	other := &fakeLab{ledger: newStory().ledger}
	f.lab, f.snap.Scenario, f.snap.Position = other, tour.Scenarios()[4], 5
	m.Update(tickMsg(m.tickChain))
	if m.frozen != nil || m.filter != "" || m.onServers || m.mode != browsing || len(m.modeStack) > 0 || m.snapshot.Ledger.Calls.Sent != 0 {
		t.Errorf("frozen %v, filter %q, on servers %t, mode %d, %+v", m.frozen, m.filter, m.onServers, m.mode, m.snapshot.Ledger.Calls)
	}
	says(t, m.View(), []string{"5 of 10: an unknown reply"}, []string{"FROZEN"})
	press(m, "c")
	if !slices.Equal(other.done, []string{"call"}) {
		t.Errorf("the keys do %q", other.done)
	}
}

// The smallest screen has room for each story and for the lanes.
func TestStoriesFit(t *testing.T) {
	st := styled(false)
	for _, s := range tour.Scenarios() {
		snap := tour.Snapshot{Scenario: s, Position: s.Number, Count: len(tour.Scenarios())}
		f := storyPanel(st, &snap, minWidth-2, 100)
		var text strings.Builder
		for _, l := range f.Body {
			text.WriteString(l.Render() + "\n")
		}
		if len(f.Body) > storyRows {
			t.Errorf("%d rows for the story of %d:\n%s", len(f.Body), s.Number, &text)
		}
		for what, part := range map[string]string{"happens": s.Happens, "watch": s.Watch, "why": s.Why} {
			if part == "" || !strings.HasSuffix(part, ".") || strings.Count("\n"+text.String(), "\n "+what+" ") != 1 {
				t.Errorf("%d: %s is %q:\n%s", s.Number, what, part, &text)
			}
		}
		if title := f.Title.Width(); title > minWidth-6 {
			t.Errorf("a title of %d cells: %s", title, f.Title.Render())
		}
	}
	m, f := newTourScreen(t, minWidth, minHeight)
	if d, ok := m.layout(); !ok || d.lanes < minLaneRows || d.charts != 0 {
		t.Errorf("%+v", d)
	}
	for range 2 * laneCount { // tab goes around the lanes: there are no servers to be seen
		press(m, "tab")
		if m.onServers {
			t.Fatal("on servers that are not shown")
		}
	}
	// As soon as something happens there are charts to see it in, on every screen.
	for _, set := range []func(*fakeTour){func(f *fakeTour) { acting(f, tour.Running) }, func(f *fakeTour) { over(f, nil, goodFact) }} {
		set(f)
		m.Update(tickMsg(m.tickChain))
		for h := minHeight; h < 50; h++ {
			m.Update(tea.WindowSizeMsg{Width: minWidth, Height: h})
			if d, ok := m.layout(); !ok || d.charts < shortChartRows || d.lanes < 4 {
				t.Errorf("%d rows: %+v", h, d)
			}
			says(t, m.View(), []string{"Throughput", "Latency", "Servers", "Duplicate"}, nil)
		}
	}
}

// The smallest screen has room for the facts of a result.
func TestTourFits(t *testing.T) {
	f, _ := setFakeTour()
	for _, at := range []int{1, 2} {
		for _, state := range []tour.State{tour.Intro, tour.Playing, tour.Finished} {
			for _, result := range []*tour.Result{nil, {}} {
				if s := tourAdvice(&tour.Snapshot{Position: at, Count: 2, State: state, Result: result}); text.Width(s) > minWidth-4 {
					t.Errorf("%d cells: %s", text.Width(s), s)
				}
			}
		}
	}
	// Facts that do not hold are always shown.
	over(f, nil, goodFact, goodFact, goodFact, goodFact, badFact)
	panel := storyPanel(styled(false), &f.snap, minWidth-2, shortStoryRows)
	if text := panel.Body[0].Render(); !strings.Contains(text, badFact.Got) {
		t.Errorf("the first row is %q", text)
	}
}

// Calls have numbers, in every lane and at every width.
func TestTourNumbers(t *testing.T) {
	for _, w := range []int{80, 100, 120, 200, 400} {
		m, f := newTourScreen(t, w, 40)
		if m.lanes.focus != duplicateLane {
			t.Errorf("lane %d is in focus", m.lanes.focus)
		}
		b := &m.snapshot.Ledger
		f.lab.(*fakeLab).numbers = map[string]int{b.InFlight[0].ID: 7, b.Completed[0].ID: 12, b.Duplicates[0].ID: 1000}
		m.Update(tickMsg(m.tickChain))
		for n, id := range map[string]string{"#7": b.InFlight[0].ID, "#12": b.Completed[0].ID, "#1000": b.Duplicates[0].ID} {
			if !strings.Contains(m.View(), n+" "+id[:minIDWidth]) {
				t.Errorf("%d cells: no %s %s\n%s", w, n, id, m.View())
			}
		}
		for range m.lanes.list {
			press(m, "tab", "z")
			fits(t, m.View(), w)
			press(m, "z")
		}
	}
}

// At every size a tour has exactly its lines, none of them too wide.
func TestTourSizes(t *testing.T) {
	hostile := "\x1b]0;title\a\u202e漢字 " + strings.Repeat("x", 300) + "\nmore"
	for name, set := range map[string]func(*fakeTour){
		"told":   func(*fakeTour) {},
		"acting": func(f *fakeTour) { f.snap.State = tour.Playing },
		"steps": func(f *fakeTour) {
			acting(f, tour.Pending)
			f.snap.Steps = append(f.snap.Steps, tour.Step{Text: hostile}, tour.Step{Text: hostile})
		},
		"hostile": func(f *fakeTour) {
			over(f, errors.New(hostile), goodFact, tour.Fact{Want: hostile, Got: hostile}, tour.Fact{Want: hostile, Got: hostile, OK: true})
		},
		"free": func(f *fakeTour) { f.snap.Left = true },
	} {
		m, f := newTourScreen(t, 120, 40)
		set(f)
		m.Update(tickMsg(m.tickChain))
		sizes := [][2]int{{0, 0}, {1, 1}, {79, 24}, {80, 23}, {80, 24}, {80, 29}, {81, 30}, {80, 31}, {120, 40}, {300, 100}}
		for w := 80; w < 200; w += 7 {
			sizes = append(sizes, [2]int{w, 24 + w%23})
		}
		for _, size := range sizes {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			view := m.View()
			if n := strings.Count(view, "\n") + 1; size[0] >= minWidth && size[1] >= minHeight && n != size[1] {
				t.Fatalf("%s at %v: %d lines\n%s", name, size, n, view)
			}
			fits(t, view, size[0])
			if strings.ContainsAny(ansi.Strip(view), "\x1b\a\u202e") {
				t.Fatalf("%s at %v: control characters in %q", name, size, view)
			}
		}
		for w := range 90 {
			for h := range 10 {
				f := storyPanel(styled(false), &f.snap, w, h)
				if len(f.Body) > h {
					t.Fatalf("%s: %d rows of %d", name, len(f.Body), h)
				}
				for _, l := range f.Body {
					fits(t, l.Render(), w)
				}
			}
		}
	}
}

func TestTourViews(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for name, set := range map[string]func(*fakeTour){
			"told":   func(*fakeTour) {},
			"ok":     func(f *fakeTour) { over(f, nil, goodFact, goodFact) },
			"failed": func(f *fakeTour) { over(f, nil, goodFact, badFact) },
		} {
			for _, colour := range []bool{false, true} {
				f, _ := setFakeTour()
				set(f)
				m := newTourModel(t.Context(), f, styled(colour), func(string) {})
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				suffix := ""
				if colour {
					suffix = "-colour"
				}
				golden(t, fmt.Sprintf("tour-%s-%dx%d%s", name, size[0], size[1], suffix), m.View())
			}
		}
	}
}
