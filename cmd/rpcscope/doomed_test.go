//go:build linux || darwin

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"

	"rpcscope/cmd/internal/cli"
)

// doomedVariable makes the test binary run a screen that dies if a key is pressed.
const doomedVariable = "RPCSCOPE_TEST_DOOMED"

func init() { // before TestMain, which builds programs
	if os.Getenv(doomedVariable) == "" {
		return
	}
	command := &cobra.Command{Use: "rpcscope", RunE: func(*cobra.Command, []string) error {
		return inChild(os.Stdout, func() error {
			_, err := tea.NewProgram(doomed{}, tea.WithAltScreen(), tea.WithMouseAllMotion(), tea.WithReportFocus()).Run()
			if err != nil {
				return cli.Fail(cli.FellShort, err)
			}
			fmt.Println("goodbye")
			return nil
		})
	}}
	os.Exit(cli.Main(context.Background(), command, nil, os.Stderr))
}

// doomed is a screen whose keys are ways to die.
type doomed struct{ resumed bool }

func (doomed) Init() tea.Cmd { return nil }

func (m doomed) View() string { return fmt.Sprintf("alive, resumed %t", m.resumed) }

func (m doomed) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.ResumeMsg:
		m.resumed = true
	case tea.KeyMsg:
		switch msg.String() {
		case "q":
			return m, tea.Quit
		case "ctrl+z":
			return m, tea.Suspend
		case "u":
			panic("in Update")
		case "c":
			return m, func() tea.Msg { panic("in a command") }
		case "p":
			go func() { panic("in a goroutine") }()
		case "h":
			go func() { panic("hostile \x1b[31m\x1b]0;title\a\u202e 世界 " + secret) }()
		case "m":
			concurrentWrites()
		case "k":
			die(syscall.SIGKILL)
		case "t":
			die(syscall.SIGTERM)
		case "1":
			die(syscall.SIGHUP)
		case "x":
			os.Exit(7)
		case "o":
			fmt.Print("\x1b]0;a title that has no end")
			die(syscall.SIGKILL)
		}
	}
	return m, nil
}

func die(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }

func concurrentWrites() {
	m := map[int]int{}
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				m[i%100] = i
			}
		}()
	}
}
