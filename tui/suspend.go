package tui

import (
	"io"

	tea "github.com/charmbracelet/bubbletea"
)

// Who presses ctrl+z is served by Bubble Tea, which gives the terminal back before the
// process stops, and takes it over again after. A process that somebody else stops (kill
// -STOP, a debugger) can give nothing back, and finds the terminal, when it goes on, as the
// shell needs it: cooked, and with the shell's lines on the screen.

// continuedMsg says that the process was stopped, and goes on.
type continuedMsg struct{}

// nextContinued waits for that.
func (m *Model) nextContinued() tea.Cmd {
	ctx, continued := m.ctx, m.continued
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-continued:
			return continuedMsg{}
		}
	}
}

// takeBack makes the terminal the screen's again, whatever has become of it. It ends with a
// [tea.ResumeMsg], as ctrl+z does.
func takeBack() tea.Cmd {
	return tea.Exec(nothing{}, func(error) tea.Msg { return tea.ResumeMsg{} })
}

// nothing is a command that does nothing, for what Bubble Tea does around one: it gives the
// terminal back, and takes it over.
type nothing struct{}

func (nothing) Run() error          { return nil }
func (nothing) SetStdin(io.Reader)  {}
func (nothing) SetStdout(io.Writer) {}
func (nothing) SetStderr(io.Writer) {}
