//go:build linux || darwin

package screen

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Wait waits until the screen satisfies cond, which is asked at once and whenever there
// has been output. It fails the test, with the last screen, when Patience is over or
// nobody is left to write anything. A screen may be seen while it is being painted.
func (term *Terminal) Wait(what string, cond func(screen string) bool) {
	term.t.Helper()
	deadline := time.After(term.Patience)
	for {
		term.mu.Lock()
		changed := term.changed
		screen := term.emulator.screen()
		term.mu.Unlock()
		if cond(screen) {
			return
		}
		select {
		case <-changed:
		case <-term.closed:
			if !cond(term.Screen()) {
				term.t.Fatalf("%s: the terminal was closed before\n%s", what, term.describe())
			}
			return
		case <-deadline:
			term.t.Fatalf("%s: not within %v\n%s", what, term.Patience, term.describe())
		}
	}
}

// WaitFor waits until a text is on the screen, in one line.
func (term *Terminal) WaitFor(text string) {
	term.t.Helper()
	term.Wait(fmt.Sprintf("%q on the screen", text), func(screen string) bool { return strings.Contains(screen, text) })
}

// WaitGone waits until a text is not on the screen.
func (term *Terminal) WaitGone(text string) {
	term.t.Helper()
	term.Wait(fmt.Sprintf("%q gone from the screen", text), func(screen string) bool { return !strings.Contains(screen, text) })
}

// WaitExit waits until the program that was started has ended, and returns its exit code,
// or 128 + the signal that ended it. Its last output may still be on its way to the
// screen.
func (term *Terminal) WaitExit() (code int) {
	term.t.Helper()
	select {
	case <-term.exited:
	case <-time.After(term.Patience):
		term.t.Fatalf("the program has not ended within %v\n%s", term.Patience, term.describe())
	}
	return exitCode(term.cmd.ProcessState)
}

// WaitAlone waits until the program that was started has no other processes in its
// session.
func (term *Terminal) WaitAlone() {
	term.t.Helper()
	term.WaitProcesses(0)
}

// WaitProcesses waits until there are so many processes besides the program in its
// session. It polls every few milliseconds.
func (term *Terminal) WaitProcesses(n int) {
	term.t.Helper()
	deadline := time.After(term.Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(term.Processes()) != n {
		select {
		case <-tick.C:
		case <-deadline:
			term.t.Fatalf("processes %v, not %d, after %v\n%s", term.Processes(), n, term.Patience, term.describe())
		}
	}
}

// describe returns the state of the terminal, for error messages.
func (term *Terminal) describe() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	cols, rows := term.emulator.vt.Size()
	c := term.emulator.vt.Cursor()
	raw := term.raw.Bytes()
	raw = raw[max(0, len(raw)-500):]
	rule := "+" + strings.Repeat("-", cols) + "+"
	return fmt.Sprintf("%dx%d, alternate screen %t, cursor %d,%d visible %t, last bytes %q\n%s\n%s\n%s",
		cols, rows, term.emulator.altScreen(), c.X, c.Y, term.emulator.modes[ModeCursor], raw,
		rule, term.emulator.screen(), rule)
}

// exitCode returns the exit code that a shell reports.
func exitCode(state *os.ProcessState) int {
	if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return state.ExitCode()
}
