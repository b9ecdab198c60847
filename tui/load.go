package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/load"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// call makes one call and selects it.
func (m *Model) call() tea.Cmd {
	return m.create(func(_ context.Context, l Lab) pick { return pick{id: l.Call()} })
}

func (m *Model) askBurst() {
	m.ask("How many calls at once?", "besides the load; at most "+text.Count(lab.MaxBurst), "100", func(s string) (tea.Cmd, error) {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || n > lab.MaxBurst {
			return nil, fmt.Errorf("%.20q is not a number from 1 to %d", s, lab.MaxBurst)
		}
		return nil, m.lab.Burst(n)
	})
}

func (m *Model) askFib() {
	m.ask("fib of", "a number, or a range such as 20-35 to choose from at random", m.snapshot.Load.Fib, func(s string) (tea.Cmd, error) {
		return nil, m.lab.SetFib(strings.TrimSpace(s))
	})
}

func (m *Model) askBody() {
	m.ask("Body", "{k} the call's number, {n} or {n:1-100} a random one, {uuid}; {{ is a brace", editable(m.snapshot.Load.Body), func(s string) (tea.Cmd, error) {
		if now := m.snapshot.Load.Body; s == "" && editable(now) != now { // the prompt did not show it
			return nil, errors.New("the body now is longer than fits here, or has control characters: esc keeps it")
		}
		return nil, m.lab.SetBody(s)
	})
}

func (m *Model) askTimeout() {
	m.ask("Timeout of calls", "such as 5s or 250ms", m.snapshot.Load.Timeout.String(), func(s string) (tea.Cmd, error) {
		d, err := time.ParseDuration(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("%.20q is not a duration such as 5s or 250ms", s)
		}
		return nil, m.lab.SetTimeout(d)
	})
}

func (m *Model) askLoad() {
	now := strconv.Itoa(m.snapshot.Load.Concurrency)
	if rate := m.snapshot.Load.Rate; rate > 0 {
		now = strconv.FormatFloat(rate, 'g', -1, 64) + "/s"
	}
	m.ask("Load", "64 keeps 64 calls in flight; 200/s starts 200 a second, whatever happens", now, func(s string) (tea.Cmd, error) {
		return nil, m.setLoad(strings.TrimSpace(s))
	})
}

// setLoad sets a concurrency such as 64 or a rate such as 200/s.
func (m *Model) setLoad(s string) error {
	if perSecond, ok := strings.CutSuffix(s, "/s"); ok {
		rate, err := strconv.ParseFloat(strings.TrimSpace(perSecond), 64)
		if err != nil || !(rate >= load.MinRate && rate <= load.MaxRate) {
			return fmt.Errorf("%.20q is not a rate from %.6f/s to %.0f/s", s, load.MinRate, load.MaxRate)
		}
		return m.lab.SetRate(rate)
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > load.MaxConcurrency {
		return fmt.Errorf("%.20q is neither a number of calls from 1 to %d nor a rate such as 200/s", s, load.MaxConcurrency)
	}
	return m.lab.SetConcurrency(n)
}

// scaleLoad multiplies the load by factor.
func (m *Model) scaleLoad(factor float64) {
	now := &m.snapshot.Load
	if now.Rate > 0 {
		m.lab.SetRate(min(max(now.Rate*factor, load.MinRate), load.MaxRate)) //nolint:errcheck // its note tells
		return
	}
	n := int(float64(now.Concurrency) * factor)
	m.lab.SetConcurrency(min(max(n, 1), load.MaxConcurrency)) //nolint:errcheck // its note tells
}

// pause pauses or resumes the load, or begins one that waits.
func (m *Model) pause() {
	switch {
	case m.snapshot.Load.Paused:
		m.lab.Resume()
	case m.snapshot.Load.Waiting:
		m.lab.Begin()
	default:
		m.lab.Pause()
	}
}
