//go:build linux || darwin

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// shells are the shells that the tests start screens from. The first two leave the terminal in the state that the
// program left it in, or in the state before. The third has a line editor.
var shells = map[string][]string{
	"sh":       {"sh", "-i"},
	"bash":     {"bash", "--norc", "--noprofile", "--noediting", "-i"},
	"readline": {"bash", "--norc", "--noprofile", "-i"},
}

// startDoomed starts the doomed screen from a shell.
func startDoomed(t *testing.T, shell []string) (term *screen.Terminal, before screen.Termios) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{doomedVariable + "=1", "PS1=prompt> ", "program=" + path, "GORACE=report_bugs=0 atexit_sleep_ms=0", "GOCOVERDIR=" + t.TempDir()}
	term = screen.Start(t, screen.Size{Cols: 100, Rows: 60}, env, shell[0], shell[1:]...)
	term.WaitFor("prompt>")
	before = term.Termios()
	term.Type("$program", "enter")
	term.WaitFor("alive")
	if !term.AltScreen() || term.CursorVisible() || term.Termios().Cooked() || !term.Mode(screen.ModeMouseMotion) {
		t.Fatal("the program has not taken over the screen")
	}
	return term, before
}

// wantRestored fails the test unless the terminal is as before and the program had this exit code.
func wantRestored(t *testing.T, term *screen.Terminal, before screen.Termios, code int) {
	t.Helper()
	term.WaitAlone()
	term.Type("echo $?, $((6 * 7))", "enter")
	term.WaitFor(fmt.Sprintf("%d, 42", code))
	last := func(screen string) bool { return strings.HasSuffix(strings.TrimRight(screen, "\n"), "prompt>") }
	term.Wait("a prompt", last)
	if after := term.Termios(); after != before {
		t.Errorf("termios: %+v, before %+v", after, before)
	}
	if term.AltScreen() || !term.CursorVisible() {
		t.Errorf("alternate screen %t, cursor visible %t", term.AltScreen(), term.CursorVisible())
	}
	for _, mode := range []int{screen.ModeMouseClicks, screen.ModeMouseDrag, screen.ModeMouseMotion, screen.ModeMouseSGR, screen.ModeFocus} {
		if term.Mode(mode) {
			t.Errorf("mode %d is on", mode)
		}
	}
}

// However a screen dies, the terminal is restored and the reason is printed.
func TestDyingScreenRestoresTerminal(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for _, c := range []struct {
		name, key string
		code      int
		message   string
	}{
		{"panic in a goroutine", "p", 1, "rpcscope crashed: panic: in a goroutine"},
		{"hostile panic", "h", 1, `\x1b[31m\x1b]0;title\a\u202e`},
		{"concurrent map writes", "m", 1, "rpcscope crashed: a fatal error of the Go runtime"},
		{"SIGKILL", "k", 137, "rpcscope: the screen was ended by a signal: killed"},
		{"SIGKILL within a string", "o", 137, "rpcscope: the screen was ended by a signal: killed"},
		{"SIGHUP", "1", 129, "rpcscope: the screen was ended by a signal: hangup"},
		{"exit", "x", 7, ""},
		{"panic in Update", "u", 1, "program was killed: program experienced a panic"}, // Bubble Tea's own
		{"panic in a command", "c", 1, "program was killed: program experienced a panic"},
		{"SIGTERM", "t", 0, "goodbye"},
		{"clean end", "q", 0, "goodbye"},
	} {
		for name, shell := range shells {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				term, before := startDoomed(t, shell)
				term.Type(c.key)
				term.WaitFor(c.message)
				wantRestored(t, term, before, c.code)
				if s := term.Scrollback(); strings.Contains(s, "alive") || strings.Contains(s, "--help") {
					t.Errorf("scrollback:\n%s", s)
				}
			})
		}
	}
}

// A suspended screen that is resumed still has its terminal restored when it dies.
func TestDyingScreenAfterSuspend(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, before := startDoomed(t, shell)
			suspend(term)
			term.Type("fg", "enter")
			term.WaitFor("alive, resumed true")
			term.Type("k")
			term.WaitFor("ended by a signal: killed")
			wantRestored(t, term, before, 137)
		})
	}
}

func suspend(term *screen.Terminal) {
	term.Type("ctrl+z")
	term.WaitGone("alive")
	term.Wait("stopped", func(s string) bool { return strings.Contains(strings.ToLower(s), "stopped") })
}

// A screen that is killed while it is suspended leaves the shell's terminal alone.
func TestScreenKilledWhileSuspended(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, before := startDoomed(t, shell)
			suspend(term)
			term.Type("kill -9 %1; wait", "enter")
			term.WaitAlone()
			term.Type("(exit 5)", "enter")
			wantRestored(t, term, before, 5)
		})
	}
}

// The parent forwards signals to the child.
func TestSignalToParent(t *testing.T) {
	t.Parallel()
	for signal, want := range map[unix.Signal]struct {
		code    int
		message string
	}{
		unix.SIGTERM: {0, "goodbye"},
		unix.SIGHUP:  {129, "ended by a signal: hangup"},
		unix.SIGQUIT: {1, "rpcscope crashed: SIGQUIT: quit"},
	} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			term, before := startDoomed(t, shells["readline"])
			if err := unix.Kill(term.Foreground(), signal); err != nil { // the leader of the group
				t.Fatal(err)
			}
			term.WaitFor(want.message)
			wantRestored(t, term, before, want.code)
		})
	}
}
