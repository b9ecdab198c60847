package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
)

// The first line of a summary, stderr with --json, and the exit code agree: there is a cross if and only if the code is 1.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue, file := brokertest.QueueName(t), filepath.Join(t.TempDir(), "run.ndjson")
	newServerPool(t, node.URL(), queue, pool.Config{}).start(t, "--quiet")
	load := "load --queue " + queue + " -n=20 -c=1 "
	const wrong, mixed = "--body={k} --expect=[^5] ", "--fib=0-1 --body=-{n} --expect=^$ --seed=2 " // fib(5) is 5, fib(10) is 55; -1 is an error, -0 is 0
	for _, c := range []struct {
		args    string
		code    int
		verdict string
	}{
		{load + wrong, cli.FellShort, "✗ 2 wrong of 20 calls"},
		{load + wrong + "--max-failed=1", cli.FellShort, "✗ 2 wrong of 20 calls, up to 1 allowed"},
		{load + wrong + "--max-failed=2", cli.OK, "! 2 wrong of 20 calls, up to 2 allowed"},
		{load + mixed, cli.FellShort, "✗ 8 failed, 12 wrong of 20 calls"},
		{load + mixed + "--max-failed=19", cli.FellShort, "✗ 8 failed, 12 wrong of 20 calls, up to 19 allowed"},
		{load + mixed + "--max-failed=20 --record=" + file, cli.OK, "! 8 failed, 12 wrong of 20 calls, up to 20 allowed"},
		{load + "--fib=1 --max-failed=3", cli.OK, "✓ 20 calls completed"},
		{"replay " + file, cli.OK, "! 8 failed, 12 wrong of 20 calls"},
	} {
		text, json := c.args, c.args+" --json"
		if strings.HasPrefix(c.args, "replay") {
			text += " --summary"
		}
		o := rpcscope(t, node.URL(), strings.Fields(text)...)
		if !strings.HasPrefix(o.stdout, c.verdict+"  ") || o.code != c.code {
			t.Errorf("%s: exit code %d, %.100q; want %d, %q", text, o.code, o.stdout, c.code, c.verdict)
		}
		o = rpcscope(t, node.URL(), strings.Fields(strings.Replace(json, "--record", "--overwrite --record", 1))...)
		if o.code != c.code {
			t.Errorf("%s: exit code %d, want %d", json, o.code, c.code)
		}
		_, verdict, _ := strings.Cut(c.verdict, " ")
		quiet := strings.HasPrefix(c.verdict, "✓") || strings.HasPrefix(c.args, "replay")
		if quiet && o.stderr != "" || !quiet && !strings.Contains(o.stderr, "rpcscope: "+verdict+"\n") {
			t.Errorf("%s: stderr %q", json, o.stderr)
		}
	}

	recorded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "cut.ndjson")
	if err := os.WriteFile(damaged, recorded[:len(recorded)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	o := rpcscope(t, "", "replay", "--summary", damaged)
	if o.code != cli.FellShort || !strings.HasPrefix(o.stdout, "✗ the recording is damaged: ") {
		t.Errorf("a damaged recording: %+v", o)
	}

	own := brokertest.QueueName(t)
	scale := []string{"scale", "--queue", own, "--servers=1", "-n=20", "--warmup=0s", "--fib=1", "--server-flag=--fault=error=1"}
	for limit, code := range map[string]int{"--max-failed=19": cli.FellShort, "--max-failed=20": cli.OK} {
		o := rpcscope(t, node.URL(), append(scale, limit)...)
		if o.code != code || strings.Contains(o.stdout, "✗ 20") != (code == cli.FellShort) || !strings.Contains(o.stderr, "1 server: 20 failed of 20 calls") {
			t.Errorf("scale %s: %+v", limit, o)
		}
	}
}

// The summary of a load that was interrupted in its warm-up says so.
func TestInterruptedInWarmUp(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	for _, format := range []string{"", "--json"} {
		queue := brokertest.QueueName(t)
		servers := newServerPool(t, node.URL(), queue, pool.Config{})
		servers.start(t)
		args := append([]string{"load", "--url", node.URL(), "--queue", queue, "--warmup=1h", "-c=4", "--fib=5"}, strings.Fields(format)...)
		cmd := exec.Command(bin.rpcscope, args...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all is well
		servers.untilSaid(t, "fib(5)", 100)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() //nolint:errcheck // the exit code says it
		said := stdout.String()
		if format != "" {
			said = stderr.String()
		}
		if code := cmd.ProcessState.ExitCode(); code != cli.Interrupted || !strings.Contains(said, "interrupted in the warm-up: nothing was measured\n") || strings.Contains(said, "sent") {
			t.Errorf("load %s: exit code %d, %q, %q", format, code, &stdout, &stderr)
		}
	}
}
