//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// A screen that was suspended by ctrl+z is complete again after fg.
func TestScreenSuspended(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	env := []string{"PS1=prompt> ", "AMQP_URL=" + node.URL(), "PATH=" + bin.folder + string(filepath.ListSeparator) + os.Getenv("PATH")}
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := screen.Start(t, screen.Size{Cols: 80, Rows: 24}, env, shell[0], shell[1:]...)
			term.Patience = patience
			term.WaitFor("prompt>")
			before := term.Termios()
			term.Type("rpcscope --paused --queue "+queue, "enter")
			term.WaitFor("PAUSED")
			for range 2 {
				term.Type("ctrl+z")
				term.Wait("the shell", func(s string) bool { return strings.Contains(strings.ToLower(s), "stopped") })
				term.Type("fg", "ctrl+j") // enter is another key if the shell keeps raw mode
				term.Wait("the screen, and no more of the shell", func(s string) bool {
					return term.AltScreen() && !term.CursorVisible() && term.Mode(screen.ModeBracketedPaste) &&
						strings.Contains(s, "PAUSED") && !strings.Contains(strings.ToLower(s), "stopped")
				})
				if term.Termios().Cooked() {
					t.Errorf("cooked: %+v", term.Termios())
				}
				term.Type("?") // needs no enter
				term.WaitFor("▸ Help")
				term.Type("esc")
				term.WaitGone("▸ Help")
			}
			term.Type("q")
			wantRestored(t, term, before, 0)
		})
	}
}

// The commands do not query the terminal. Bubble Tea would wait 5 s for an answer, and drop keys meanwhile.
func TestNoQuestions(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	for name, c := range map[string]struct{ command, shows string }{
		"the screen": {"rpcscope --paused --queue " + queue, "PAUSED"},
		"the others": {"rpcscope call --help", "rpcscope call N..."},
	} {
		t.Run(name, func(t *testing.T) {
			env := []string{"AMQP_URL=" + node.URL(), "PATH=" + bin.folder + string(filepath.ListSeparator) + os.Getenv("PATH")}
			term := screen.StartMute(t, screen.Size{Cols: 80, Rows: 24}, env, "sh", "-c", "exec "+c.command)
			term.Patience = patience
			term.WaitFor(c.shows)
			for _, question := range []string{"\x1b]10;", "\x1b]11;", "\x1b[6n", "\x1b[c", "\x1b[5n"} {
				if strings.Contains(term.Raw(), question) {
					t.Errorf("asked %q", question)
				}
			}
		})
	}
}
