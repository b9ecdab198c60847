package tui

import (
	"io"

	tea "github.com/charmbracelet/bubbletea"
)

// Bubble Tea handles ctrl+z: it restores the terminal before the process stops, and takes it over again
// afterwards. A process that is stopped by somebody else (kill -STOP, a debugger) finds the terminal as the shell
// left it. So the screen takes the terminal over after every SIGCONT that ctrl+z does not explain.

// A continuedMsg is a SIGCONT.
type continuedMsg struct{}

// nextContinued waits for a SIGCONT.
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

// retakeTerminal has Bubble Tea release the terminal and take it over. It ends with a [tea.ResumeMsg], as ctrl+z
// does.
func retakeTerminal() tea.Cmd {
	return tea.Exec(noCommand{}, func(error) tea.Msg { return tea.ResumeMsg{} })
}

// A noCommand is a [tea.ExecCommand] that does nothing.
type noCommand struct{}

func (noCommand) Run() error          { return nil }
func (noCommand) SetStdin(io.Reader)  {}
func (noCommand) SetStdout(io.Writer) {}
func (noCommand) SetStderr(io.Writer) {}
