//go:build linux || darwin

package screen

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Size is that of a terminal, in cells.
type Size struct{ Cols, Rows int }

// A Terminal is the terminal of a program. Its methods may be called from any goroutine, but those that can fail the
// test only from the test's own.
type Terminal struct {
	// Patience bounds the Wait methods, 30 s by default.
	Patience time.Duration

	t       testing.TB
	master  *os.File
	cmd     *exec.Cmd
	session int
	exited  chan struct{} // closed when the program has ended
	closed  chan struct{} // closed when no process has the terminal open any more

	mu       sync.Mutex // guards the fields below
	emulator *emulator
	raw      bytes.Buffer
	changed  chan struct{} // closed, and replaced, when there is output
}

// Start starts a command on a terminal of its own, and ends it with the test. env is added
// to the environment without the variables that change the way in which programs treat a terminal (CI, NO_COLOR, TMUX,
// ...), and with TERM=xterm-256color.
func Start(t testing.TB, size Size, env []string, command string, args ...string) *Terminal {
	t.Helper()
	return start(t, size, true, env, command, args...)
}

// StartMute is Start with a terminal that does not answer queries.
func StartMute(t testing.TB, size Size, env []string, command string, args ...string) *Terminal {
	t.Helper()
	return start(t, size, false, env, command, args...)
}

func start(t testing.TB, size Size, answers bool, env []string, command string, args ...string) *Terminal {
	t.Helper()
	term := &Terminal{
		Patience: 30 * time.Second,
		t:        t,
		cmd:      exec.Command(command, args...),
		exited:   make(chan struct{}),
		closed:   make(chan struct{}),
		changed:  make(chan struct{}),
	}
	term.cmd.Env = environment(env)
	window := &pty.Winsize{Cols: uint16(size.Cols), Rows: uint16(size.Rows)}
	master, err := pty.StartWithAttrs(term.cmd, window, &syscall.SysProcAttr{Setsid: true, Setctty: true})
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	term.master, term.session = master, term.cmd.Process.Pid
	var to io.Writer = master
	if !answers {
		to = io.Discard
	}
	term.emulator = newEmulator(size, to)
	go term.read()
	go func() {
		defer close(term.exited)
		_ = term.cmd.Wait() // the state says it all
	}()
	t.Cleanup(term.end)
	return term
}

// environment returns the environment of a program.
func environment(more []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "CI", "NO_COLOR", "COLORTERM", "TMUX", "STY", "LANG", "COLUMNS", "LINES", "PS1", "ENV", "BASH_ENV", "INPUTRC", "PROMPT_COMMAND":
			return true
		}
		return strings.HasPrefix(name, "TERM") || strings.HasPrefix(name, "CLICOLOR") || strings.HasPrefix(name, "LC_")
	})
	return append(append(env, "TERM=xterm-256color", "LANG=C.UTF-8"), more...)
}

func (term *Terminal) read() {
	defer close(term.closed)
	buf := make([]byte, 64<<10)
	for {
		n, err := term.master.Read(buf)
		if n > 0 {
			term.mu.Lock()
			term.raw.Write(buf[:n])
			term.emulator.Write(buf[:n])
			close(term.changed)
			term.changed = make(chan struct{})
			term.mu.Unlock()
		}
		if err != nil {
			return // EIO on Linux, EOF on macOS
		}
	}
}

// end ends every process of the session.
func (term *Terminal) end() {
	for _, pid := range sessionProcesses(term.session) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	<-term.exited
	// The others are not children of this process: nothing tells when they are gone.
	for deadline := time.Now().Add(term.Patience); len(sessionProcesses(term.session)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			term.t.Errorf("processes %v do not end", sessionProcesses(term.session))
			break
		}
	}
	_ = term.master.Close()
	<-term.closed
}

// Type types keys: names (enter, esc, tab, shift+tab, space, backspace, up, down, left,
// right, home, end, pgup, pgdown, insert, delete, f1, ctrl+z, alt+x) or any other text as
// it is. esc must be the last key, and the test must wait for its effect, because a program cannot tell it from the
// begin of a sequence.
func (term *Terminal) Type(keys ...string) {
	term.t.Helper()
	for i, key := range keys {
		if key == "esc" && i < len(keys)-1 {
			term.t.Fatalf("Type(%q): esc is not the last one", keys)
		}
		if _, err := io.WriteString(term.master, keyBytes(key)); err != nil {
			term.t.Fatalf("typing %q: %v\n%s", key, err, term.describe())
		}
	}
}

// Resize changes the size of the terminal, and tells the program.
func (term *Terminal) Resize(cols, rows int) {
	term.t.Helper()
	term.mu.Lock()
	term.emulator.vt.Resize(cols, rows)
	term.mu.Unlock()
	if err := pty.Setsize(term.master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		term.t.Fatalf("resizing to %dx%d: %v", cols, rows, err)
	}
}

// Screen returns the visible lines, without trailing spaces.
func (term *Terminal) Screen() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.emulator.screen()
}

// Scrollback returns the lines that have scrolled off the primary screen and, if it is shown, those on it.
func (term *Terminal) Scrollback() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	lines := slices.Clone(term.emulator.gone)
	if !term.emulator.altScreen() {
		lines = append(lines, term.emulator.screen())
	}
	return strings.Join(lines, "\n")
}

// Raw returns all bytes that were written to the terminal, echo included.
func (term *Terminal) Raw() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.raw.String()
}

// AltScreen reports whether the alternate screen is shown.
func (term *Terminal) AltScreen() bool {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.emulator.altScreen()
}

// CursorVisible reports whether the cursor can be seen.
func (term *Terminal) CursorVisible() bool { return term.Mode(ModeCursor) }

// Mode reports whether a DEC private mode is on.
func (term *Terminal) Mode(mode int) bool {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.emulator.modes[mode]
}

// Clipboard returns the text that was copied last (OSC 52).
func (term *Terminal) Clipboard() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.emulator.clipboard
}
