package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/load"
	"rpcscope/tui/lab"
)

// typed takes what was typed. Keys that come in one read, as over a slow connection, are
// one message; so are esc and a key soon after it, as if alt had been held, which no key
// here needs. What is pasted is text for a prompt, and never a row of commands.
func (m *Model) typed(msg tea.KeyMsg) tea.Cmd {
	if msg.Alt && !(m.mode == prompting && msg.Type != tea.KeyRunes) { // alt+backspace and the like edit text
		msg.Alt = false
		return tea.Sequence(m.key(tea.KeyMsg{Type: tea.KeyEsc}), m.typed(msg))
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
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}))
	}
	return tea.Batch(cmds...)
}

// key does what a key means.
func (m *Model) key(msg tea.KeyMsg) tea.Cmd {
	is := func(b key.Binding) bool { return key.Matches(msg, b) }
	k := &m.keys
	switch {
	case is(k.Interrupt):
		return tea.Quit
	case is(k.Suspend):
		return tea.Suspend
	}
	switch m.mode {
	case prompting:
		cmd, over := m.prompt.key(msg, k)
		if over && m.mode == prompting {
			m.mode, m.under = m.under, looking
		}
		return cmd
	case choosing:
		switch {
		case is(k.Back), is(k.Quit):
			m.mode = looking
		case is(k.Up):
			m.menu.move(-1)
		case is(k.Down):
			m.menu.move(1)
		case is(k.Home):
			m.menu.move(-len(m.menu.choices))
		case is(k.End):
			m.menu.move(len(m.menu.choices))
		case is(k.Inspect):
			m.chosen()
		}
		return nil
	case helping:
		switch {
		case is(k.Back), is(k.Quit), is(k.Help):
			m.mode, m.under = m.under, looking
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
		m.mode, m.under, m.helpFrom = helping, m.mode, 0
		return nil
	}
	switch m.mode {
	case inspecting:
		switch {
		case is(k.Back), is(k.Quit), is(k.Inspect):
			m.mode = looking
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
			m.mode = looking
		case is(k.Up):
			m.log.move(m.look.Notes, -1)
		case is(k.Down):
			m.log.move(m.look.Notes, 1)
		case is(k.PageUp):
			m.log.move(m.look.Notes, -m.h/2)
		case is(k.PageDown):
			m.log.move(m.look.Notes, m.h/2)
		case is(k.Home):
			m.log.move(m.look.Notes, -lab.MostNotes)
		case is(k.End):
			m.log.move(m.look.Notes, lab.MostNotes)
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
	case m.lanes.zoomed:
		m.lanes.zoom()
	case m.filter != "":
		m.setFilter("") //nolint:errcheck // no filter is always a good one
	case m.frozen != nil:
		m.frozen = nil
	}
}

// nextPanel moves the focus: the four lanes, then the servers.
func (m *Model) nextPanel(delta int) {
	const panels = laneCount + 1
	at := int(m.lanes.focus)
	if m.onServers {
		at = laneCount
	}
	at = (at + delta + panels) % panels
	if m.onServers = at == laneCount; !m.onServers {
		m.lanes.focus = laneKind(at)
	}
}

// act does something to the lab, or takes something from it.
func (m *Model) act(is func(key.Binding) bool) tea.Cmd {
	k := &m.keys
	l := m.lab
	switch {
	case is(k.Quit):
		return tea.Quit

	case is(k.Call):
		return m.do(func(context.Context) { l.Call() })
	case is(k.Burst):
		m.ask("How many calls at once?", "besides the load; at most "+count(load.MaxConcurrency), "100", func(s string) (tea.Cmd, error) {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil || n < 1 || n > load.MaxConcurrency {
				return nil, fmt.Errorf("%.20q is not a number from 1 to %d", s, load.MaxConcurrency)
			}
			return m.do(func(context.Context) { l.Burst(n) }), nil //nolint:errcheck // its note tells
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
		if m.look.Load.Paused {
			l.Resume()
		} else {
			l.Pause()
		}

	case is(k.Start):
		return m.do(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, startTime)
			defer cancel()
			l.StartServer(ctx) //nolint:errcheck // its note tells
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
		return m.onServer("restart", func(ctx context.Context, name string) {
			ctx, cancel := context.WithTimeout(ctx, startTime)
			defer cancel()
			l.RestartServer(ctx, name) //nolint:errcheck // its note tells
		})
	case is(k.Fault):
		m.menu = menu{title: "What shall the next server do wrong? (a probability for each request)", choices: faultChoices}
		for i, c := range faultChoices {
			if c.value == m.look.Fault && !c.other {
				m.menu.selected = i
			}
		}
		m.mode, m.under = choosing, looking
	case is(k.Second):
		id := m.completedID()
		return m.do(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, handTime)
			defer cancel()
			l.SecondReply(ctx, id) //nolint:errcheck // its note tells
		})
	case is(k.Unknown):
		return m.do(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, handTime)
			defer cancel()
			l.UnknownReply(ctx) //nolint:errcheck // its note tells
		})
	case is(k.Drop):
		return m.do(func(context.Context) { l.DropConnection() })

	case is(k.Freeze):
		if m.frozen != nil {
			m.frozen = nil
		} else {
			m.frozen = l.Freeze()
		}
	case is(k.Inspect):
		if t, ok := m.selected(); ok {
			m.inspect(t)
		}
	case is(k.Find):
		m.ask("Find the ID that begins with", "of calls and discarded replies that are remembered; ↑ ↓ to choose", "", func(s string) (tea.Cmd, error) {
			s = strings.TrimSpace(s)
			found := m.subject().Find(s, 1)
			if s == "" || len(found) == 0 {
				return nil, fmt.Errorf("nothing remembered begins with %.40q", s)
			}
			m.inspect(target{id: found[0]})
			return nil, nil
		})
		m.prompt.matches = func(s string) []string {
			if s = strings.TrimSpace(s); s == "" {
				return nil
			}
			return m.subject().Find(s, 8)
		}
	case is(k.Filter):
		m.ask("Show only", "state:failed server:fib-1 n:20-35 id:7f3a, or any text; ! for not; nothing for all", m.filter, func(s string) (tea.Cmd, error) {
			return nil, m.setFilter(s)
		})
	case is(k.Log):
		m.mode, m.log = logging, noteLog{}
	case is(k.Copy):
		m.copyID()
	case is(k.Export):
		name := "rpcscope-" + time.Now().Format("20060102-150405") + ".json"
		m.ask("Export what is shown to the file", "as one JSON object; a file that exists is left alone", name, m.export)
	}
	return nil
}

// How long what a key has begun may take.
const (
	startTime = 2 * time.Minute // fibserver may have to be built
	stopTime  = 30 * time.Second
	handTime  = 10 * time.Second
)

// ask opens a prompt.
func (m *Model) ask(what, help, value string, enter func(string) (tea.Cmd, error)) {
	if m.mode != prompting {
		m.under = m.mode
	}
	m.mode = prompting
	m.prompt = newPrompt(what, help, value, enter)
}

// chosen takes what the menu has selected.
func (m *Model) chosen() {
	m.mode = looking
	c := m.menu.choices[m.menu.selected]
	if !c.other {
		m.fail(m.lab.SetFault(c.value))
		return
	}
	m.ask("Faults of the next server", "such as drop=0.1,slow=0.05:2s; fibserver --help has them all", m.look.Fault, func(s string) (tea.Cmd, error) {
		return nil, m.lab.SetFault(strings.TrimSpace(s))
	})
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
		m.fail(m.lab.SetRate(min(max(now.Rate*factor, load.MinRate), load.MaxRate)))
		return
	}
	n := int(float64(now.Concurrency) * factor)
	m.fail(m.lab.SetConcurrency(min(max(n, 1), load.MaxConcurrency)))
}

// onServer does something to the selected server.
func (m *Model) onServer(verb string, f func(ctx context.Context, name string)) tea.Cmd {
	name, _, ours := m.servers.selected(&m.look)
	switch {
	case name == "":
		m.fail(errors.New("there is no server here to " + verb + ": s starts one"))
		return nil
	case !ours:
		m.fail(fmt.Errorf("%.60q was not started here, so it cannot be made to %s from here", name, verb))
		return nil
	}
	return m.do(func(ctx context.Context) { f(ctx, name) })
}

// selected is what is selected, whose story can be looked at.
func (m *Model) selected() (target, bool) {
	if m.mode == inspecting {
		return m.target, true
	}
	if m.onServers {
		return target{}, false
	}
	row, ok := m.lanes.selected(&m.look)
	return target{row.id, row.seq}, ok
}

// completedID is the call that a second reply is for: the one that is looked at, or "",
// which means the newest.
func (m *Model) completedID() string {
	t, ok := m.selected()
	if !ok {
		return ""
	}
	if m.mode != inspecting && m.lanes.focus != endedLane && m.lanes.focus != duplicateLane {
		return ""
	}
	return t.id
}

// inspect shows a story.
func (m *Model) inspect(t target) {
	m.mode, m.under = inspecting, looking
	m.target = t
	m.inspector = inspector{}
	if !m.showStory() {
		m.mode = looking
		m.fail(errors.New("that one is no longer remembered: f freezes the picture, so that nothing is forgotten"))
	}
}

// showStory gives the inspector what is known by now.
func (m *Model) showStory() bool {
	story, ok := m.subject().Inspect(m.target.id)
	if m.target.seq != 0 {
		story, ok = m.subject().InspectStray(m.target.seq)
	}
	if ok {
		m.inspector.show(story, surroundings{now: m.look.Books.Now, pool: m.look.Pool, conn: m.look.Books.Connection})
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

// copyID puts an ID onto the clipboard.
func (m *Model) copyID() {
	t, ok := m.selected()
	if !ok || t.id == "" {
		m.fail(errors.New("there is no ID here to copy: tab moves to a lane"))
		return
	}
	m.tell(clipboardSequence(t.id))
	m.lab.Note(lab.Good, "asked the terminal to copy "+t.id, t.id)
}

// export writes what is shown into a new file.
func (m *Model) export(name string) (tea.Cmd, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, errors.New("the file needs a name")
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	q := m.query()
	q.Notes = 0
	const most = 1000 // rows of each lane
	q.Books.InFlight, q.Books.Completed, q.Books.Failed = most, most, most
	q.Books.Duplicates, q.Books.Orphans = most, most
	look, cfg, l := m.subject().Look(q), m.lab.RunConfig(), m.lab
	return m.do(func(context.Context) {
		err := errors.Join(lab.WriteJSON(file, look, cfg), file.Close())
		if err != nil {
			l.Note(lab.Bad, fmt.Sprintf("%s is not whole: %v", name, err), "")
			return
		}
		l.Note(lab.Good, "exported to "+name, "")
	}), nil
}
