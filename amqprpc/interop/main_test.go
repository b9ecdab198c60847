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
	"slices"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
)

// testTimeout bounds each wait of a test.
const testTimeout = time.Minute

// bin is the folder of our own programs. ours builds them.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if brokertest.Short() {
		return brokertest.NoTests(brokertest.ErrShort)
	}
	for _, l := range languages {
		if l.missing = l.check(); l.missing == nil {
			continue
		}
		switch {
		case l.need == brokertest.NeedPython: // most tests need it
			return brokertest.Absent(l.need, l.missing)
		case brokertest.Requires(l.need):
			fmt.Fprintln(os.Stderr, "required, and missing:", l.missing)
			return 1
		}
		fmt.Printf("interop: not with %s: needs %s\n", l.need, l.install)
	}
	var err error
	if bin, err = os.MkdirTemp("", "rpcscope-interop-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	return brokertest.Main(m)
}

// ours returns the command line of one of our programs.
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

// raceDetected reports whether this test binary was built with the race detector.
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

// environment returns the environment of all processes. A race ends our programs at once. Without atexit_sleep_ms the race detector
// would delay their end by a second.
func environment(url string) []string {
	return append(os.Environ(), "AMQP_URL="+url, races)
}

const races = "GORACE=halt_on_error=1 atexit_sleep_ms=0"

// A language runs the foreign programs of one extension.
type language struct {
	extension string   // of its programs
	need      string   // as in RPCSCOPE_TEST_REQUIRE
	command   []string // runs a program without buffering and without writing files
	probe     string   // a program that succeeds if the libraries are installed
	install   string
	missing   error // why its programs cannot be run
}

// languages use Debian's interpreters, since others on the PATH do not have its packages. Python runs without the user's own
// environment.
var languages = []*language{
	{extension: ".py", need: brokertest.NeedPython, command: []string{"/usr/bin/python3", "-I", "-u", "-B"},
		probe:   "from pika import BlockingConnection; from aio_pika import connect",
		install: "pika and aio-pika for Debian's Python: apt-get install -y python3-pika python3-aio-pika"},
	{extension: ".pl", need: brokertest.NeedPerl, command: []string{"/usr/bin/perl"}, probe: "use AnyEvent::RabbitMQ;",
		install: "AnyEvent::RabbitMQ for Debian's Perl: apt-get install -y libanyevent-rabbitmq-perl"},
	{extension: ".rb", need: brokertest.NeedRuby, command: []string{"/usr/bin/ruby"}, probe: `require "bunny"`,
		install: "bunny for Debian's Ruby: apt-get install -y ruby-bunny"},
	{extension: ".js", need: brokertest.NeedNode, command: []string{"node"}, probe: `require("amqplib")`,
		install: "amqplib for Node.js: npm install --prefix FOLDER amqplib, with NODE_PATH=FOLDER/node_modules"},
}

// check returns an error if the language's libraries are missing.
func (l *language) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	file, err := os.CreateTemp("", "rpcscope-interop-*"+l.extension)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(l.probe)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, l.command[0], append(l.command[1:], file.Name())...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s (%w)\n%s", l.install, err, out)
	}
	return nil
}

// theirs returns the command line of a foreign program in testdata. It skips the test if the language is missing.
func theirs(t testing.TB, program string) []string {
	t.Helper()
	for _, l := range languages {
		file := filepath.Join("testdata", program+l.extension)
		if _, err := os.Stat(file); err != nil {
			continue
		}
		if l.missing != nil {
			t.Skip("needs", l.install)
		}
		return append(slices.Clip(l.command), file)
	}
	t.Fatalf("there is no program %q in testdata", program)
	return nil
}

// An outcome is the exit code and the output of a process.
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
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
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

// succeed runs a program that must end with status 0 and write nothing to stderr. It returns its stdout.
func succeed(t testing.TB, url string, command []string, args ...string) string {
	t.Helper()
	got := run(t, url, command, args...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%s %.200q: exit code %d, stdout %.2000q, stderr:\n%.4000s", command, args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}
