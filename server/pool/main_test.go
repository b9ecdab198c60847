package pool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the server: with POOL_TEST set it executes its arguments in order.
func TestMain(m *testing.M) {
	switch os.Getenv("POOL_TEST") {
	case "server":
		serve(os.Args[1:])
	case "parent":
		parent()
	default:
		goleak.VerifyTestMain(m)
	}
}

func serve(args []string) {
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM, os.Interrupt)
	for _, arg := range args {
		verb, value, _ := strings.Cut(arg, ":")
		switch verb {
		case "print":
			fmt.Println(value)
		case "complain":
			fmt.Fprintln(os.Stderr, value)
		case "env":
			fmt.Println(value + "=" + os.Getenv(value))
		case "args":
			fmt.Println(strings.Join(args, " "))
		case "flood": // megabytes without an end of line, on both streams
			block := strings.Repeat("x", 1<<20)
			for range 4 {
				fmt.Print(block)
				fmt.Fprint(os.Stderr, block)
			}
			fmt.Println()
		case "lines":
			n, _ := strconv.Atoi(value)
			w := bufio.NewWriter(os.Stdout)
			for i := range n {
				fmt.Fprintln(w, i)
			}
			w.Flush()
		case "ready":
			fmt.Println(" [x] Awaiting RPC requests. To exit press CTRL+C")
		case "ignore-term":
			signal.Ignore(syscall.SIGTERM, os.Interrupt)
		case "once": // execute the rest the first time only
			if _, err := os.Stat(value); err == nil {
				serve([]string{"ready", "wait"})
			}
			_ = os.WriteFile(value, nil, 0o600)
		case "exit":
			n, _ := strconv.Atoi(value)
			os.Exit(n)
		case "die":
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		case "spawn": // a child with the same output that ignores SIGTERM
			cmd := exec.Command(os.Args[0], "print:"+strconv.Itoa(os.Getpid()), "ignore-term", "wait")
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if cmd.Start() == nil {
				fmt.Println("child", cmd.Process.Pid)
			}
		case "work":
			d, _ := time.ParseDuration(value)
			work(d)
		case "wait":
			<-terms
			fmt.Println("draining")
			os.Exit(0)
		}
	}
}

// events collects the callbacks of a pool.
type events struct {
	mu    sync.Mutex
	lines []string
	exits chan Status
}

func (e *events) output(server, line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, server+" "+line)
}

func (e *events) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.lines, "\n")
}

func newTestPool(t *testing.T, c Config) (*Pool, *events) {
	t.Helper()
	e := &events{exits: make(chan Status, 100)}
	if c.Command == nil {
		c.Command = []string{os.Args[0]}
	}
	// The race detector keeps a program for a second at its exit.
	c.Env = append(c.Env, "POOL_TEST=server", "GORACE=atexit_sleep_ms=0")
	if c.Output == nil {
		c.Output = e.output
	}
	c.OnExit = func(s Status) { e.exits <- s }
	p := New(c)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p, e
}

func start(t *testing.T, p *Pool, args ...string) *Process {
	t.Helper()
	s, err := p.Start(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func expect(t *testing.T, s Status, name string, state State, reason string) {
	t.Helper()
	if s.Name != name || s.State != state || !strings.Contains(s.Reason, reason) || s.PID == 0 || s.Started.IsZero() || s.Ended.IsZero() != state.Alive() {
		t.Errorf("got %+v, want %s %v %q", s, name, state, reason)
	}
}

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the test says so"))
	return ctx
}

// absent returns the name of a file that does not exist.
func absent(t *testing.T) string { return filepath.Join(t.TempDir(), "absent") }
