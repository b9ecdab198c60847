package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/server"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// drainTimeout is how long a server may drain before it is killed.
const drainTimeout = 30 * time.Second

func (m *Model) startServer() tea.Cmd {
	return m.confirmServers(func() tea.Cmd {
		return m.do(func(ctx context.Context, l Lab) { l.StartServer(ctx) }) //nolint:errcheck // its note tells
	})
}

func (m *Model) stopServer() tea.Cmd {
	return m.onServer("stop", func(ctx context.Context, l Lab, name string) error {
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		return l.StopServer(ctx, name)
	})
}

func (m *Model) killServer() tea.Cmd {
	return m.onServer("kill", func(_ context.Context, l Lab, name string) error { return l.KillServer(name) })
}

func (m *Model) restartServer() tea.Cmd {
	return m.confirmServers(func() tea.Cmd {
		return m.onServer("restart", func(ctx context.Context, l Lab, name string) error { return l.RestartServer(ctx, name) })
	})
}

// onServer calls f, which may block, with the selected server.
func (m *Model) onServer(verb string, f func(ctx context.Context, l Lab, name string) error) tea.Cmd {
	name, _, ours := m.servers.selected(&m.snapshot)
	switch {
	case name == "":
		none := "there is no server here to " + verb
		if explain.StartsServers(&m.snapshot) {
			none += ": s starts one"
		}
		m.fail(errors.New(none))
		return nil
	case !ours:
		m.fail(fmt.Errorf("%.60q was not started here, so it cannot be made to %s from here", name, verb))
		return nil
	}
	return m.do(func(ctx context.Context, l Lab) { f(ctx, l, name) }) //nolint:errcheck // its note tells
}

// confirmServers calls do, which starts a server now or later. If that server would take requests from
// somebody else's service, it asks first.
func (m *Model) confirmServers(do func() tea.Cmd) tea.Cmd {
	if m.snapshot.StartWarning == "" {
		return do()
	}
	m.open(choosing)
	m.menu = menu{
		name: "Servers here?", title: "Start servers here, although " + text.Escape(m.snapshot.StartWarning, 300) + "?",
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
	return nil
}

// faultChoices are the faults that the next server can be given.
var faultChoices = func() []choice {
	words := map[string][2]string{
		"crash-before-ack":   {"=0.02", "replies and dies before the ack: a real duplicate"},
		"crash-before-reply": {"=0.02", "dies before its reply: another server answers"},
		"early-ack":          {"=0.02", "acks first, dies before its reply: a lost call"},
		"duplicate":          {"=0.05", "sends the reply twice"},
		"unknown":            {"=0.05", "sends a reply with an unknown ID as well"},
		"drop":               {"=0.02", "never replies: the call times out"},
		"error":              {"=0.05", "answers with an error: the call fails"},
		"panic":              {"=0.05", "panics: an error reply, and the server lives"},
		"slow":               {"=0.02:6s", "sleeps for 6 s: the reply comes too late"},
		"ack-delay":          {"=3s", "acks 3 s late: kill it meanwhile, see duplicates"},
	}
	all := []choice{{value: "", words: "none: the next server works normally"}}
	for _, name := range server.FaultNames() {
		w := words[name]
		all = append(all, choice{value: name + w[0], words: w[1]})
	}
	return append(all, choice{words: "something else: type it", other: true})
}()

// chooseFault asks for the fault of the next server.
func (m *Model) chooseFault() tea.Cmd {
	return m.confirmServers(func() tea.Cmd {
		m.open(choosing)
		m.menu = menu{
			name: "Fault", title: "What should the next server do wrong? (a probability for each request)",
			choices: faultChoices, choose: m.setFault,
		}
		for i, c := range faultChoices {
			if c.value == m.snapshot.Fault && !c.other {
				m.menu.selected = i
			}
		}
		return nil
	})
}

func (m *Model) setFault(c choice) tea.Cmd {
	if !c.other {
		m.lab.SetFault(c.value) //nolint:errcheck // its note tells
		return nil
	}
	m.ask("Faults of the next server", "such as drop=0.1,slow=0.05:2s; fibserver --help has them all", m.snapshot.Fault, func(s string) (tea.Cmd, error) {
		return nil, m.lab.SetFault(strings.TrimSpace(s))
	})
	return nil
}

// sendDuplicate sends a second reply to the selected call, or to the newest completed one.
func (m *Model) sendDuplicate() tea.Cmd {
	id := m.answeredID()
	return m.sendReply(func(ctx context.Context, l Lab) (string, error) { return l.SecondReply(ctx, id) })
}

// sendUnknown sends a reply whose correlation ID no call has.
func (m *Model) sendUnknown() tea.Cmd {
	return m.sendReply(func(ctx context.Context, l Lab) (string, error) { return l.UnknownReply(ctx) })
}

// sendReply calls send and selects the reply when it has come in.
func (m *Model) sendReply(send func(context.Context, Lab) (id string, err error)) tea.Cmd {
	after := m.newestReply()
	return m.create(func(ctx context.Context, l Lab) pick {
		id, err := send(ctx, l)
		if err != nil { // its note tells
			return pick{}
		}
		return pick{id: id, reply: true, after: after}
	})
}

func (m *Model) dropConnection() tea.Cmd {
	return m.do(func(_ context.Context, l Lab) { l.DropConnection() })
}

// answeredID returns the ID of the selected call if a second reply to it makes sense, or "" for the newest
// completed call.
func (m *Model) answeredID() string {
	t, ok := m.selected()
	if !ok || m.pending() {
		return ""
	}
	if m.mode == browsing && m.lanes.focus != endedLane && m.lanes.focus != duplicateLane {
		return ""
	}
	return t.id
}
