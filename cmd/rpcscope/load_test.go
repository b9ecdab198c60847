package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
)

func TestLoadKeysAreTheContract(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n", "50", "-c", "8", "--fib", "5-15", "--servers", "2", "--json")
	if o.code != cli.OK || o.stderr != "" {
		t.Fatalf("exit code %d, stderr %q", o.code, o.stderr)
	}
	s := o.summary(t)
	if s.Calls.Sent != 50 || s.Calls.Completed != 50 || s.Broker.Product != node.Product() || s.Broker.Version != node.Version() {
		t.Errorf("summary %+v", s)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
		t.Fatal(err)
	}
	const contract = `{"calls":{"sent":0,"completed":0,"failed":0,"in_flight":0},
		"failures":{"timeout":0,"canceled":0,"unroutable":0,"rejected":0,"expired":0,"remote":0,"connection_lost":0,"closed":0},
		"replies":{"received":0,"answers":0,"duplicates":0,"late":0,"unknown":0},
		"throughput_per_s":0.0,"elapsed_s":0.0,
		"response_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},
		"service_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},
		"servers":[{"name":"fib-1","replies":0,"share":0.0}],
		"broker":{"product":"RabbitMQ","version":"4.2.1"},
		"config":{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}}`
	var want map[string]any
	if err := json.Unmarshal([]byte(contract), &want); err != nil {
		t.Fatal(err)
	}
	if g, w := shape(got), shape(want); !reflect.DeepEqual(g, w) {
		t.Errorf("shape %v, want %v", g, w)
	}
}

// shape returns a JSON value with its leaves replaced by their types, and arrays by their first element.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, inner := range v {
			m[k] = shape(inner)
		}
		return m
	case []any:
		if len(v) == 0 {
			return "empty"
		}
		return []any{shape(v[0])}
	}
	return fmt.Sprintf("%T", v)
}

func TestLoadWithFaultyServer(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	servers := newServerPool(t, node.URL(), queue, pool.Config{Args: []string{"--quiet", "--prefetch=32", "--workers=4"}})
	servers.start(t)
	servers.start(t, "--fault=duplicate=0.05,unknown=0.03", "--seed=7")
	const calls = 20_000
	o := rpcscope(t, node.URL(), "load", "--queue", queue, "-n", fmt.Sprint(calls), "-c", "64", "--fib", "0-15", "--timeout=30s", "--json")
	s := o.summary(t)
	if o.code != cli.OK || s.Calls.Sent != calls || s.Calls.Completed != calls {
		t.Errorf("exit code %d, stderr %q, calls %+v", o.code, o.stderr, s.Calls)
	}
	if s.Replies.Duplicates == 0 || s.Replies.Unknown == 0 || s.Replies.Late != 0 {
		t.Errorf("replies %+v", s.Replies)
	}
	if len(s.Servers) != 2 || s.Servers[0].Replies+s.Servers[1].Replies != s.Replies.Received {
		t.Errorf("servers %+v of %+v", s.Servers, s.Replies)
	}
}

func TestLoadWhileServersCrash(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	const calls = 3000
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n", fmt.Sprint(calls), "-c", "32", "--fib", "0-15", "--timeout=50s", "--json",
		"--servers=2", "--server-flag=--fault=crash-before-ack=0.003", "--server-flag=--prefetch=8")
	s := o.summary(t)
	if o.code != cli.OK || s.Calls.Completed != calls {
		t.Errorf("exit code %d, stderr %q, summary %+v", o.code, o.stderr, s)
	}
	if s.Replies.Duplicates == 0 || s.Replies.Unknown != 0 || s.Replies.Late != 0 {
		t.Errorf("replies %+v", s.Replies)
	}
	if !strings.Contains(o.stderr, "died") {
		t.Errorf("stderr %q does not tell of the deaths", o.stderr)
	}
}

func TestLoadFallsShort(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	servers := newServerPool(t, node.URL(), queue, pool.Config{})
	servers.start(t, "--fault=error=1", "--quiet")
	args := []string{"load", "--queue", queue, "-n", "20", "-c", "4", "--fib=1", "--json"}
	o := rpcscope(t, node.URL(), args...)
	if s := o.summary(t); o.code != cli.FellShort || s.Failures.Remote != 20 {
		t.Errorf("exit code %d, %+v", o.code, s)
	}
	if o := rpcscope(t, node.URL(), append(args, "--max-failed=19")...); o.code != cli.FellShort {
		t.Errorf("20 failed of at most 19: exit code %d", o.code)
	}
	if o := rpcscope(t, node.URL(), append(args, "--max-failed=20")...); o.code != cli.OK {
		t.Errorf("20 failed of at most 20: exit code %d", o.code)
	}
	if o := rpcscope(t, "amqp://127.0.0.1:1/", "load"); o.code != cli.NoBroker || o.stdout != "" {
		t.Errorf("no broker: %+v", o)
	}
	o = rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "--servers=1", "--server-flag=--url=amqp://127.0.0.1:1/")
	if o.code != cli.FellShort || !strings.Contains(o.stderr, "connection refused") {
		t.Errorf("servers that cannot start: %+v", o)
	}
}

func TestLoadTextSummary(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n", "200", "-c", "8", "--fib", "5", "--servers", "1", "--warmup", "200ms")
	if o.code != cli.OK || o.stderr != "" {
		t.Errorf("exit code %d, stderr %q", o.code, o.stderr)
	}
	for _, s := range []string{"200", "p99", "fib-1", node.Product()} {
		if !strings.Contains(o.stdout, s) {
			t.Errorf("the summary has no %q:\n%s", s, o.stdout)
		}
	}
	if strings.ContainsRune(o.stdout, '\x1b') {
		t.Errorf("escape sequences, and stdout is not a terminal:\n%q", o.stdout)
	}
}

func TestLoadRecordingReplaysToTheSameSummary(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	file := filepath.Join(t.TempDir(), "run.ndjson")
	args := []string{"load", "--queue", brokertest.QueueName(t), "-n", "300", "-c", "8", "--fib", "5-10", "--servers", "1",
		"--server-flag=--fault=duplicate=0.2,unknown=0.1", "--warmup=100ms", "--timeout=30s", "--json", "--record", file}
	o := rpcscope(t, node.URL(), args...)
	live := o.summary(t)
	if o.code != cli.OK || live.Replies.Duplicates == 0 {
		t.Fatalf("exit code %d, stderr %q, %+v", o.code, o.stderr, live.Replies)
	}
	if replayed := replayed(t, file); !reflect.DeepEqual(replayed, live) {
		t.Errorf("replayed %+v\nlive     %+v", replayed, live)
	}
}

// A run that never begins neither overwrites an older recording nor leaves a new one.
func TestRecordingOfNothing(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	file := filepath.Join(t.TempDir(), "old.ndjson")
	if o := rpcscope(t, node.URL(), "load", "--queue", queue, "-n=20", "--fib=3", "--servers=1", "--record", file); o.code != cli.OK {
		t.Fatalf("%+v", o)
	}
	before, err := os.ReadFile(file)
	if err != nil || bytes.Count(before, []byte("\n")) < 60 {
		t.Fatalf("%d bytes recorded, %v", len(before), err)
	}
	fresh := filepath.Join(t.TempDir(), "new.ndjson")
	for _, path := range []string{file, fresh} {
		if o := rpcscope(t, "amqp://127.0.0.1:1/", "load", "--overwrite", "--record", path); o.code != cli.NoBroker {
			t.Errorf("no broker: %+v", o)
		}
		if o := rpcscope(t, node.URL(), "load", "--queue", queue, "--servers=1", "--server-flag=--url=amqp://127.0.0.1:1/", "--overwrite", "--record", path); o.code != cli.FellShort {
			t.Errorf("no servers: %+v", o)
		}
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(after, before) {
		t.Errorf("the old recording had %d bytes and has %d", len(before), len(after))
	}
	if left, _ := filepath.Glob(fresh + "*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An open load that did not start all calls exits with 1. One that was late says so.
func TestLoadTooFast(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Shared(t)
	args := []string{"load", "--queue", brokertest.QueueName(t), "--rate=1000", "-c=1", "--fib=1", "--servers=1", "--server-flag=--delay=100ms"}
	tooLong := append(args, "--duration=500ms")
	o := rpcscope(t, node.URL(), append(tooLong, "--json")...)
	if s := o.summary(t); o.code != cli.FellShort || s.Calls.Failed != 0 || !strings.Contains(o.stderr, "not started") {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s)
	}
	if o := rpcscope(t, node.URL(), tooLong...); strings.Contains(o.stdout, "✓") || !strings.Contains(o.stdout, "not started") {
		t.Errorf("the summary:\n%s", o.stdout)
	}
	o = rpcscope(t, node.URL(), append(args, "-n=10")...)
	if o.code != cli.OK || strings.Contains(o.stdout, "✓") || !strings.Contains(o.stdout, "slower than 1,000/s") || !strings.Contains(o.stdout, "began instead of 1,000/s") {
		t.Errorf("exit code %d, the summary:\n%s", o.code, o.stdout)
	}
}

func TestLoadInterrupted(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	servers := newServerPool(t, node.URL(), queue, pool.Config{})
	servers.start(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin.rpcscope, "load", "--url", node.URL(), "--queue", queue, "--duration=1h", "-c", "4", "--fib=5", "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
	servers.untilSaid(t, "fib(5)", 100)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // the exit code says it
	o := outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String()}
	if s := o.summary(t); o.code != cli.Interrupted || s.Calls.Completed == 0 || s.Calls.InFlight != 0 {
		t.Errorf("exit code %d, %+v", o.code, s)
	}
}

func TestFibserverDrains(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin.fibserver, "--url", node.URL(), "--queue", brokertest.QueueName(t), "--log-format=json")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != " [x] Awaiting RPC requests\n" {
		t.Errorf("it says %q, %v", line, err)
	}
	cmd.Process.Signal(os.Interrupt) //nolint:errcheck // the exit code says it
	cmd.Wait()                       //nolint:errcheck // likewise
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, line := range strings.Split(strings.TrimSpace(stderr.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line %q is not JSON", line)
		}
	}
}

func TestFibserverUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"extra"}, {"--prefetch=-1"}, {"--prefetch=70000"}, {"--workers=0"}, {"--max-n=-1"}, {"--max-n=1000000"}, {"--delay=-1s"}, {"--queue-type=x"},
		{"--algorithm=x"}, {"--fault=x=1"}, {"--fault=drop=2"}, {"--fault=drop=NaN"}, {"--log-format=xml"}, {"--queue="}, {"--name=" + strings.Repeat("x", 300)}, {"--url=amqp://:hunter2@[/"},
	} {
		cmd := exec.Command(bin.fibserver, append([]string{"--url=amqp://127.0.0.1:1/"}, args...)...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != cli.Usage || strings.Contains(string(out), "hunter2") {
			t.Errorf("fibserver %q: exit code %d, %s", args, code, out)
		}
	}
	out, _ := exec.Command(bin.fibserver, "--url=amqp://127.0.0.1:1/").CombinedOutput()
	if n := strings.Count(string(out), "\n"); n != 1 {
		t.Errorf("no broker: %d lines: %s", n, out)
	}
}
