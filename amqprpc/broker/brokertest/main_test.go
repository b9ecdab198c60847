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

const (
	absentVariable = "BROKERTEST_ABSENT" // makes TestMain say that this is absent
	failVariable   = "BROKERTEST_FAIL"   // makes TestSubject fail on the broker at this URL
)

func TestMain(m *testing.M) {
	if what := os.Getenv(absentVariable); what != "" {
		os.Exit(brokertest.Absent(what, errors.New("there is none")))
	}
	os.Exit(brokertest.Main(m))
}

// TestSubject is what the tests below run, in another process.
func TestSubject(t *testing.T) {
	n := brokertest.Shared(t)
	open(t, n.URL())
	if n.URL() == os.Getenv(failVariable) {
		t.Error("as asked")
	}
}

// itself runs this test binary. Of RabbitMQ there is nothing but what the environment says.
func itself(t *testing.T, env []string, args ...string) (code int, output string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "RABBITMQ_HOME="+t.TempDir(), "AMQP_URL=", "RPCSCOPE_TEST_REQUIRE=", "RPCSCOPE_TEST_BROKERS=",
		"GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// On each broker in turn, and the exit code is the worst.
func TestRunsOnEach(t *testing.T) {
	const first = "broker: " + broker.Product + " " + broker.Version + "\n"
	url := brokertest.Shared(t).URL() // stands for a RabbitMQ
	for name, c := range map[string]struct {
		env  []string
		args string
		code int
		want []string // in this order
		not  []string
	}{
		"both": {[]string{"AMQP_URL=" + url}, "-test.run=Subject$", 0,
			[]string{first, "PASS: TestSubject", "broker: ", "(AMQP_URL, at 127.0.0.1:", "PASS: TestSubject"}, nil},
		"one fails": {[]string{"AMQP_URL=" + url, failVariable + "=" + url}, "-test.run=Subject$", 1,
			[]string{"PASS: TestSubject", "AMQP_URL", "FAIL: TestSubject"}, nil},
		"only those that ask for a broker": {[]string{"AMQP_URL=" + url}, "-test.skip=^TestR|^TestO|^TestM", 0,
			[]string{first, "RUN   TestAbsent", "AMQP_URL", "RUN   TestSubject"}, []string{"FAIL"}},
		"no RabbitMQ": {nil, "-test.run=Subject$", 0, []string{first, "broker: not on RabbitMQ: RabbitMQ is not installed"}, []string{"AMQP_URL, at"}},
		"chosen":      {[]string{"AMQP_URL=" + url, "RPCSCOPE_TEST_BROKERS=rabbitmq"}, "-test.run=Subject$", 0, []string{"AMQP_URL, at"}, []string{first}},
		"benchmarks":  {[]string{"AMQP_URL=" + url}, "-test.bench=.", 0, []string{"AMQP_URL, at"}, []string{first}},
		"a list":      {[]string{"AMQP_URL=nonsense"}, "-test.list=Subject$", 0, []string{"TestSubject\n"}, []string{"broker"}},
		"nothing to start": {[]string{"AMQP_URL=" + url, "RPCSCOPE_TEST_BROKERS=rabbitmq"}, "-test.run=^TestOwn$", 0,
			[]string{"needs a RabbitMQ of its own", "SKIP: TestOwn"}, nil},
		"nothing to start, and required": {[]string{"AMQP_URL=" + url, "RPCSCOPE_TEST_BROKERS=rabbitmq", "RPCSCOPE_TEST_REQUIRE=rabbitmq"}, "-test.run=^TestOwn$", 1,
			[]string{"FAIL: TestOwn"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{c.args, "-test.v"}
			if name == "benchmarks" {
				args = append(args, "-test.run=Subject$")
			}
			code, out := itself(t, c.env, args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			rest := out
			for _, w := range c.want {
				var found bool
				if _, rest, found = strings.Cut(rest, w); !found {
					t.Errorf("no %q, in this order, in:\n%s", w, out)
				}
			}
			for _, n := range c.not {
				if strings.Contains(out, n) {
					t.Errorf("%q is in:\n%s", n, out)
				}
			}
		})
	}
}

// What is absent is said, as `go test` knows it, and is an error where it is required.
func TestAbsent(t *testing.T) {
	for what, c := range map[string]struct {
		required string
		code     int
	}{"rabbitmq": {"", 0}, "python": {"rabbitmq", 0}, "python ": {"rabbitmq, python", 1}} {
		code, out := itself(t, []string{absentVariable + "=" + strings.TrimSpace(what), "RPCSCOPE_TEST_REQUIRE=" + c.required})
		marked := strings.Contains(out, "\ntesting: warning: no tests to run\n") // what `go test` looks for
		if code != c.code || !strings.Contains(out, "there is none") || marked != (c.code == 0) {
			t.Errorf("%s is absent, %q required: exit code %d, output %q", what, c.required, code, out)
		}
	}
}

// What cannot be meant is an error, and no test runs. Passwords are not shown.
func TestRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := l.Addr().String()
	must(t, l.Close())
	for _, c := range []struct{ variables, want string }{
		{"RPCSCOPE_TEST_REQUIRE=rabitmq", `RPCSCOPE_TEST_REQUIRE has "rabitmq"`},
		{"RPCSCOPE_TEST_BROKERS=in-process,x", `RPCSCOPE_TEST_BROKERS has "x"`},
		{"RPCSCOPE_TEST_REQUIRE=rabbitmq", "missing: RabbitMQ is not installed"},
		{"RPCSCOPE_TEST_BROKERS=rabbitmq", "missing: RabbitMQ is not installed"},
		{"RPCSCOPE_TEST_BROKERS=in-process RPCSCOPE_TEST_REQUIRE=rabbitmq", "leaves it out"},
		{"AMQP_URL=amqp://guest:hunter2@[::1", "AMQP_URL: not an AMQP URL"},
		{"AMQP_URL=amqp://guest:guest@" + nobody, "AMQP_URL: no broker to test on at " + nobody},
		{"AMQP_URL=amqp://prod:hunter2@" + nobody, "AMQP_URL: tests run on amqp://guest:guest@HOST:PORT/"},
	} {
		code, out := itself(t, strings.Fields(c.variables), "-test.run=Subject$", "-test.v")
		if code != 1 || !strings.Contains(out, c.want) || strings.Contains(out, "RUN") || strings.Contains(out, "hunter2") {
			t.Errorf("%s: exit code %d, output:\n%s", c.variables, code, out)
		}
	}
}
