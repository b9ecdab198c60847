package brokertest_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
)

// absentVariable makes TestMain call Absent with its value.
const absentVariable = "BROKERTEST_ABSENT"

func TestMain(m *testing.M) {
	if need := os.Getenv(absentVariable); need != "" {
		os.Exit(brokertest.Absent(need, errors.New("there is none")))
	}
	os.Exit(brokertest.Main(m))
}

// TestSubject is run by the tests below, in another process.
func TestSubject(t *testing.T) {
	open(t, brokertest.Shared(t).URL())
}

// runItself runs this test binary, without an installed RabbitMQ.
func runItself(t *testing.T, env []string, args ...string) (code int, output string) {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "RABBITMQ_HOME="+t.TempDir(), "RPCSCOPE_TEST_BROKER=", "RPCSCOPE_TEST_REQUIRE=", "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestBrokerOfTheRun(t *testing.T) {
	const local = "broker: " + broker.Product + " " + broker.Version + "\n"
	b, err := broker.Start(broker.Config{}) // stands for a RabbitMQ that is running
	must(t, err)
	defer b.Close()
	for name, c := range map[string]struct {
		env  []string
		run  string
		code int
		want []string
	}{
		"default":     {nil, "Subject$", 0, []string{local, "PASS: TestSubject"}},
		"in-process":  {[]string{"RPCSCOPE_TEST_BROKER=in-process"}, "Subject$", 0, []string{local, "PASS: TestSubject"}},
		"URL":         {[]string{"RPCSCOPE_TEST_BROKER=" + b.URL()}, "Subject$", 0, []string{b.URL() + "\n", "PASS: TestSubject"}},
		"no own node": {[]string{"RPCSCOPE_TEST_BROKER=" + b.URL()}, "^TestOwn$", 0, []string{"SKIP: TestOwn", "needs a node of its own: RabbitMQ is not installed"}},
		"no own node, required": {[]string{"RPCSCOPE_TEST_BROKER=" + b.URL(), "RPCSCOPE_TEST_REQUIRE=rabbitmq"}, "^TestOwn$", 1,
			[]string{"FAIL: TestOwn", "RabbitMQ is not installed"}},
		"no RabbitMQ to ask": {nil, "^TestCtl$", 0, []string{"SKIP: TestCtl", "needs RabbitMQ: run it with RPCSCOPE_TEST_BROKER=rabbitmq"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := runItself(t, c.env, "-test.v", "-test.run="+c.run)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("no %q in:\n%s", w, out)
				}
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	for _, c := range []struct {
		need, required string
		code           int
	}{{"rabbitmq", "", 0}, {"python", "rabbitmq", 0}, {"python", "rabbitmq, python", 1}} {
		code, out := runItself(t, []string{absentVariable + "=" + c.need, "RPCSCOPE_TEST_REQUIRE=" + c.required})
		marked := strings.Contains(out, "\ntesting: warning: no tests to run\n") // the line that `go test` looks for
		if code != c.code || !strings.Contains(out, "there is none") || marked != (c.code == 0) {
			t.Errorf("%s is absent, %q required: exit code %d, output %q", c.need, c.required, code, out)
		}
	}
}

// With an invalid environment no test runs, and the error does not show a password.
func TestInvalidEnvironment(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	unused := l.Addr().String()
	must(t, l.Close())
	const invalid = `RPCSCOPE_TEST_BROKER: it must be "in-process", "rabbitmq" or amqp://guest:guest@HOST:PORT/`
	for _, c := range []struct{ variable, want string }{
		{"RPCSCOPE_TEST_REQUIRE=rabitmq", `RPCSCOPE_TEST_REQUIRE has "rabitmq"`},
		{"RPCSCOPE_TEST_BROKER=rabbitmq", "RabbitMQ is not installed"},
		{"RPCSCOPE_TEST_BROKER=x", invalid},
		{"RPCSCOPE_TEST_BROKER=amqp://guest:hunter2@[::1", invalid},
		{"RPCSCOPE_TEST_BROKER=amqp://prod:hunter2@" + unused, invalid},
		{"RPCSCOPE_TEST_BROKER=amqp://guest:guest@" + unused, `RPCSCOPE_TEST_BROKER: no broker to test on at "` + unused + `"`},
	} {
		code, out := runItself(t, []string{c.variable}, "-test.run=Subject$", "-test.v")
		if code != 1 || !strings.Contains(out, c.want) || strings.Contains(out, "RUN") || strings.Contains(out, "hunter2") {
			t.Errorf("%s: exit code %d, output:\n%s", c.variable, code, out)
		}
	}
}
