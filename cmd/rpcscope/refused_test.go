package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/cmd/internal/cli"
)

// secret is a password that must never be shown.
const secret = "hunter2"

// runFibserver runs the server to its end. url is the value of AMQP_URL.
func runFibserver(t testing.TB, url string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin.fibserver, args...)
	cmd.Env = append(os.Environ(), "AMQP_URL="+url)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err, exit := cmd.Run(), (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s does not end; stdout %q, stderr %q", cmd, stdout.String(), stderr.String())
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// refused checks that a command prints the reason in one line on stderr.
func (o outcome) refused(t testing.TB, what string, code int, words ...string) {
	t.Helper()
	if o.code != code || strings.Count(o.stderr, "\n") != 1 || strings.Contains(o.stdout+o.stderr, secret) {
		t.Errorf("%s: exit code %d, want %d; stdout %q, stderr %q", what, o.code, code, o.stdout, o.stderr)
	}
	for _, w := range words {
		if !strings.Contains(o.stderr, w) {
			t.Errorf("%s: no %q in %q", what, w, o.stderr)
		}
	}
}

// All commands report a TLS error with exit code 3, and work with the TLS flags.
func TestTLSRefused(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	plain, err := amqprpc.Address(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	ca, others := brokertest.NewAuthority(t), brokertest.NewAuthority(t)
	cert, err := tls.LoadX509KeyPair(ca.Issue(t, time.Time{}, "rabbit"))
	if err != nil {
		t.Fatal(err)
	}
	url := func(address string) string { return "amqps://guest:guest@" + address + "/" }
	front := url(brokertest.TLSFront(t, &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: ca.Pool, ClientAuth: tls.RequireAndVerifyClientCert}, plain))
	client, key := ca.Issue(t, time.Time{}, "client")
	all := []string{"--tls-ca=" + ca.File, "--tls-cert=" + client, "--tls-key=" + key, "--tls-server-name=rabbit"}
	for name, c := range map[string]struct {
		url  string
		args []string
		want string
	}{
		"nothing given":         {front, nil, "failed to verify certificate"},
		"another CA":            {front, append([]string{"--tls-ca=" + others.File}, all[1:]...), "certificate signed by unknown authority"},
		"no server name":        {front, all[:3], "127.0.0.1"},
		"no client certificate": {front, []string{all[0], all[3]}, "certificate required"},
		"a plain port":          {url(plain), all, "does not speak TLS"},
		"plain to TLS":          {strings.Replace(front, "amqps:", "amqp:", 1), nil, "amqps://"},
	} {
		withSecret := strings.Replace(c.url, "guest:guest", "guest:"+secret, 1)
		queue := "--queue=" + brokertest.QueueName(t)
		rpcscope(t, withSecret, append([]string{"call", queue, "5"}, c.args...)...).refused(t, name+": call", cli.NoBroker, c.want)
		rpcscope(t, withSecret, append([]string{"load", queue, "-n", "1"}, c.args...)...).refused(t, name+": load", cli.NoBroker, c.want)
		runFibserver(t, withSecret, append([]string{queue}, c.args...)...).refused(t, name+": fibserver", cli.NoBroker, c.want)
	}
	queue := brokertest.QueueName(t)
	args := append([]string{"load", "-n", "20", "--fib=5", "--json", "--servers=1", "--queue=" + queue}, all...)
	if o := rpcscope(t, front, args...); o.code != cli.OK || o.summary(t).Calls.Completed != 20 {
		t.Errorf("with all flags: %+v", o)
	}
}

// All commands say which permission is missing, on which resource, and how to grant it.
func TestDenied(t *testing.T) {
	t.Parallel()
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	user := func(name string, permissions ...string) string {
		brokertest.Ctl(t, node, "add_user", name, secret)
		if permissions != nil {
			brokertest.Ctl(t, node, append([]string{"set_permissions", "-p", "/", name}, permissions...)...)
		}
		return strings.Replace(node.URL(), "guest:guest", name+":"+secret, 1)
	}
	const write = `lacks the write permission on exchange "amq.default" in virtual host "/": rabbitmqctl set_permissions -p / writeless CONFIGURE WRITE READ, with a WRITE that matches "amq.default"`
	writeless, readless, stranger := user("writeless", ".*", "^$", ".*"), user("readless", ".*", ".*", `^amq\.gen`), user("stranger")

	// Reported before a publish.
	for what, o := range map[string]outcome{"call": rpcscope(t, stranger, "call", "5"), "load": rpcscope(t, stranger, "load"), "scale": rpcscope(t, stranger, "scale"),
		"tour": rpcscope(t, stranger, "tour", "--check", "--only=1"), "fibserver": runFibserver(t, stranger)} {
		o.refused(t, what, cli.NoBroker, `user "stranger" has no permissions in virtual host "/": rabbitmqctl set_permissions -p / stranger CONFIGURE WRITE READ`)
	}
	wrong := strings.Replace(node.URL(), "guest:guest", "guest:"+secret, 1)
	runFibserver(t, wrong).refused(t, "fibserver with a wrong password", cli.NoBroker, "the broker refused the user name or password")
	runFibserver(t, readless).refused(t, "fibserver", cli.FellShort, `lacks the read permission on queue "rpc_queue"`)
	rpcscope(t, readless, "load", "--servers=1").refused(t, "load with servers", cli.FellShort, "lacks the read permission on queue")

	// Reported after the first publish: the deadline is far off.
	rpcscope(t, writeless, "call", "--timeout=1h", "5").refused(t, "call", cli.FellShort, "connection_lost: user ", write)
	rpcscope(t, writeless, "call", "--timeout=1h", "--json", "5").refused(t, "call --json", cli.FellShort, write)
	o := rpcscope(t, writeless, "load", "-n=1000000", "--timeout=1h", "--json")
	o.refused(t, "load --json", cli.FellShort, "ended early: user ", write)
	if s := o.summary(t); s.Calls.Sent > 1000 || s.Calls.Completed != 0 {
		t.Errorf("%+v", s.Calls)
	}
	rpcscope(t, writeless, "scale", "--timeout=1h", "--servers=1").refused(t, "scale", cli.FellShort, write)

	o = rpcscope(t, writeless, "tour", "--check", "--only=1,10")
	for line := range strings.Lines(o.stdout) {
		if !strings.Contains(line, " FAILED ") || !strings.Contains(line, write) {
			t.Errorf("tour: %s", line)
		}
	}
	if o.code != cli.FellShort || strings.Count(o.stdout, "\n") != 2 {
		t.Errorf("tour: exit code %d, %s", o.code, o.stdout)
	}

	// A server that may not publish replies consumes no request.
	runFibserver(t, writeless).refused(t, "fibserver", cli.FellShort, "fibserver: ", write)
}

// An invalid queue name is a usage error of all commands, and is escaped.
func TestQueueNameRefused(t *testing.T) {
	t.Parallel()
	const nowhere = "amqp://guest:" + secret + "@127.0.0.1:1/"
	for queue, want := range map[string]string{
		"a\r\nb":  `--queue: the queue's name "a\r\nb" has control characters`,
		"\x1b[2J": `--queue: the queue's name "\x1b[2J" has control characters`,
		"a\xff":   `--queue: the queue's name "a\xff" is not valid UTF-8`,
		"":        "--queue is empty",
	} {
		queue = "--queue=" + queue
		for command, o := range map[string]outcome{
			"rpcscope call":  rpcscope(t, nowhere, "call", queue, "5"),
			"rpcscope load":  rpcscope(t, nowhere, "load", queue, "-n=1"),
			"rpcscope scale": rpcscope(t, nowhere, "scale", queue, "-n=1"),
			"fibserver":      runFibserver(t, nowhere, queue),
		} {
			program, _, _ := strings.Cut(command, " ")
			if all := program + ": " + want + "\nTry '" + command + " --help'.\n"; o.code != cli.Usage || o.stdout != "" || o.stderr != all {
				t.Errorf("%s: exit code %d, stdout %q, stderr\n%q, want\n%q", command, o.code, o.stdout, o.stderr, all)
			}
		}
	}
}
