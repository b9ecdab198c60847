package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/report"
)

// bin holds the paths of the commands, which are tested as processes.
var bin struct {
	folder              string
	rpcscope, fibserver string
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if signal.Ignored(syscall.SIGHUP) { // nohup; a child does not inherit a handler, so it gets the default
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	folder, err := os.MkdirTemp("", "rpcscope-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	build := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "rpcscope/cmd/rpcscope", "rpcscope/cmd/fibserver")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	bin.folder = folder
	bin.rpcscope = filepath.Join(folder, "rpcscope"+suffix)
	bin.fibserver = filepath.Join(folder, "fibserver"+suffix)
	return brokertest.Main(m)
}

// patience bounds every wait.
const patience = 2 * time.Minute

type outcome struct {
	code           int
	stdout, stderr string
}

// rpcscope runs the program to its end. url is the value of AMQP_URL.
func rpcscope(t testing.TB, url string, args ...string) outcome {
	t.Helper()
	return rpcscopeIn(t, []string{"AMQP_URL=" + url}, args...)
}

// rpcscopeIn runs the program to its end. env is added to the environment.
func rpcscopeIn(t testing.TB, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin.rpcscope, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s does not end; stdout %q, stderr %q", cmd, stdout.String(), stderr.String())
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (o outcome) want(t testing.TB, code int, stdout string, stderr ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d; stderr %q", o.code, code, o.stderr)
	}
	if o.stdout != stdout {
		t.Errorf("stdout %q, want %q", o.stdout, stdout)
	}
	for _, s := range stderr {
		if !strings.Contains(o.stderr, s) {
			t.Errorf("stderr %q has no %q", o.stderr, s)
		}
	}
	if len(stderr) == 0 && o.stderr != "" {
		t.Errorf("stderr %q", o.stderr)
	}
}

// summary decodes the object of load --json.
func (o outcome) summary(t testing.TB) report.RunSummary {
	t.Helper()
	var s report.RunSummary
	d := json.NewDecoder(strings.NewReader(o.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatalf("%v; exit code %d, stdout %q, stderr %q", err, o.code, o.stdout, o.stderr)
	}
	if strings.Count(strings.TrimSpace(o.stdout), "\n") != 0 {
		t.Errorf("more than one line: %q", o.stdout)
	}
	f := s.Failures
	failed := f.Timeout + f.Canceled + f.Unroutable + f.Rejected + f.Expired + f.Remote + f.ConnectionLost + f.Closed
	if s.Calls.Failed != failed {
		t.Errorf("failed %d is not the sum of %+v", s.Calls.Failed, f)
	}
	if s.Calls.Sent != s.Calls.Completed+s.Calls.Failed+s.Calls.InFlight {
		t.Errorf("sent is not completed + failed + in flight: %+v", s.Calls)
	}
	r := s.Replies
	if r.Received != r.Answers+r.Duplicates+r.Late+r.Unknown || r.Answers != s.Calls.Completed+f.Remote {
		t.Errorf("replies %+v do not go with calls %+v, %+v", r, s.Calls, f)
	}
	return s
}

// replayed returns the summary of a recording.
func replayed(t testing.TB, path string) report.RunSummary {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	books := ledger.New(ledger.Config{})
	header, _, err := ledger.Replay(f, books)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := report.ConfigOf(header)
	if err != nil {
		t.Fatal(err)
	}
	s := books.Snapshot(ledger.Query{})
	return report.Summarize(&s, cfg)
}

// serverPool is a pool of fibservers on one queue.
type serverPool struct {
	*pool.Pool
	mu    sync.Mutex
	more  *sync.Cond
	lines []string
}

func newServerPool(t testing.TB, url, queue string, cfg pool.Config) *serverPool {
	t.Helper()
	f := &serverPool{}
	f.more = sync.NewCond(&f.mu)
	cfg.Command = []string{bin.fibserver}
	cfg.URL = url
	cfg.Args = append([]string{"--queue=" + queue}, cfg.Args...)
	cfg.Output = func(server, line string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.lines = append(f.lines, line)
		f.more.Broadcast()
	}
	f.Pool = pool.New(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *serverPool) start(t testing.TB, args ...string) *pool.Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := f.Start(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// said counts the lines of output that contain s.
func (f *serverPool) said(s string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(s)
}

// untilSaid waits until so many lines of output contain s.
func (f *serverPool) untilSaid(t testing.TB, s string, n int) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		late = true
		f.more.Broadcast()
	})
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.count(s) < n {
		if late {
			t.Fatalf("the servers said %q %d times, not %d", s, f.count(s), n)
		}
		f.more.Wait()
	}
}

func (f *serverPool) count(s string) int {
	n := 0
	for _, line := range f.lines {
		if strings.Contains(line, s) {
			n++
		}
	}
	return n
}
