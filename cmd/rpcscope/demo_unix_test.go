//go:build linux || darwin

package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// demoShell starts a shell with a folder for temporary files, and fails the test if one is left at the end.
func demoShell(t *testing.T, url string, size screen.Size, env ...string) *screen.Terminal {
	t.Helper()
	folder := t.TempDir()
	t.Cleanup(func() {
		left, err := os.ReadDir(folder)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return shell(t, url, size, append(env, "TMPDIR="+folder)...)
}

// closedURL returns a URL at which nobody answers.
func closedURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "amqp://user:secret@" + l.Addr().String() + "/"
}

// Without a broker demo starts one, and the keys fill all four lanes.
func TestDemo(t *testing.T) {
	url := closedURL(t)
	term := demoShell(t, url, screen.Size{Cols: 120, Rows: 40})
	term.Type("rpcscope demo", "enter")

	// It names the broker, the reason, and how to use another one.
	term.WaitFor("in-process broker 0.1.0")
	shown(term, `Completed ([\d,]+)`)
	term.WaitFor("2 running")
	term.WaitFor("connection refused")
	term.WaitFor("rpcscope demo --url amqp://user:password@host/")

	shown(term, `In flight ([\d,]+)`)
	term.Type("d")
	if n := shown(term, `Duplicate ([\d,]+)`); n != 1 {
		t.Errorf("%d duplicates after one d", n)
	}
	term.Type("u")
	if n := shown(term, `Orphaned ([\d,]+)`); n != 1 {
		t.Errorf("%d orphans after one u", n)
	}
	term.WaitFor("Press enter on a duplicate")

	// A server dies, and another one is started.
	term.Type("K")
	term.WaitFor("killed, as by kill -9")
	term.Type("s")
	term.WaitFor("fib-3 started")

	// It still names the broker.
	term.Type("?")
	term.WaitFor("The broker")
	term.WaitFor("rpcscope demo --url amqp://user:password@host/")
	term.Type("esc")
	term.Type("v")
	term.WaitFor("in-process broker: cannot connect to 127.0.0.1:")
	term.Type("esc")
	term.Resize(80, 24)
	term.WaitFor("in-process broker 0.1.0  rpc_queue")

	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), "to use a RabbitMQ of yours.") })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	// K may have made a second duplicate.
	if s := term.Scrollback(); !strings.Contains(s, "rpcscope in-process broker 0.1.0") || !regexp.MustCompile(`\b[12] duplicates?\b`).MatchString(s) {
		t.Errorf("no such summary in the scrollback:\n%s", s)
	}
	if strings.Contains(term.Raw(), "secret") {
		t.Error("the password was shown")
	}
	term.WaitAlone()
}

// demo uses the broker of the URL if it answers, and does not mention another one.
func TestDemoOnRabbitMQ(t *testing.T) {
	t.Parallel()
	node := brokertest.OnRabbitMQ(t)
	term := demoShell(t, node.URL(), screen.Size{Cols: 120, Rows: 40})
	term.Type("rpcscope demo --servers 1 --server-flag=--delay=0s --fib 5 --queue "+brokertest.QueueName(t), "enter")
	term.WaitFor("RabbitMQ " + node.Version())
	shown(term, `Completed ([\d,]+)`)
	term.WaitFor("All is well")
	term.WaitFor("closed loop 8  fib(5)")
	term.Type("q")
	term.Wait("the summary", func(string) bool { // a busy machine may have completed only one call
		s := term.Scrollback()
		return strings.Contains(s, "calls completed") || strings.Contains(s, "1 call completed")
	})
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	if strings.Contains(term.Raw(), "in-process") {
		t.Error("it speaks of an in-process broker")
	}
	term.WaitAlone()
}

// However the demo ends, it leaves nothing behind.
func TestDemoEnds(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			term := demoShell(t, closedURL(t), screen.Size{Cols: 80, Rows: 24})
			before := term.Termios()
			term.Type("rpcscope demo", "enter")
			term.WaitFor("2 running")
			shown(term, `completed ([\d,]+)`)
			if err := syscall.Kill(term.Foreground(), sig); err != nil {
				t.Fatal(err)
			}
			code := map[syscall.Signal]int{syscall.SIGKILL: 137, syscall.SIGQUIT: 1}[sig]
			if code == 0 {
				code = 130
			}
			term.Wait("the screen gone", func(string) bool { return !term.AltScreen() })
			term.WaitAlone()
			term.Type("echo code=$?", "enter")
			term.WaitFor(fmt.Sprint("code=", code))
			if term.Termios() != before {
				t.Errorf("left behind: %+v", term.Termios())
			}
		})
	}
}

// A bad flag is a usage error, and no screen is shown.
func TestDemoRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, args, want string }{
		{"nonsense://user:secret@host/", "", "an AMQP URL begins with"},
		{"amqp://guest:secret@host/,amqp://user:secret@host/", "", "separate several URLs with spaces"},
		{"amqps://user:secret@127.0.0.1:1/", "--tls-ca /nowhere", "CA file"},
		{"", "--fib abc", "abc"},
		{"", "now", "now"},
	} {
		term := demoShell(t, c.url, screen.Size{Cols: 100, Rows: 24})
		term.Type("rpcscope demo "+c.args+"; echo code=$?", "enter")
		term.WaitFor("code=2")
		if s := term.Screen(); !strings.Contains(s, c.want) || strings.Contains(s, "secret") {
			t.Errorf("demo %s on %s says\n%s", c.args, c.url, s)
		}
		if strings.Contains(term.Raw(), "\x1b[?1049h") {
			t.Errorf("demo %s shows a screen", c.args)
		}
	}
}

// A peer that does not speak AMQP, or does not answer, is replaced by the in-process broker.
func TestDemoOnNoBroker(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() }) // after the subtests
	private := startBroker(t, []string{brokerPassword + "=another"}, "--user=me", "--quiet")
	for what, c := range map[string]struct{ url, want string }{
		"mute":    {"amqp://" + mute.Addr().String() + "/", mute.Addr().String() + ": no answer in time"},
		"refused": {"amqp://user:secret@" + private.address + "/", private.address + ": the broker refused the user name or password"},
		"unknown": {"amqp://host.invalid/", "no such host"},
		"no TLS":  {"amqps://" + private.address + "/", "does not speak TLS"},
		"many":    {closedURL(t) + " " + closedURL(t), "nor to 1 more"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			term := demoShell(t, c.url, screen.Size{Cols: 140, Rows: 30})
			term.Type("rpcscope demo --paused --servers 0", "enter")
			term.WaitFor("in-process broker 0.1.0")
			term.Type("v")
			term.WaitFor(c.want)
			term.Type("q")
			term.Type("q")
			term.WaitFor("no call was made")
			if strings.Contains(term.Raw(), "secret") {
				t.Error("the password was shown")
			}
			term.WaitAlone()
		})
	}
}

// Without a terminal demo names a command that needs none.
func TestDemoNeedsTerminal(t *testing.T) {
	t.Parallel()
	rpcscope(t, "amqp://127.0.0.1:1/", "demo").want(t, 2, "", "terminal", "rpcscope load --servers 2")
}

// If no broker answers, the error names commands that need none. It does not if a broker refuses.
func TestHintOfDemo(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	refused := rpcscope(t, strings.Replace(node.URL(), "guest:guest", "guest:"+secret, 1), "call", "3")
	refused.refused(t, "call with a wrong password", cli.NoBroker, "the broker refused the user name or password")
	if strings.Contains(refused.stderr, "need no RabbitMQ") {
		t.Errorf("a broker that is there is not what was looked for: %s", refused.stderr)
	}
	for _, args := range [][]string{{"load"}, {"call", "3"}} {
		rpcscope(t, "amqp://127.0.0.1:1/", args...).want(t, 3, "", "`rpcscope demo` and `rpcscope broker` need no RabbitMQ")
	}
}
