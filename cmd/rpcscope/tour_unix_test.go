//go:build linux || darwin

package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// The tour without a broker: a scenario is played, repeated, and left.
func TestTour(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	term := demoShell(t, closedURL(t), screen.Size{Cols: 80, Rows: 24})
	before := term.Termios()
	term.Type("rpcscope tour --pace 0 --only 5,4,10", "enter")

	// First the story, the broker, and the key that begins.
	term.WaitFor("Scenario 5 (1 of 3): an unknown reply")
	term.WaitFor("ready")
	term.WaitFor("in-process broker")
	term.WaitFor("rpcscope.tour.")
	term.WaitFor("happens")
	term.WaitFor("why")
	term.Type("N")
	term.WaitFor("✓ ok     1 unknown reply")
	if n := shown(term, `Orphaned ([\d,]+)`); n != 1 {
		t.Errorf("%d orphans", n)
	}

	// The next scenario, and the story of its call.
	term.Type("N")
	term.WaitFor("Scenario 4 (2 of 3): a server dies")
	term.WaitFor("Duplicate 0")
	term.Type("N")
	term.WaitFor("✓ ok     redelivered to fib-2")
	term.Type("enter") // the duplicates have the focus
	term.WaitFor("request to fib-2, and the answer was the same")
	term.Type("esc")
	term.WaitFor("✓ ok     1 duplicate")

	// Repeat, and go back.
	stage := regexp.MustCompile(`rpcscope\.tour\.\w+`)
	first := stage.FindString(term.Screen())
	term.Type("R")
	term.Wait("the same on a stage of its own", func(s string) bool {
		return stage.MatchString(s) && stage.FindString(s) != first && strings.Contains(s, "✓ ok     1 duplicate")
	})
	term.Type("P")
	term.WaitFor("Scenario 5 (1 of 3): an unknown reply")
	term.WaitFor("○ ready")

	// Keys of the screen work, too.
	term.Type("N")
	term.WaitFor("✓ ok     1 unknown reply")
	term.Type("L")
	term.WaitGone("Scenario 5")
	term.WaitFor("1 running")
	term.Type("u")
	term.Wait("another orphan", func(s string) bool { return strings.Contains(s, "Orphaned 2") })
	term.Type("N")
	term.WaitFor("Scenario 4 (2 of 3)")
	term.Type("N")
	term.WaitFor("✓ ok     1 duplicate")
	term.WaitFor("Throughput")
	term.Resize(120, 40)
	term.Type("?")
	term.WaitFor("repeat the scenario")
	term.Type("esc")
	term.WaitGone("repeat the scenario")
	term.Type("N")
	term.WaitFor("Scenario 10 (3 of 3)")
	term.Type("N")
	term.WaitFor("3 of 3 answered with INTERNAL")
	term.WaitFor("That was the last one")
	term.Type("N")
	term.WaitFor("that was the last scenario")
	term.WaitFor("The load is paused")

	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), "10 ok     the server panics") })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	s := term.Scrollback()
	for _, want := range []string{" 5 ok     an unknown reply", " 4 ok     a server dies", "10 ok     the server panics", "on an in-process broker: cannot connect to 127.0.0.1:"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in the scrollback:\n%s", want, s)
		}
	}
	if strings.Contains(term.Raw(), "secret") {
		t.Error("the password was shown")
	}
	if term.AltScreen() || !term.CursorVisible() || term.Termios() != before {
		t.Errorf("left behind: alternate screen %t, cursor %t, %+v", term.AltScreen(), term.CursorVisible(), term.Termios())
	}
	term.WaitAlone()
}

// Steps are announced, and a key skips their wait. A failed claim makes the exit code 1, one that was not played to its
// end does not. (TestSteps covers that a step is announced before it is done.)
func TestTourSteps(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	term := demoShell(t, closedURL(t), screen.Size{Cols: 80, Rows: 24})
	term.Type("rpcscope tour --pace 3 --only 10,8,5 --server-flag=--fault=error", "enter")
	term.WaitFor("Scenario 10 (1 of 3)")
	term.WaitFor("ready")
	term.Type("N")
	term.WaitFor("   A server starts whose handler panics")
	term.Type(".")
	term.WaitFor("✓ done   A server starts")
	term.WaitFor("✓ done   Call 1 of 3 is made.")
	term.Type("N") // skips the rest without a wait
	term.WaitFor("Scenario 8 (2 of 3)")
	term.WaitFor("ready")
	term.Type("N")
	skipUntil(term, "✗ FAILED")
	term.WaitFor("expected was: abc INVALID_ARGUMENT")
	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), " 8 FAILED abc") })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=1")
	if s := term.Scrollback(); strings.Contains(s, "the server panics: ") || strings.Contains(s, "an unknown reply: ") {
		t.Errorf("what was not played to its end is told of:\n%s", s)
	}
	term.WaitAlone()
}

// skipUntil skips steps until a text is on the screen.
func skipUntil(term *screen.Terminal, text string) {
	seen := ""
	term.Wait(text+", in a hurry", func(s string) bool {
		if strings.Contains(s, text) {
			return true
		}
		if s != seen { // one key for each frame
			seen = s
			term.Type(".")
		}
		return false
	})
}

// A tour that is ended in a scenario leaves nothing behind, also on the broker.
func TestTourEnds(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for name, end := range map[string]func(*screen.Terminal) error{
		"q":       func(term *screen.Terminal) error { term.Type("q"); return nil },
		"ctrl+c":  func(term *screen.Terminal) error { term.Type("ctrl+c"); return nil },
		"SIGTERM": func(term *screen.Terminal) error { return syscall.Kill(term.Foreground(), syscall.SIGTERM) },
		"SIGHUP":  func(term *screen.Terminal) error { return syscall.Kill(term.Foreground(), syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := broker.Start(broker.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close() //nolint:errcheck // it was for this test alone
			term := demoShell(t, b.URL(), screen.Size{Cols: 80, Rows: 24})
			before := term.Termios()
			term.Type("rpcscope tour --only 3", "enter")
			term.WaitFor("ready")
			term.Type("N")
			shown(term, `completed ([\d,]+)`)
			if err := end(term); err != nil {
				t.Fatal(err)
			}
			term.Wait("the screen gone", func(string) bool { return !term.AltScreen() })
			term.WaitAlone()
			code := "code=0"
			if strings.HasPrefix(name, "SIG") {
				code = "code=130"
			}
			term.Type("echo code=$?", "enter")
			term.WaitFor(code)
			if term.Termios() != before {
				t.Errorf("left behind: %+v", term.Termios())
			}
			term.Wait("no queue", func(string) bool { return len(b.Queues()) == 0 })
		})
	}
}

// However the tour ends, it leaves no queue and no server. Each server has a connection.
func TestTourInterrupted(t *testing.T) {
	t.Parallel()
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() //nolint:errcheck // it was for this test alone
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin.rpcscope, "tour", "--check", "--only", "5,3,4", "--url", b.URL())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), " 5 ok ") {
		t.Errorf("it says %q", lines.Text())
	}
	for len(b.Queues()) < 2 && ctx.Err() == nil { // the callback queue and that of scenario 3
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Errorf("it also says %q", lines.Text())
	}
	cmd.Wait() //nolint:errcheck // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != cli.Interrupted || stderr.String() != "rpcscope: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
	for len(b.Connections()) > 0 && ctx.Err() == nil { // the broker may be slower than the process
		time.Sleep(time.Millisecond)
	}
	if q, c := b.Queues(), b.Connections(); len(q) > 0 || len(c) > 0 {
		t.Errorf("left behind: %+v, %+v", q, c)
	}
}
