//go:build linux || darwin

package screen

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"
)

// programVariable makes the test binary a program for the tests.
const programVariable = "SCREEN_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		os.Exit(program())
	}
	goleak.VerifyTestMain(m)
}

// program is a small Bubble Tea program. It exits with 3.
func program() int {
	if _, err := tea.NewProgram(&model{}, tea.WithAltScreen(), tea.WithMouseCellMotion()).Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("goodbye, 世界")
	return 3
}

type model struct {
	width, height int
	typed         []string
}

func (m *model) Init() tea.Cmd { return nil }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.ResumeMsg:
		m.typed = append(m.typed, "resumed")
	case tea.KeyMsg:
		switch key := msg.String(); key {
		case "q":
			return m, tea.Quit
		case "ctrl+z":
			return m, tea.Suspend
		case "k":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		default:
			m.typed = append(m.typed, key)
		}
	}
	return m, nil
}

func (m *model) View() string {
	return fmt.Sprintf("size %dx%d\ntyped <%s>\n|世界|e\u0301|\nq quit", m.width, m.height, strings.Join(m.typed, " "))
}

// asProgram returns the environment in which the test binary is the program, and its path.
func asProgram(t testing.TB) (env []string, path string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{programVariable + "=1", "GOCOVERDIR=" + t.TempDir()}, path
}
