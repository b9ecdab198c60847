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

// shells are what people start programs from. The first two leave the terminal as the
// program has left it or as it was, the third one has a line editor.
var shells = map[string][]string{
	"sh":       {"sh", "-i"},
	"bash":     {"bash", "--norc", "--noprofile", "--noediting", "-i"},
	"readline": {"bash", "--norc", "--noprofile", "-i"},
}

// inShell starts the guarded program from a shell, and waits until it is on the screen.
func inShell(t *testing.T, shell []string, more ...string) (term *screen.Terminal, before screen.Termios) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{guardedVariable + "=1", "PS1=prompt> ", "program=" + path, "GORACE=report_bugs=0 atexit_sleep_ms=0", "GOCOVERDIR=" + t.TempDir()}
	term = screen.Start(t, screen.Size{Cols: 100, Rows: 60}, env, shell[0], shell[1:]...)
	term.WaitFor("prompt>")
	before = term.Termios()
	term.Type("$program "+strings.Join(more, " "), "enter")
	term.WaitFor("alive")
	if !term.AltScreen() || term.CursorVisible() || term.Termios().Cooked() || !term.Mode(screen.ModeMouseMotion) {
		t.Fatal("the program has not taken over the screen")
	}
	return term, before
}

// wantRestored uses the shell as a person would, and fails the test unless everything is
// as it was before.
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

func TestGuard(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for _, c := range []struct {
		name, key string
		code      int
		message   string
	}{
		{"panic in a goroutine", "p", 2, "rpcscope crashed: panic: in a goroutine"},
		{"hostile panic", "h", 2, `\x1b[31m\x1b]0;title`},
		{"concurrent map writes", "m", 2, "rpcscope crashed: fatal error: concurrent map writes"},
		{"SIGKILL", "k", 137, "rpcscope was killed"},
		{"SIGKILL within a string", "o", 137, "rpcscope was killed"},
		{"SIGABRT", "a", 2, "rpcscope crashed: SIGABRT: abort"},
		{"SIGQUIT", `\`, 2, "rpcscope crashed: SIGQUIT: quit"},
		{"SIGHUP", "1", 129, "rpcscope was killed"},
		{"exit without release", "x", 7, "rpcscope was killed"},
		{"panic in Update", "u", 1, "program was killed: program experienced a panic"}, // Bubble Tea's own
		{"SIGTERM", "t", 0, "goodbye"},
		{"clean end", "q", 0, "goodbye"},
	} {
		for name, shell := range shells {
			if c.key == "x" && name == "readline" {
				continue // sees the terminal before the guard does, and takes raw mode for its own
			}
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				term, before := inShell(t, shell)
				term.Type(c.key)
				term.WaitFor(c.message)
				wantRestored(t, term, before, c.code)
				clean := !strings.HasPrefix(c.message, "rpcscope") && c.key != "h"
				if s := term.Scrollback(); clean && strings.Contains(s, "rpcscope was killed") || strings.Contains(s, "alive") {
					t.Errorf("scrollback:\n%s", s)
				}
			})
		}
	}
}

// The guard has nothing to do with being suspended, before and after.
func TestGuardSuspended(t *testing.T) {
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, before := inShell(t, shell)
			term.Type("ctrl+z")
			term.WaitGone("alive")
			term.Wait("stopped", func(s string) bool { return strings.Contains(strings.ToLower(s), "stopped") })
			if n := len(term.Processes()); n != 2 {
				t.Errorf("%d processes, not the program and its guard", n)
			}
			term.Type("fg", "enter")
			term.WaitFor("alive, resumed true")
			term.Type("k")
			term.WaitFor("rpcscope was killed")
			wantRestored(t, term, before, 137)
		})
	}
}

// Killed while it is suspended, a program has nothing on the screen any more.
func TestGuardKilledSuspended(t *testing.T) {
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, before := inShell(t, shell)
			term.Type("ctrl+z")
			term.WaitGone("alive")
			term.Wait("stopped", func(s string) bool { return strings.Contains(strings.ToLower(s), "stopped") })
			term.Type("kill -9 %1; wait", "enter")
			term.WaitAlone()
			term.Type("(exit 5)", "enter")
			wantRestored(t, term, before, 5)
		})
	}
}

// Without a guard to be had, there is an error, and release does nothing.
func TestNoGuard(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/no terminal")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	release, err := startGuard(f)
	if err == nil {
		t.Error("a file was taken for a terminal")
	}
	release()
	release()
}

func TestOurs(t *testing.T) {
	o := guardOrder{Group: 10, Shell: 20}
	for _, c := range []struct {
		what    string
		group   int
		inFront bool
		raw     bool
		want    bool
	}{
		{"died in front", 10, true, true, true},
		{"the shell has the terminal again", 20, true, true, true},
		{"the shell has put it right", 20, true, false, true},
		{"resumed just now", 10, false, true, true},
		{"resumed just now, the shell has the terminal again", 20, false, true, true},
		{"died while suspended", 20, false, false, false},
		{"died behind an editor", 30, false, true, false},
		{"an editor was started at once", 30, true, true, false},
	} {
		if got := o.ours(c.group, c.inFront, c.raw); got != c.want {
			t.Errorf("%s: %t", c.what, got)
		}
	}
}

// What goes to stderr does not go onto the screen, but is not lost.
func TestGuardStderr(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"q": "goodbye", "k": "rpcscope was killed", "p": "rpcscope crashed: panic: in a goroutine"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			term, before := inShell(t, shells["bash"])
			term.Type("s")
			term.WaitFor("said true")
			if s := term.Screen(); strings.Contains(s, "warning") {
				t.Errorf("screen:\n%s", s)
			}
			term.Type(key)
			term.WaitFor(want)
			term.WaitFor(`a library's \x1b[31mwarning`)
			wantRestored(t, term, before, map[string]int{"q": 0, "k": 137, "p": 2}[key])
		})
	}
}

// Where stderr is no terminal it stays what it is. It is only there that the runtime
// says how a fatal error begins.
func TestGuardStderrRedirected(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/stderr"
	for key, want := range map[string]string{"m": "rpcscope crashed: stderr says why", "p": "rpcscope crashed: panic: in a goroutine"} {
		term, before := inShell(t, shells["bash"], "2>"+file)
		term.Type(key)
		term.WaitFor(want)
		wantRestored(t, term, before, 2)
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "goroutine ") {
			t.Errorf("%v, stderr %q", err, text)
		}
	}
}

// A program whose guard has been killed goes on, and stderr is what it was.
func TestGuardKilled(t *testing.T) {
	t.Parallel()
	term, before := inShell(t, shells["bash"])
	for _, pid := range term.Processes() {
		if group, err := unix.Getpgid(pid); err == nil && group == pid && term.Foreground() != pid {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	term.WaitProcesses(1)
	term.Type("q")
	term.WaitFor("goodbye")
	wantRestored(t, term, before, 0)
}

func TestCrashReport(t *testing.T) {
	for _, c := range []struct{ name, crash, stderr, want string }{
		{"nothing", "", "", "rpcscope was killed\r\n"},
		{"a warning", "", "careful\n", "careful\r\nrpcscope was killed\r\n"},
		{"stderr is a file", "panic: boom", "", "panic: boom\r\nrpcscope crashed: panic: boom\r\n"},
		{"stderr is a terminal", "panic: boom\n", "panic: boom\n", "panic: boom\r\nrpcscope crashed: panic: boom\r\n"},
		{"fatal error", "goroutine 1", "careful\nfatal error: oh\n", "careful\r\nfatal error: oh\r\nrpcscope crashed: fatal error: oh\r\n"},
		{"fatal error elsewhere", "goroutine 1", "", "goroutine 1\r\nrpcscope crashed: stderr says why\r\n"},
		{"source", "panic: boom\n\n\tmain.go:3 +0x1\n", "", "panic: boom\r\n\r\n    main.go:3 +0x1\r\nrpcscope crashed: panic: boom\r\n"},
		{"escapes", "panic: \x1b[2J\r\n\xff", "", "panic: \\x1b[2J\\r\r\n\\xff\r\nrpcscope crashed: panic: \\x1b[2J\\r\r\n"},
	} {
		var r crashReport
		r.crash.add([]byte(c.crash))
		r.stderr.add([]byte(c.stderr))
		if got := r.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	var done crashReport
	done.released = true
	if got := done.String(); got != "" {
		t.Errorf("released: %q", got)
	}
	done.stderr.add([]byte("careful\n"))
	if got := done.String(); got != "careful\r\n" {
		t.Errorf("released, with a warning: %q", got)
	}
	var long crashReport
	for range 100_000 {
		long.crash.add([]byte("panic: " + strings.Repeat("世", 100) + "\n"))
	}
	got := long.String()
	if lines := strings.Count(got, "\r\n"); len(got) > 100_000 || lines != mostTextLines+2 || !strings.Contains(got, "and 99960 more lines") {
		t.Errorf("%d bytes, %d lines", len(got), lines)
	}
}
