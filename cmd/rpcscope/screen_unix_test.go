//go:build linux || darwin

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/cmd/rpcscope/internal/screen"
	"rpcscope/server/pool"
)

// shell starts a shell with job control on a terminal, with rpcscope and fibserver on PATH.
func shell(t *testing.T, url string, size screen.Size, env ...string) *screen.Terminal {
	t.Helper()
	env = append(env, "PS1=$ ", "AMQP_URL="+url, "PATH="+bin.folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	term := screen.Start(t, size, env, "bash", "--norc", "--noprofile", "--noediting", "-i")
	term.Patience = patience
	term.WaitFor("$")
	return term
}

// shown waits until the group of the pattern is a number above zero, and returns it.
func shown(term *screen.Terminal, pattern string) (n int) {
	re := regexp.MustCompile(pattern)
	term.Wait("a number at "+pattern, func(s string) bool {
		found := re.FindStringSubmatch(s)
		if found == nil {
			return false
		}
		n, _ = strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
		return n > 0
	})
	return n
}

// slowServer makes a server wait for each request, to leave the processors to other tests.
const slowServer = "--server-flag=--delay=10ms"

// TestScreen uses most keys of the screen, on a terminal and a broker.
func TestScreen(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Own(t)
	term := shell(t, node.URL(), screen.Size{Cols: 120, Rows: 40})
	before := term.Termios()
	// The timeout is long because the test counts late replies.
	term.Type("rpcscope --fib 20 -c 8 --timeout 1m "+slowServer, "enter")

	// Without a queue and a server the load does not begin, and the screen says how to start one.
	term.WaitFor(strings.TrimPrefix(node.Product(), "rpcscope ")) // the header has that prefix elsewhere
	term.WaitFor("WAITING")
	term.WaitFor("Press s to start")
	term.Type("s")
	term.WaitFor("fib-1 consumes")
	shown(term, `Completed ([\d,]+)`)
	term.Type("s")
	term.WaitFor("2 running")

	// The four lanes.
	shown(term, `In flight ([\d,]+)`)
	term.Type("d")
	term.WaitFor("by hand")
	if n := shown(term, `Duplicate ([\d,]+)`); n != 1 {
		t.Errorf("%d duplicates after one d", n)
	}
	term.Type("u")
	if n := shown(term, `Orphaned ([\d,]+)`); n != 1 {
		t.Errorf("%d orphans after one u", n)
	}

	// The new reply is selected.
	term.Type("enter")
	term.WaitFor("A reply with an unknown ID, sent by hand")
	term.Type("esc")
	term.WaitFor("In flight")

	// Inspect the duplicate.
	term.Type("left", "enter")
	term.WaitFor("Waterfall")
	term.WaitFor("it was sent by hand")
	term.WaitFor("correlation_id")
	term.Type("esc")
	term.WaitFor("In flight")

	// A server that dies between its reply and its ack makes a real duplicate.
	term.Type("x", "down", "enter")
	term.WaitFor("gets --fault=crash-before-ack")
	term.Type("s")
	term.WaitFor("crashed")
	term.Wait("a real duplicate", func(s string) bool {
		found := regexp.MustCompile(`Duplicate (\d+)`).FindStringSubmatch(s)
		return found != nil && found[1] != "1"
	})
	term.Type("home", "enter")
	term.WaitFor("Waterfall")
	term.WaitFor("redelivered the request to")
	term.Type("esc")
	term.WaitFor("In flight")

	// kill -9 of a server without faults.
	term.Type("K")
	term.WaitFor("killed, as by kill -9")

	// The connection.
	term.Type("D")
	term.WaitFor("again after")
	term.Type("v") // all notes: the screen shows only the last ones
	term.WaitFor("connection lost")
	term.WaitFor("dropped the connection, with ")
	term.Type("esc")
	term.WaitFor("● connected")

	// Freeze, pause.
	term.Type("f")
	term.WaitFor("FROZEN")
	term.Type("f")
	term.WaitGone("FROZEN")
	term.Type(" ")
	term.WaitFor("PAUSED")
	term.Wait("calls to end", func(s string) bool { return strings.Contains(s, "In flight 0") })
	term.Type("c")
	term.WaitFor("6765 in")
	term.Type(" ")
	term.WaitGone("PAUSED")

	// Other sizes.
	term.Resize(60, 10)
	term.WaitFor("need 80x24")
	term.Resize(80, 24)
	term.WaitFor("In flight")
	term.WaitFor("quit")
	term.Resize(120, 40)
	term.WaitFor("callback")

	// Suspend and resume.
	term.Type("ctrl+z")
	term.WaitFor("Stopped")
	if term.AltScreen() || !term.CursorVisible() || term.Termios() != before {
		t.Errorf("suspended: alternate screen %t, cursor %t, %+v", term.AltScreen(), term.CursorVisible(), term.Termios())
	}
	term.Type("fg", "enter")
	term.WaitFor("In flight")
	if !term.AltScreen() {
		t.Error("no alternate screen after fg")
	}
	sent := shown(term, `sent ([\d,]+)`)
	term.Wait("it goes on", func(s string) bool {
		found := regexp.MustCompile(`sent ([\d,]+)`).FindStringSubmatch(s)
		if found == nil {
			return false
		}
		n, _ := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
		return n > sent
	})

	// Copy and export.
	term.Type("tab", "y")
	term.WaitFor("asked the terminal to copy")
	if term.Clipboard() == "" {
		t.Error("nothing was copied")
	}
	file := filepath.Join(t.TempDir(), "shown.json")
	term.Type("e", "ctrl+u", file, "enter")
	term.WaitFor("exported to")
	var exported map[string]any
	if b, err := os.ReadFile(file); err != nil || json.Unmarshal(b, &exported) != nil || exported["duplicates"] == nil {
		t.Errorf("export: %v, %.200s", err, b)
	}

	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), "(by hand)") })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	if term.AltScreen() || !term.CursorVisible() || term.Termios() != before {
		t.Errorf("left behind: alternate screen %t, cursor %t, %+v", term.AltScreen(), term.CursorVisible(), term.Termios())
	}
	// One duplicate by hand, one of the server that crashed, and perhaps one of the server that was killed.
	if s := term.Scrollback(); !regexp.MustCompile(` [23] duplicates`).MatchString(s) || !strings.Contains(s, "lost and restored 1 time") || !strings.Contains(s, "latency") {
		t.Errorf("no such summary in the scrollback:\n%s", s)
	}
	term.WaitAlone()
}

// Without the write permission the screen and its summary say which permission is missing.
func TestScreenDenied(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	brokertest.Ctl(t, node, "add_user", "writeless", secret)
	brokertest.Ctl(t, node, "set_permissions", "-p", "/", "writeless", ".*", "^$", ".*")
	servers := newServerPool(t, node.URL(), "rpc_queue", pool.Config{}) // the load waits for a server
	servers.start(t)
	term := shell(t, strings.Replace(node.URL(), "guest:guest", "writeless:"+secret, 1), screen.Size{Cols: 120, Rows: 40})
	term.Type("rpcscope --paused=false --fib 20 -c 8; echo code=$?", "enter")
	const lacks = `user "writeless" lacks the write permission on exchange "amq.default" in virtual host "/"`
	term.WaitFor("✗ permission missing")
	term.Wait("which, and what gives it", func(s string) bool {
		s = strings.Join(strings.Fields(s), " ")
		return strings.Contains(s, "The broker closes the connection over each call: "+lacks+": rabbitmqctl set_permissions -p / writeless")
	})
	shown(term, `failed ([\d,]+)`)
	term.Type("q")
	term.WaitFor("code=0")
	said := strings.Join(strings.Fields(term.Scrollback()+term.Screen()), " ")
	if !strings.Contains(said, "→ the broker refuses calls: "+lacks+": rabbitmqctl set_permissions -p / writeless CONFIGURE WRITE READ, with a WRITE that matches") || strings.Contains(said, "still there") {
		t.Errorf("the summary:\n%s", term.Scrollback())
	}
	if strings.Contains(term.Raw(), secret) || servers.said("[.]") != 0 {
		t.Errorf("the password is shown, or a call came through (%d)", servers.said("[.]"))
	}
	term.WaitAlone()
}

// A signal ends the screen and its servers as q does, with exit code 130.
func TestScreenSignals(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			term := shell(t, node.URL(), screen.Size{Cols: 80, Rows: 24})
			before := term.Termios()
			term.Type(fmt.Sprintf("rpcscope --queue %s --servers 1 --fib 5 %s", queue, slowServer), "enter")
			shown(term, `Completed ([\d,]+)`)
			if err := syscall.Kill(term.Foreground(), sig); err != nil {
				t.Fatal(err)
			}
			term.Wait("a summary that says so", func(string) bool { return strings.Contains(term.Scrollback(), "! interrupted") })
			term.Type("echo code=$?", "enter")
			term.WaitFor("code=130")
			if term.AltScreen() || term.Termios() != before {
				t.Errorf("left behind: alternate screen %t, %+v", term.AltScreen(), term.Termios())
			}
			term.WaitAlone()
		})
	}
}

// A screen whose terminal is closed ends with its servers, even under nohup.
func TestScreenLostTerminal(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	args := []string{"-c", "trap '' HUP; exec rpcscope --servers 1 --fib 5 " + slowServer + " --queue " + queue}
	env := []string{"AMQP_URL=" + node.URL(), "PATH=" + bin.folder + string(filepath.ListSeparator) + os.Getenv("PATH")}

	cmd := exec.Command("bash", args...)
	cmd.Env = append(os.Environ(), append(env, "CI=1", "TERM=xterm-256color")...)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	for buf := make([]byte, 4096); !strings.Contains(seen.String(), "Servers"); {
		n, err := master.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(buf[:n])
	}
	master.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		cmd.Process.Kill() //nolint:errcheck // it fails anyway
		t.Error("runs on without a terminal")
	}
}

// If the program that started it is killed, as `go run` may be, the screen ends and the shell has the terminal.
func TestScreenTakenOver(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	term := shell(t, node.URL(), screen.Size{Cols: 80, Rows: 24})
	term.Type(fmt.Sprintf("bash -c 'rpcscope --queue %s --servers 1 --fib 5 %s; true'", queue, slowServer), "enter")
	shown(term, `Completed ([\d,]+)`)
	// The leader of the group is bash.
	if err := syscall.Kill(term.Foreground(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	term.Wait("the shell's screen, and a word of it", func(string) bool {
		return !term.AltScreen() && strings.Contains(term.Scrollback(), "! interrupted")
	})
	term.Type("echo alive", "enter")
	term.WaitFor("\nalive")
	term.WaitAlone()
}

// Without a terminal the screen names a command that needs none.
func TestScreenNeedsTerminal(t *testing.T) {
	t.Parallel()
	rpcscope(t, "amqp://127.0.0.1:1/").want(t, 2, "", "terminal", "rpcscope load")
}

// On a dumb terminal the screens name a command that needs none, and load prints no progress line.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "--quiet")
	for args, want := range map[string]string{
		"": "`rpcscope load`", "demo": "`rpcscope load --servers 2`", "tour": "`rpcscope tour --check`",
		"replay " + put(t, "run.ndjson", oldRecording): "`rpcscope replay --summary`",
	} {
		term := shell(t, "amqp://127.0.0.1:1/", screen.Size{Cols: 200, Rows: 24}, "TERM=dumb")
		term.Type("rpcscope "+args+"; echo code=$?", "enter")
		term.WaitFor("code=2")
		if s := term.Screen(); !strings.Contains(s, "TERM is dumb") || !strings.Contains(s, want) {
			t.Errorf("rpcscope %s says\n%s", args, s)
		}
	}
	term := shell(t, "amqp://"+b.address+"/", screen.Size{Cols: 120, Rows: 40}, "TERM=dumb")
	term.Type("rpcscope load --servers 1 --fib 3 -n 20 "+slowServer+"; echo code=$?", "enter")
	term.WaitFor("code=0")
	if s := term.Raw(); !strings.Contains(s, "20 calls completed") || strings.Contains(strings.ReplaceAll(s, "\r\n", ""), "\r") || strings.Contains(s, "\x1b") {
		t.Errorf("load writes %q", s)
	}
}

// Bad flags and a missing broker are reported before a screen is shown.
func TestScreenRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want, code string }{
		{"--fib abc", "abc", "2"},
		{"-c 0", "-c 0", "2"},
		{"--rate -1", "--rate -1", "2"},
		{"--timeout 0s", "--timeout must be positive, not 0s", "2"},
		{"--servers 1000", "--servers", "2"},
		{"--server-flag=--name=x", "--name", "2"},
		{"--queue ''", "--queue is empty", "2"},
		{"--queue $'a\\nb'", `--queue: the queue's name "a\nb" has control characters`, "2"},
		{"", "cannot connect", "3"},
	} {
		term := shell(t, "amqp://user:secret@127.0.0.1:1/", screen.Size{Cols: 100, Rows: 24})
		term.Type("rpcscope "+c.args+"; echo code=$?", "enter")
		term.WaitFor("code=" + c.code)
		if s := term.Screen(); !strings.Contains(s, c.want) || strings.Contains(s, "secret") {
			t.Errorf("rpcscope %s says\n%s", c.args, s)
		}
		if strings.Contains(term.Raw(), "\x1b[?1049h") {
			t.Errorf("rpcscope %s shows a screen", c.args)
		}
	}
}
