package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/load"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// act does something to the lab, or takes something from it.
func (m *Model) act(is func(key.Binding) bool) tea.Cmd {
	k := &m.keys
	l := m.lab
	if m.player != nil && m.play(is) {
		return nil
	}
	switch {
	case is(k.Quit):
		return tea.Quit

	case is(k.TourNext):
		return m.travel(m.tour.Next)
	case is(k.TourStep):
		m.tour.SkipWait()
	case is(k.TourBack):
		return m.travel(m.tour.Back)
	case is(k.TourRepeat):
		return m.travel(m.tour.Repeat)
	case is(k.TourLeave):
		m.tour.Leave()

	case is(k.Call):
		return m.make(func(context.Context) pick { return pick{id: l.Call()} })
	case is(k.Burst):
		m.ask("How many calls at once?", "besides the load; at most "+text.Count(lab.MaxBurst), "100", func(s string) (tea.Cmd, error) {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil || n < 1 || n > lab.MaxBurst {
				return nil, fmt.Errorf("%.20q is not a number from 1 to %d", s, lab.MaxBurst)
			}
			return m.do(func(context.Context) { l.Burst(n) }), nil //nolint:errcheck // its note tells
		})
	case is(k.Fib) && m.look.Load.Custom:
		m.ask("Body", "{k} the call's number, {n} or {n:1-100} a random one, {uuid}; {{ is a brace", editable(m.look.Load.Body), func(s string) (tea.Cmd, error) {
			if now := m.look.Load.Body; s == "" && editable(now) != now { // it was never there to be seen
				return nil, errors.New("the body now is longer than fits here, or has control characters: esc keeps it")
			}
			return nil, l.SetBody(s)
		})
	case is(k.Fib):
		m.ask("fib of", "a number, or a range such as 20-35 to choose from at random", m.look.Load.Fib, func(s string) (tea.Cmd, error) {
			return nil, l.SetFib(strings.TrimSpace(s))
		})
	case is(k.Timeout):
		m.ask("Timeout of calls", "such as 5s or 250ms", m.look.Load.Timeout.String(), func(s string) (tea.Cmd, error) {
			d, err := time.ParseDuration(strings.TrimSpace(s))
			if err != nil {
				return nil, fmt.Errorf("%.20q is not a duration such as 5s or 250ms", s)
			}
			return nil, l.SetTimeout(d)
		})
	case is(k.Load):
		now := strconv.Itoa(m.look.Load.Concurrency)
		if m.look.Load.Rate > 0 {
			now = strconv.FormatFloat(m.look.Load.Rate, 'g', -1, 64) + "/s"
		}
		m.ask("Load", "64 keeps so many calls in flight; 200/s starts so many a second, come what may", now, func(s string) (tea.Cmd, error) {
			return nil, m.setLoad(strings.TrimSpace(s))
		})
	case is(k.More):
		m.scaleLoad(2)
	case is(k.Less):
		m.scaleLoad(0.5)
	case is(k.Pause):
		switch {
		case m.look.Load.Paused:
			l.Resume()
		case m.look.Load.Waiting:
			l.Begin()
		default:
			l.Pause()
		}

	case is(k.Start):
		return m.beside(func() tea.Cmd {
			return m.do(func(ctx context.Context) { l.StartServer(ctx) }) //nolint:errcheck // its note tells
		})
	case is(k.Stop):
		return m.onServer("stop", func(ctx context.Context, name string) {
			ctx, cancel := context.WithTimeout(ctx, stopTime)
			defer cancel()
			l.StopServer(ctx, name) //nolint:errcheck // its note tells
		})
	case is(k.Kill):
		return m.onServer("kill", func(_ context.Context, name string) { l.KillServer(name) }) //nolint:errcheck // its note tells
	case is(k.Restart):
		return m.beside(func() tea.Cmd {
			return m.onServer("restart", func(ctx context.Context, name string) { l.RestartServer(ctx, name) }) //nolint:errcheck // its note tells
		})
	case is(k.Fault):
		return m.beside(func() tea.Cmd {
			m.menu = menu{
				name: "Fault", title: "What shall the next server do wrong? (a probability for each request)",
				choices: faultChoices, choose: m.setFault,
			}
			for i, c := range faultChoices {
				if c.value == m.look.Fault && !c.other {
					m.menu.selected = i
				}
			}
			m.open(choosing)
			return nil
		})
	case is(k.Second):
		id, after := m.completedID(), m.newestReply()
		return m.make(func(ctx context.Context) pick {
			of, err := l.SecondReply(ctx, id)
			if err != nil { // its note tells
				return pick{}
			}
			return pick{id: of, reply: true, after: after}
		})
	case is(k.Unknown):
		after := m.newestReply()
		return m.make(func(ctx context.Context) pick {
			id, err := l.UnknownReply(ctx)
			if err != nil { // its note tells
				return pick{}
			}
			return pick{id: id, reply: true, after: after}
		})
	case is(k.Drop):
		return m.do(func(context.Context) { l.DropConnection() })

	case is(k.Freeze):
		if m.frozen != nil {
			m.unfreeze()
		} else {
			m.frozen = l.Freeze()
		}
	case is(k.Inspect):
		if m.pending() && m.mode == looking {
			m.opening = true
		} else if t, ok := m.selected(); ok {
			m.inspect(t)
		} else if m.onServers {
			m.fail(errors.New("enter tells the story of a call: tab moves to a lane"))
		}
	case is(k.Find):
		m.askForID()
	case is(k.Filter):
		m.ask("Show only", "state:failed server:fib-1 n:20-35 id:7f3a, or any text; ! for not; nothing for all", m.filter, func(s string) (tea.Cmd, error) {
			return nil, m.setFilter(s)
		})
	case is(k.Log):
		m.open(logging)
		m.log = noteLog{}
	case is(k.Copy):
		m.copyID()
	case is(k.Export):
		name := "rpcscope-" + time.Now().Format("20060102-150405") + ".json"
		help := "the numbers and the rows that are remembered, as one JSON object; a file that exists is left alone"
		if m.filter != "" {
			help = "the numbers and the rows that pass the filter, as one JSON object; a file that exists is left alone"
		}
		m.ask("Export to the file", help, name, m.export)
	}
	return nil
}

// stopTime is how long a server may drain before it is killed. The lab bounds the rest.
const stopTime = 30 * time.Second

// unfreeze goes back to the present.
func (m *Model) unfreeze() {
	m.frozen = nil
	m.lanes.search()
}

// ask opens a prompt.
func (m *Model) ask(what, help, value string, enter func(string) (tea.Cmd, error)) {
	m.open(prompting)
	m.prompt = newPrompt(what, help, value, enter)
}

// chosen takes what the menu has selected.
func (m *Model) chosen() tea.Cmd {
	m.close()
	return m.menu.choose(m.menu.choices[m.menu.selected])
}

// beside does something that starts a server, sooner or later. If that server may get in
// somebody else's way, a person decides first.
func (m *Model) beside(do func() tea.Cmd) tea.Cmd {
	if m.look.StartWarning == "" {
		return do()
	}
	m.menu = menu{
		name: "Servers here?", title: "Start servers here, although " + text.Escape(m.look.StartWarning, 300) + "?",
		choices: []choice{
			{value: "no", words: "leave the queue to whoever consumes from it"},
			{value: "yes", words: "a fibserver takes some of its requests, and answers fib or an error"},
		},
		choose: func(c choice) tea.Cmd {
			if c.value != "yes" {
				return nil
			}
			m.lab.AllowStart()
			return do()
		},
	}
	m.open(choosing)
	return nil
}

// setFault takes what the menu of faults has selected.
func (m *Model) setFault(c choice) tea.Cmd {
	if !c.other {
		m.lab.SetFault(c.value) //nolint:errcheck // its note tells
		return nil
	}
	m.ask("Faults of the next server", "such as drop=0.1,slow=0.05:2s; fibserver --help has them all", m.look.Fault, func(s string) (tea.Cmd, error) {
		return nil, m.lab.SetFault(strings.TrimSpace(s))
	})
	return nil
}

// setLoad reads 64, 200/s.
func (m *Model) setLoad(s string) error {
	if perSecond, ok := strings.CutSuffix(s, "/s"); ok {
		rate, err := strconv.ParseFloat(strings.TrimSpace(perSecond), 64)
		if err != nil || !(rate >= load.MinRate && rate <= load.MaxRate) {
			return fmt.Errorf("%.20q is not a rate from %g/s to %g/s", s, load.MinRate, load.MaxRate)
		}
		return m.lab.SetRate(rate)
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > load.MaxConcurrency {
		return fmt.Errorf("%.20q is neither a number of calls from 1 to %d nor a rate such as 200/s", s, load.MaxConcurrency)
	}
	return m.lab.SetConcurrency(n)
}

// scaleLoad makes the load so many times what it is.
func (m *Model) scaleLoad(factor float64) {
	now := &m.look.Load
	if now.Rate > 0 {
		m.lab.SetRate(min(max(now.Rate*factor, load.MinRate), load.MaxRate)) //nolint:errcheck // its note tells
		return
	}
	n := int(float64(now.Concurrency) * factor)
	m.lab.SetConcurrency(min(max(n, 1), load.MaxConcurrency)) //nolint:errcheck // its note tells
}

// onServer does something to the selected server.
func (m *Model) onServer(verb string, f func(ctx context.Context, name string)) tea.Cmd {
	name, _, ours := m.servers.selected(&m.look)
	switch {
	case name == "":
		none := "there is no server here to " + verb
		if explain.StartsServers(&m.look) {
			none += ": s starts one"
		}
		m.fail(errors.New(none))
		return nil
	case !ours:
		m.fail(fmt.Errorf("%.60q was not started here, so it cannot be made to %s from here", name, verb))
		return nil
	}
	return m.do(func(ctx context.Context) { f(ctx, name) })
}

// selected is what is selected, whose story can be looked at.
func (m *Model) selected() (target, bool) {
	switch m.mode {
	case inspecting:
		return m.target, true
	case logging:
		n, ok := m.log.selected(m.look.Notes)
		return target{id: n.ID}, ok && n.ID != ""
	}
	if m.onServers {
		return target{}, false
	}
	row, ok := m.lanes.selected(&m.look)
	return target{row.id, row.seq, row.came}, ok
}

// completedID is the call that a second reply is for: the one that is looked at, or "",
// which means the newest.
func (m *Model) completedID() string {
	t, ok := m.selected()
	if !ok || m.pending() {
		return ""
	}
	if m.mode == looking && m.lanes.focus != endedLane && m.lanes.focus != duplicateLane {
		return ""
	}
	return t.id
}

// inspect shows a story.
func (m *Model) inspect(t target) {
	if !m.known(t) {
		m.fail(m.unknown())
		return
	}
	if m.mode != inspecting {
		m.open(inspecting)
	}
	m.target = t
	m.inspector = inspector{came: t.came}
	m.showStory()
}

// unknown says why there is no story of what was to be inspected, and what to do about it.
func (m *Model) unknown() error {
	switch {
	case m.player != nil:
		return errors.New("at this time of the recording that one is not remembered: / finds it")
	case m.frozen != nil:
		return errors.New("that one is not in the frozen picture: f goes back to the present")
	}
	return errors.New("that one is no longer remembered: f freezes the picture, so that nothing is forgotten")
}

// showStory gives the inspector what is known by now.
func (m *Model) showStory() bool {
	story, ok := m.story(m.target)
	if ok {
		m.inspector.show(story, explain.Circumstances{Now: m.look.Ledger.Now, Pool: m.look.Pool, Connection: m.look.Ledger.Connection})
	}
	return ok
}

func (m *Model) setFilter(s string) error {
	f, err := parseFilter(s)
	if err != nil {
		return err
	}
	m.filter = strings.TrimSpace(s)
	m.lanes.setFilter(f)
	return nil
}
