package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
)

// patience bounds everything that a test waits for.
const patience = time.Minute

// bin is where our own programs are built. They are built once, by [ours].
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if err := lookForPython(); err != nil {
		return brokertest.Absent(brokertest.NeedPython, err)
	}
	var err error
	if bin, err = os.MkdirTemp("", "rpcscope-interop-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	return brokertest.Main(m)
}

// ours is the command line of one of our programs.
func ours(t testing.TB, program string) []string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	return []string{filepath.Join(bin, program)}
}

var build = sync.OnceValue(func() error {
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	if raceDetected() {
		args = append(args, "-race")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append(args, "rpcscope/cmd/fibserver", "rpcscope/cmd/rpcscope")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
})

// raceDetected says whether this test binary has the race detector, so that the
// programs have it too.
func raceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// environment is what all processes get. A race ends a program of ours at once; and
// the race detector would hold it up for a second at its end.
func environment(url string) []string {
	return append(os.Environ(), "AMQP_URL="+url, races)
}

const races = "GORACE=halt_on_error=1 atexit_sleep_ms=0"

// interpreter is Debian's own: another Python on the PATH does not have its packages.
const interpreter = "/usr/bin/python3"

// theirs is the command line of a Python program in testdata.
func theirs(t testing.TB, program string) []string {
	t.Helper()
	return append(isolated(), filepath.Join("testdata", program+".py"))
}

// isolated runs Python without anything from the user's own environment, without
// buffers, and without leaving files behind.
func isolated() []string { return []string{interpreter, "-I", "-u", "-B"} }

// lookForPython says what these tests miss of it.
func lookForPython() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append(isolated()[1:], "-c", "from pika import BlockingConnection; from aio_pika import connect")
	if out, err := exec.CommandContext(ctx, interpreter, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("these tests need pika and aio-pika for %s (Debian: apt-get install -y python3-pika python3-aio-pika): %w\n%s", interpreter, err, out)
	}
	return nil
}

// outcome is how a process ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs a program to its end.
func run(t testing.TB, url string, command []string, args ...string) outcome {
	t.Helper()
	return runWith(t, url, nil, command, args...)
}

func runWith(t testing.TB, url string, stdin []byte, command []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], args...)...)
	cmd.Env = environment(url)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("%s does not end; stdout %.2000q, stderr %.2000q", command, stdout.String(), stderr.String())
	case err != nil && !errors.As(err, &exit):
		t.Fatalf("%s: %v", command, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// succeed runs a program that must end with status 0 and say nothing on stderr. It
// returns its stdout.
func succeed(t testing.TB, url string, command []string, args ...string) string {
	t.Helper()
	got := run(t, url, command, args...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%s %.200q: exit code %d, stdout %.2000q, stderr:\n%.4000s", command, args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}
