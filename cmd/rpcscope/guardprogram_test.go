//go:build linux || darwin

package main

import (
	"fmt"
	"os"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"
)

// guardedVariable makes a guarded Bubble Tea program of the test binary. Its guard is the
// test binary too.
const guardedVariable = "RPCSCOPE_TEST_GUARDED"

func init() { // TestMain would build things first
	if guardMain() {
		os.Exit(0)
	}
	if os.Getenv(guardedVariable) != "" {
		os.Exit(guarded())
	}
}

func guarded() int {
	release, err := startGuard(os.Stdout)
	if err != nil {
		fmt.Println("no guard:", err)
	}
	_, err = tea.NewProgram(doomed{}, tea.WithAltScreen(), tea.WithMouseAllMotion(), tea.WithReportFocus()).Run()
	release()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("goodbye")
	return 0
}

// doomed dies in the way whose key is pressed.
type doomed struct{ resumed, said bool }

func (doomed) Init() tea.Cmd { return nil }

func (m doomed) View() string { return fmt.Sprintf("alive, resumed %t, said %t", m.resumed, m.said) }

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
		case "p":
			go func() { panic("in a goroutine") }()
		case "h":
			go func() { panic("hostile \x1b[31m\x1b]0;title\a\u202e 世界") }()
		case "s":
			fmt.Fprintln(os.Stderr, "a library's \x1b[31mwarning")
			m.said = true
		case "m":
			concurrentWrites()
		case "k":
			die(syscall.SIGKILL)
		case "a":
			die(syscall.SIGABRT)
		case "\\":
			die(syscall.SIGQUIT)
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
