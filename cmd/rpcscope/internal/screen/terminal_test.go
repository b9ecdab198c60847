//go:build linux || darwin

package screen

import (
	"strings"
	"syscall"
	"testing"
)

var size = Size{80, 24}

func TestProgram(t *testing.T) {
	env, path := asProgram(t)
	term := Start(t, size, env, path)
	term.WaitFor("size 80x24")
	term.WaitFor("|世界|e\u0301|")
	if !term.AltScreen() || term.CursorVisible() || !term.Mode(ModeBracketedPaste) || !term.Mode(ModeMouseDrag) {
		t.Error("no alternate screen, or a cursor, or no bracketed paste, or no mouse")
	}
	if term.Termios().Cooked() {
		t.Error("no raw mode")
	}
	term.Resize(40, 10)
	term.WaitFor("size 40x10")
	if n := strings.Count(term.Screen(), "\n"); n != 9 {
		t.Errorf("%d newlines in a screen of 10 lines", n)
	}
	term.Resize(120, 40)
	term.WaitFor("size 120x40")
	term.Type("up", "tab", "shift+tab", "ctrl+a", "alt+x", "enter", "ü")
	term.WaitFor("typed <up tab shift+tab ctrl+a alt+x enter ü>")
	term.Type("esc")
	term.WaitFor("ü esc>")

	term.Type("q")
	term.WaitFor("goodbye, 世界")
	if code := term.WaitExit(); code != 3 {
		t.Errorf("exit code %d", code)
	}
	wantSane(t, term)
	if s := term.Screen(); strings.Contains(s, "typed") {
		t.Errorf("something of the alternate screen is on the primary one:\n%s", s)
	}
	for _, s := range []string{"\x1b[?1049h", "\x1b[?1049l", "\x1b[?2004l", "\x1b[?25h", "\x1b[?1002l"} {
		if !strings.Contains(term.Raw(), s) {
			t.Errorf("%q was never written", s)
		}
	}
}

func wantSane(t *testing.T, term *Terminal) {
	t.Helper()
	if term.AltScreen() || !term.CursorVisible() {
		t.Errorf("alternate screen %t, cursor visible %t", term.AltScreen(), term.CursorVisible())
	}
	for _, mode := range []int{ModeBracketedPaste, ModeMouseClicks, ModeMouseDrag, ModeMouseMotion, ModeMouseSGR, ModeFocus} {
		if term.Mode(mode) {
			t.Errorf("mode %d is on", mode)
		}
	}
	if m := term.Termios(); !m.Cooked() {
		t.Errorf("raw mode: %+v", m)
	}
}

// shell starts a shell with job control and without a line editor, which has its own
// ideas of how a terminal should be.
func shell(t testing.TB, env []string) *Terminal {
	t.Helper()
	term := Start(t, size, append(env, "PS1=$ "), "bash", "--norc", "--noprofile", "--noediting", "-i")
	term.WaitFor("$")
	return term
}

func TestSuspend(t *testing.T) {
	env, path := asProgram(t)
	term := shell(t, env)
	before := term.Termios()
	term.Type(path, "enter")
	term.WaitFor("size 80x24")
	for range 3 {
		term.Type("ctrl+z")
		term.WaitFor("Stopped")
		wantSane(t, term)
		if term.Termios() != before {
			t.Error("termios are not what they were")
		}
		term.Type("echo $((6 * 7))", "enter")
		term.WaitFor("\n42\n")
		term.Type("clear; fg", "enter")
		term.WaitFor("typed <resumed")
		if !term.AltScreen() || term.Termios().Cooked() {
			t.Error("no alternate screen, or no raw mode, after fg")
		}
	}
	term.WaitFor("<resumed resumed resumed>")
	term.Type("q")
	term.WaitFor("goodbye")
	term.Type("echo code $?", "enter")
	term.WaitFor("code 3")
	wantSane(t, term)
}

// A program that is killed leaves the terminal in its state.
func TestKilled(t *testing.T) {
	env, path := asProgram(t)
	term := Start(t, size, env, "sh", "-c", path+"; echo code $?; read line")
	term.WaitFor("q quit")
	term.Type("k")
	term.WaitFor("code 137")
	if !term.AltScreen() || term.CursorVisible() || term.Termios().Cooked() {
		t.Error("who has put the terminal right?")
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		script string
		code   int
	}{{"exit 0", 0}, {"exit 5", 5}, {"kill -TERM $$", 128 + int(syscall.SIGTERM)}} {
		term := Start(t, size, nil, "sh", "-c", c.script)
		if code := term.WaitExit(); code != c.code {
			t.Errorf("%s: exit code %d", c.script, code)
		}
	}
}

// Whatever is left over when the test ends is ended with it, in all process groups.
func TestEnd(t *testing.T) {
	var pids []int
	var session int
	t.Run("", func(t *testing.T) {
		term := shell(t, nil)
		term.Type("trap '' HUP; sleep 1000 & cat", "enter")
		term.Type("so far", "enter")
		term.Wait("cat", func(screen string) bool { return strings.Count(screen, "so far") == 2 })
		pids, session = term.Processes(), term.session
		if len(pids) != 2 {
			t.Errorf("processes %v", pids)
		}
	})
	for _, pid := range pids {
		if left := sessionProcesses(session); len(left) > 0 {
			t.Errorf("%v of session %d are still there, %d was", left, session, pid)
		}
	}
}

func TestScrollback(t *testing.T) {
	term := Start(t, Size{20, 4}, nil, "sh", "-c", `for i in 1 2 3 4 5 6 7; do echo "line $i"; done; printf 'end'; read line`)
	term.WaitFor("end")
	want := "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nend"
	if got := term.Scrollback(); got != want {
		t.Errorf("scrollback %q, want %q", got, want)
	}
	if got := term.Screen(); got != "line 5\nline 6\nline 7\nend" {
		t.Errorf("screen %q", got)
	}
}
