package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/cmd/internal/cli"
)

// A brokerProcess is a process of `rpcscope broker`.
type brokerProcess struct {
	cmd     *exec.Cmd
	line    string // the line that it prints when it listens
	address string
	exited  chan struct{}

	mu   sync.Mutex
	log  bytes.Buffer
	more chan struct{} // closed, and replaced, when there is more in the log
}

// Write adds to the log.
func (f *brokerProcess) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.more)
	f.more = make(chan struct{})
	return f.log.Write(p)
}

// startBroker starts a broker on a free port, waits until it listens, and stops it at the end of the test.
func startBroker(t *testing.T, env []string, args ...string) *brokerProcess {
	t.Helper()
	f := &brokerProcess{exited: make(chan struct{}), more: make(chan struct{})}
	f.cmd = exec.Command(bin.rpcscope, append([]string{"broker", "--listen", "127.0.0.1:0"}, args...)...)
	f.cmd.Env = append(os.Environ(), env...)
	f.cmd.Stderr = f
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	f.line, err = lines.ReadString('\n')
	go func() {
		defer close(f.exited)
		io.Copy(io.Discard, lines) //nolint:errcheck // until it has ended
		f.cmd.Wait()               //nolint:errcheck // its state says it all
	}()
	t.Cleanup(f.end)
	found := regexp.MustCompile(`^ \[x\] Listening on (127\.0\.0\.1:\d+) `).FindStringSubmatch(f.line)
	if err != nil || found == nil {
		t.Fatalf("it says %q, %v; log %q", f.line, err, f.logged())
	}
	f.address = found[1]
	return f
}

func (f *brokerProcess) end() {
	f.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-f.exited
}

func (f *brokerProcess) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// untilLogged waits until a line of the log matches.
func (f *brokerProcess) untilLogged(t *testing.T, pattern string) (line string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		f.mu.Lock()
		log, more := f.log.String(), f.more
		f.mu.Unlock()
		for line := range strings.Lines(log) {
			if re.MatchString(line) {
				return line
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%s is not logged:\n%s", pattern, log)
		}
	}
}

// dialBroker connects with a connection name.
func dialBroker(t *testing.T, userinfo, address, name string) *amqp.Connection {
	t.Helper()
	props := amqp.NewConnectionProperties()
	props.SetClientConnectionName(name)
	conn, err := amqp.DialConfig("amqp://"+userinfo+"@"+address+"/", amqp.Config{Properties: props})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// A client sends itself a message, and its connection is logged.
func TestBrokerServes(t *testing.T) {
	t.Parallel()
	f := startBroker(t, nil)
	want := " [x] Listening on " + f.address + " (amqp://" + f.address + "), in-process broker 0.1.0. To exit press CTRL+C\n"
	if f.line != want {
		t.Errorf("it says %q, not %q", f.line, want)
	}
	conn := dialBroker(t, "guest:guest", f.address, "a visitor")
	f.untilLogged(t, `opened.*name="a visitor".*user=guest`)
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ch.Consume(q.Name, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.PublishWithContext(t.Context(), "", q.Name, true, false, amqp.Publishing{Body: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-got:
		if string(d.Body) != "hello" {
			t.Errorf("got %q", d.Body)
		}
	case <-time.After(patience):
		t.Error("nothing came back")
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	f.untilLogged(t, `closed.*name="a visitor"`)
}

// load and fibserver work on it.
func TestBrokerCarriesLoad(t *testing.T) {
	t.Parallel()
	f := startBroker(t, nil, "--quiet")
	o := rpcscope(t, "amqp://"+f.address+"/", "load", "--servers=2", "-n=200", "-c=8", "--fib=5-10", "--json")
	if s := o.summary(t); o.code != cli.OK || s.Calls.Completed != 200 || s.Broker.Product != "rpcscope in-process broker" || s.Broker.Version != "0.1.0" {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s)
	}
	if s := f.logged(); s != "" {
		t.Errorf("it is not quiet: %s", s)
	}
}

// The names of clients, and bytes that are not AMQP, are escaped in the log.
func TestBrokerLogIsEscaped(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b]0;owned\a\u009b31m\u202e\nlevel=ERROR"
	for _, format := range []string{"text", "json"} {
		f := startBroker(t, nil, "--log-format="+format)
		dialBroker(t, "guest:guest", f.address, hostile).Close()
		f.untilLogged(t, `opened.*owned`)
		f.untilLogged(t, `closed.*owned`)
		if _, err := amqp.Dial("amqp://%1b%5b31m:" + "secret@" + f.address + "/"); err == nil {
			t.Error("a stranger was let in")
		}
		raw, err := net.Dial("tcp", f.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(raw, "GET / HTTP/1.1\r\n"+hostile+"\r\n\r\n")
		if answer, err := io.ReadAll(raw); err != nil && len(answer) == 0 || !bytes.HasPrefix(answer, []byte("AMQP\x00")) {
			t.Errorf("another protocol was answered with %q, %v", answer, err)
		}
		raw.Close()
		f.untilLogged(t, raw.LocalAddr().String())
		f.end()
		for line := range strings.Lines(f.logged()) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %q", format, line)
			}
			if strings.HasPrefix(line, "level=ERROR") || strings.Contains(line, "secret") {
				t.Errorf("%s: %q", format, line)
			}
		}
	}
}

// --user takes a password from the environment and never shows it.
func TestBrokerUser(t *testing.T) {
	t.Parallel()
	f := startBroker(t, []string{brokerPassword + "=secret"}, "--user=me")
	if want := "(amqp://me:PASSWORD@" + f.address + ")"; !strings.Contains(f.line, want) || strings.Contains(f.line, "secret") {
		t.Errorf("%q has no %q", f.line, want)
	}
	dialBroker(t, "me:secret", f.address, "x")
	for _, wrong := range []string{"guest:guest", "me:guest", "me:", "guest:secret"} {
		if conn, err := amqp.Dial("amqp://" + wrong + "@" + f.address + "/"); err == nil {
			conn.Close()
			t.Errorf("%s was let in", wrong)
		}
	}
	f.untilLogged(t, `opened.*user=me`)
	if strings.Contains(f.logged(), "secret") {
		t.Errorf("the password is in the log:\n%s", f.logged())
	}
}

func TestBrokerRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	in := taken.Addr().String()
	for _, c := range []struct {
		password string
		args     []string
		code     int
		want     string
	}{
		{"", []string{"--listen=" + in}, cli.FellShort, in + " is in use"},
		{"", []string{"--listen=" + in}, cli.FellShort, "--listen 127.0.0.1:0"},
		{"", []string{"--listen=0.0.0.0:0"}, cli.Usage, "--allow-remote"},
		{"", []string{"--listen=:0"}, cli.Usage, "--allow-remote"},
		{"", []string{"--listen=here"}, cli.Usage, "missing port"},
		{"", []string{"--listen=127.0.0.1:0", "--user=me"}, cli.Usage, "$" + brokerPassword},
		{"secret", []string{"--listen=127.0.0.1:0"}, cli.Usage, "--user"},
		{"", []string{"--max-message=0"}, cli.Usage, "--max-message must be positive, not 0"},
		{"", []string{"--memory-limit=-1"}, cli.Usage, "--memory-limit must be positive, not -1"},
		{"", []string{"--log-format=xml"}, cli.Usage, `"xml"`},
		{"", []string{"now"}, cli.Usage, "now"},
	} {
		o := rpcscopeIn(t, []string{brokerPassword + "=" + c.password}, append([]string{"broker"}, c.args...)...)
		o.want(t, c.code, "", c.want)
		if strings.Contains(o.stderr, "secret") {
			t.Errorf("the password is in %q", o.stderr)
		}
	}
}

// With --allow-remote it warns that guest cannot log in from other machines.
func TestBrokerAllowRemote(t *testing.T) {
	t.Parallel()
	f := startBroker(t, nil, "--allow-remote")
	f.untilLogged(t, "WARN.*guest may log in from this machine only")
}
