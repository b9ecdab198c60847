package main

import (
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

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
	"rpcscope/tui/report"
)

// rows decodes the array of scale --json, and checks its keys.
func (o outcome) rows(t *testing.T) []report.ScaleRow {
	t.Helper()
	var got, want any
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil || strings.Count(strings.TrimSpace(o.stdout), "\n") != 0 {
		t.Fatalf("%v; exit code %d, stdout %q, stderr %q", err, o.code, o.stdout, o.stderr)
	}
	const contract = `[{"servers":1,"throughput_per_s":0.0,"speedup":1.0,"p50_ms":0.0,"p99_ms":0.0}]`
	if err := json.Unmarshal([]byte(contract), &want); err != nil {
		t.Fatal(err)
	}
	if g, w := shape(got), shape(want); !reflect.DeepEqual(g, w) {
		t.Errorf("shape %v, want %v", g, w)
	}
	var rows []report.ScaleRow
	if err := json.Unmarshal([]byte(o.stdout), &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// One server needs at least 12 * 200 ms and two of them half of that. They would have to lose a second to fail this test.
func TestScaleOfWorkThatSleeps(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "scale", "--queue", brokertest.QueueName(t), "--servers=1,2", "-n=12", "--warmup=0s", "--fib=5", "--server-flag=--delay=200ms", "--json")
	if o.code != cli.OK || o.stderr != "" { // no notice of cores
		t.Fatalf("exit code %d, stderr %q", o.code, o.stderr)
	}
	rows := o.rows(t)
	if len(rows) != 2 || rows[0].Servers != 1 || rows[0].Speedup != 1 || rows[1].Servers != 2 {
		t.Fatalf("rows %+v", rows)
	}
	if rows[0].Throughput <= 0 || rows[0].Throughput > 5 || rows[0].P50 < 200 || rows[0].P99 < rows[0].P50 {
		t.Errorf("one server sleeps 200 ms for each call: %+v", rows[0])
	}
	if rows[1].Speedup <= 1 || rows[1].Speedup != rows[1].Throughput/rows[0].Throughput {
		t.Errorf("with another server: %+v after %+v", rows[1], rows[0])
	}
}

func TestScaleTable(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "scale", "--queue", brokertest.QueueName(t), "--servers=2,1", "-n=50", "--warmup=10ms", "--fib=5-10")
	if o.code != cli.OK || o.stderr != "" {
		t.Errorf("exit code %d, stderr %q", o.code, o.stderr)
	}
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "speed-up") || !strings.HasPrefix(strings.TrimSpace(lines[1]), "2 ") || !strings.Contains(lines[1], "1.00x") ||
		!strings.HasPrefix(strings.TrimSpace(lines[2]), "1 ") || strings.ContainsRune(o.stdout, '\x1b') {
		t.Errorf("it prints\n%s", o.stdout)
	}
}

func TestScaleFallsShort(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	args := []string{"scale", "--queue", queue, "--servers=1,2", "-n=20", "--warmup=0s", "--fib=1", "--server-flag=--fault=error=1", "--json"}
	o := rpcscope(t, node.URL(), append(args, "--max-failed=19")...)
	if rows := o.rows(t); o.code != cli.FellShort || len(rows) != 2 || rows[1].Throughput != 0 || rows[1].Speedup != 0 {
		t.Errorf("20 failed of at most 19: exit code %d, %+v", o.code, rows)
	}
	if !strings.Contains(o.stderr, "20 failed") {
		t.Errorf("stderr %q does not say why", o.stderr)
	}
	if o := rpcscope(t, node.URL(), append(args, "--max-failed=20")...); o.code != cli.OK {
		t.Errorf("20 failed of at most 20, in each run: exit code %d", o.code)
	}
	others := newServerPool(t, node.URL(), queue, pool.Config{})
	others.start(t)
	o = rpcscope(t, node.URL(), args...)
	if o.code != cli.FellShort || o.stdout != "" || !strings.Contains(o.stderr, queue) {
		t.Errorf("with somebody else's server: %+v", o)
	}
	if o := rpcscope(t, "amqp://127.0.0.1:1/", "scale"); o.code != cli.NoBroker || o.stdout != "" {
		t.Errorf("no broker: %+v", o)
	}
}

func TestScaleUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"extra"}, {"--rate=5"}, {"--servers="}, {"--servers=0"}, {"--servers=1,257"}, {"--servers=x"}, {"-c=3"}, {"-c=0"}, {"-n=0"}, {"--duration=0s"}, {"--warmup=-1s"},
		{"--fib=x"}, {"--record="}, {"--record=x", "--servers=2,2"}, {"--record=."}, {"--server-flag=--name=x"},
	} {
		if o := rpcscope(t, "amqp://127.0.0.1:1/", append([]string{"scale"}, args...)...); o.code != cli.Usage || o.stdout != "" || o.stderr == "" {
			t.Errorf("%q: %+v", args, o)
		}
	}
}

// Each run has its own recording, with the numbers of its row. A run that never began has none.
func TestScaleRecord(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "run.of.two.ndjson")
	o := rpcscope(t, node.URL(), "scale", "--queue", brokertest.QueueName(t), "--servers=1,2", "-n=20", "--warmup=0s", "--fib=5", "--json", "--record", path)
	if o.code != cli.OK {
		t.Fatalf("%+v", o)
	}
	for i, row := range o.rows(t) {
		replay := rpcscope(t, "", "replay", "--json", filepath.Join(folder, fmt.Sprintf("run.of.two-%d.ndjson", i+1)))
		s := replay.summary(t)
		if replay.code != cli.OK || s.Calls.Completed != 20 || s.Throughput != row.Throughput || len(s.Servers) != row.Servers {
			t.Errorf("%+v is recorded as %+v", row, s)
		}
	}
	if o := rpcscope(t, "amqp://127.0.0.1:1/", "scale", "--record", filepath.Join(folder, "none.ndjson")); o.code != cli.NoBroker {
		t.Errorf("%+v", o)
	}
	if all, err := os.ReadDir(folder); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "mine-2.txt"), []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	o = rpcscope(t, node.URL(), "scale", "--record", filepath.Join(folder, "mine.txt"))
	if all, err := os.ReadDir(folder); o.code != cli.Usage || !strings.Contains(o.stderr, "mine-2.txt") || err != nil || len(all) != 3 {
		t.Errorf("%+v; %v, %v", o, all, err)
	}
}

// A run that was interrupted has no row.
func TestScaleInterrupted(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	cmd := exec.CommandContext(t.Context(), bin.rpcscope, "scale", "--url", node.URL(), "--queue", queue, "--warmup=0s", "--duration=1h", "--fib=1", "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
	untilConsumed(t, node.URL(), queue)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != cli.Interrupted || stdout.Len() != 0 {
		t.Errorf("exit code %d, stdout %q", code, stdout.String())
	}
}

// untilConsumed waits until a queue has a consumer.
func untilConsumed(t *testing.T, url, queue string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		stats, err := client.QueueStats(ctx, queue)
		if err == nil && stats.Consumers > 0 {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("nobody consumes from %s: %v", queue, err)
		}
	}
}
