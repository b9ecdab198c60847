package main

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
)

func TestCall(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	servers := newServerPool(t, node.URL(), queue, pool.Config{})
	server := servers.start(t, "--algorithm=doubling", "--max-n=1000")
	call := func(args ...string) outcome {
		return rpcscope(t, node.URL(), append([]string{"call", "--queue", queue}, args...)...)
	}

	call("30").want(t, cli.OK, " [x] Requesting fib(30)\n [.] Got 832040\n")
	call("100").want(t, cli.OK, " [x] Requesting fib(100)\n [.] Got 354224848179261915075\n")
	call("0", "1", "2").want(t, cli.OK, " [x] Requesting fib(0)\n [.] Got 0\n [x] Requesting fib(1)\n [.] Got 1\n [x] Requesting fib(2)\n [.] Got 1\n")
	call("-5").want(t, cli.FellShort, " [x] Requesting fib(-5)\n", "INVALID_ARGUMENT")
	call("10000000000").want(t, cli.FellShort, " [x] Requesting fib(10000000000)\n", "OUT_OF_RANGE")
	call("-5", "3").want(t, cli.FellShort, " [x] Requesting fib(-5)\n [x] Requesting fib(3)\n [.] Got 2\n", "INVALID_ARGUMENT")

	o := call("--json", "30", "-1")
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if o.code != cli.FellShort || len(lines) != 2 {
		t.Fatalf("exit code %d, stdout %q", o.code, o.stdout)
	}
	var good map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &good); err != nil {
		t.Fatal(err)
	}
	if keys := sortedKeys(good); strings.Join(keys, " ") != "correlation_id n result server service_ms" {
		t.Errorf("keys %v", keys)
	}
	if good["n"] != 30.0 || good["result"] != "832040" || good["server"] != server.Status().AppID || good["service_ms"].(float64) <= 0 || len(good["correlation_id"].(string)) != 36 {
		t.Errorf("object %v", good)
	}
	if want := `{"n":-1,"error":{"code":"INVALID_ARGUMENT","message":`; !strings.HasPrefix(lines[1], want) {
		t.Errorf("object %s", lines[1])
	}
	servers.untilSaid(t, " [.] fib(30)", 2) // the line may be read after the reply
	if n := servers.said(" [.] fib(30)"); n != 2 {
		t.Errorf("the server told of fib(30) %d times, want 2", n)
	}
}

// A result that could not be written is an error.
func TestCallOntoFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if os.IsNotExist(err) {
		t.Skip("no /dev/full")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	newServerPool(t, node.URL(), queue, pool.Config{}).start(t)
	cmd := exec.Command(bin.rpcscope, "call", "--url", node.URL(), "--queue", queue, "1")
	cmd.Stdout = full
	cmd.Run() //nolint:errcheck // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != cli.FellShort {
		t.Errorf("exit code %d", code)
	}
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestCallFailures(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	missing := brokertest.QueueName(t)
	unserved := brokertest.QueueName(t)
	conn, err := amqp.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(unserved, false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}

	// The call fails at once: the deadline is longer than the test's.
	rpcscope(t, node.URL(), "call", "--queue", missing, "--timeout=1h", "30").want(t, cli.FellShort, " [x] Requesting fib(30)\n", "unroutable", missing)
	rpcscope(t, node.URL(), "call", "--queue", unserved, "--timeout=100ms", "30").want(t, cli.FellShort, " [x] Requesting fib(30)\n", "timeout")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	o := rpcscope(t, "amqp://guest:hunter2@"+nobody+"/", "call", "30")
	o.want(t, cli.NoBroker, "", "refused", nobody)
	if strings.Count(o.stderr, "\n") != 1 {
		t.Errorf("not one line: %q", o.stderr)
	}
	withoutPassword := func(o outcome) {
		t.Helper()
		if strings.Contains(o.stdout+o.stderr, "hunter2") {
			t.Errorf("the password is shown: %q", o.stderr)
		}
	}
	withoutPassword(o)
	wrong := strings.Replace(node.URL(), "guest:guest", "guest:hunter2", 1)
	o = rpcscope(t, wrong, "call", "30")
	o.want(t, cli.NoBroker, "", "user name or password")
	withoutPassword(o)
	for _, garbage := range []string{"amqp://guest:hunter2@[::1", "http://guest:hunter2@localhost/", "amqp://guest:hunter2@localhost:99999/", "amqp://u:hunter2%zz@h/"} {
		o = rpcscope(t, node.URL(), "call", "--url", garbage, "30")
		o.want(t, cli.Usage, "", "AMQP URL")
		withoutPassword(o)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"call"}, {"call", "abc"}, {"call", "--queue=", "1"}, {"call", strings.Repeat("1", 10001)}, {"load", "--queue="}, {"load", "--record="}, {"load", "--record=-"}, {"load", "--servers=1", "--server-flag=--name=x"}, {"load", "--servers=1", "--server-flag=--queue=x"},
		{"load", "--servers=1", "--server-flag=--nonsense"}, {"load", "--servers=1", "--server-flag=nonsense"}, {"load", "--servers=1", "--server-flag=--prefetch=-1"},
		{"load", "--servers=1", "--server-flag=--fault=nonsense"}, {"load", "--servers=1", "--server-flag=--help"}, {"load", "--servers=1", "--server-flag=--log-format=x"},
		{"load", "--servers=1", "--server-flag=--url=x"}, {"scale", "--server-flag=--nonsense"}, {"tour", "--check", "--server-flag=--nonsense"}, {"demo", "--server-flag=--nonsense"},
		{"load", "--url=amqp:guest:pw@host"}, {"call", "1.5"}, {"call", ""}, {"call", "--timeout=0s", "1"}, {"call", "--timeout", "-5s", "1"}, {"call", "--nonsense", "1"},
		{"nonsense"}, {"load", "extra"}, {"load", "-n", "0"}, {"load", "-n", "-3"}, {"load", "-c", "0"}, {"load", "-c", "1000000000"},
		{"load", "--rate", "-1"}, {"load", "--rate", "NaN"}, {"load", "--rate", "0"}, {"load", "--rate", "+Inf"}, {"load", "--duration", "-1s"}, {"load", "--fib", "x"}, {"load", "--fib", "35-20"},
		{"load", "--fib", "-1"}, {"load", "--fib", "1-2-3"}, {"load", "--fib", "99999999999999999999"}, {"load", "--timeout", "0s"}, {"load", "--warmup", "-1s"},
		{"load", "--servers", "-1"}, {"load", "--servers", "100000"}, {"load", "--server-flag=--quiet"}, {"load", "--max-failed", "-1"}, {"load", "--seed", "x"},
		{"load", "--tls-ca", "/nonexistent/ca.pem"}, {"load", "--tls-cert", "only-one.pem"},
	} {
		// Nobody listens there: the flags are checked before the broker is dialed.
		o := rpcscope(t, "amqp://127.0.0.1:1/", args...)
		if o.code != cli.Usage || o.stdout != "" || !strings.HasPrefix(o.stderr, "rpcscope: ") {
			t.Errorf("rpcscope %q: exit code %d, stdout %q, stderr %q", args, o.code, o.stdout, o.stderr)
		}
	}
	if o := rpcscope(t, "", "--help"); o.code != cli.OK || !strings.Contains(o.stdout, "load") {
		t.Errorf("--help: %+v", o)
	}
}

func TestArguments(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"call 30", "call 30"},
		{"call -5", "call -- -5"},
		{"call 30 -5 4", "call -- 30 -5 4"},
		{"call -5 --queue q 4", "call --queue q -- -5 4"},
		{"call -5 --queue 12 4", "call --queue 12 -- -5 4"},
		{"call --queue -7 4", "call --queue -7 -- 4"},
		{"call -5 --json 4", "call --json -- -5 4"},
		{"call --timeout=1s -- -5", "call --timeout=1s -- -5"},
		{"call -3 -- -5", "call -- -3 -5"},
		{"load -n 5", "load -n 5"},
		{"", ""},
	} {
		if got := strings.Join(arguments(strings.Fields(c.in)), " "); got != c.out {
			t.Errorf("arguments(%q) = %q, want %q", c.in, got, c.out)
		}
	}
}

// Ctrl+C ends a call with one line on stderr.
func TestCallInterrupted(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	for _, format := range [][]string{nil, {"--json"}} {
		queue := brokertest.QueueName(t)
		servers := newServerPool(t, node.URL(), queue, pool.Config{})
		server := servers.start(t, "--delay=1h")
		cmd := exec.Command(bin.rpcscope, append([]string{"call", "--url", node.URL(), "--queue", queue, "--timeout=1h", "35", "36"}, format...)...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
		servers.untilSaid(t, "fib(35)", 1)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() //nolint:errcheck // the exit code says it
		want := " [x] Requesting fib(35)\n"
		if format != nil {
			want = `{"n":35,"error":{"code":"canceled","message":"interrupted"}}` + "\n"
		}
		o := outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
		o.want(t, cli.Interrupted, want, "rpcscope: fib(35): canceled: interrupted\n")
		if strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("not one line: %q", o.stderr)
		}
		if err := servers.Kill(server.Name()); err != nil { // an orderly stop would finish the call
			t.Error(err)
		}
	}
}
