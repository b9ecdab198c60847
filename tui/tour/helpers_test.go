package tour_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

var fibserver string // the binary

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "tour-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	fibserver = filepath.Join(folder, "fibserver")
	if runtime.GOOS == "windows" {
		fibserver += ".exe"
	}
	build := exec.Command("go", "build", "-o", fibserver, "rpcscope/cmd/fibserver")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	os.Setenv("TMPDIR", folder) //nolint:errcheck // the name is valid
	code := brokertest.Main(m)
	if left, _ := filepath.Glob(filepath.Join(folder, "rpcscope-tour-*")); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "files of scenarios are left: %q\n", left)
		return 1
	}
	return code
}

// waitLimit bounds each wait of a test.
const waitLimit = time.Minute

func config(node brokertest.Node) tour.Config {
	return tour.Config{
		Broker:  amqprpc.ConnConfig{URLs: []string{node.URL()}},
		Backoff: amqprpc.Backoff{First: 10 * time.Millisecond, Max: 100 * time.Millisecond},
		Pool:    pool.Config{Command: []string{fibserver}},
	}
}

func scenario(t testing.TB, number int) *tour.Scenario {
	t.Helper()
	some, err := tour.Only(number)
	if err != nil {
		t.Fatal(err)
	}
	return some[0]
}

// play plays a scenario to its end, and checks that nothing is left of it.
func play(t testing.TB, ctx context.Context, node brokertest.Node, s *tour.Scenario, intercept func(tour.Lab) tour.Lab) tour.Result {
	t.Helper()
	return playPaced(t, ctx, node, s, 0, intercept, nil)
}

// playPaced is play at a pace. It calls inspect with the lab at the end.
func playPaced(t testing.TB, ctx context.Context, node brokertest.Node, s *tour.Scenario, pace float64, intercept func(tour.Lab) tour.Lab, inspect func(*lab.Lab)) tour.Result {
	t.Helper()
	cfg := config(node)
	cfg.Intercept, cfg.Pace = intercept, pace
	session, err := tour.Open(t.Context(), s, cfg)
	if err != nil {
		t.Fatal(err)
	}
	result := session.Play(ctx)
	if steps := session.Steps(); result.Err == nil && (len(steps) < 2 || slices.ContainsFunc(steps, func(s tour.Step) bool { return s.Text == "" || s.Phase != tour.Done })) {
		t.Errorf("steps: %+v", steps)
	}
	if inspect != nil {
		inspect(session.Lab)
	}
	closeSession(t, node, session)
	return result
}

func closeSession(t testing.TB, node brokertest.Node, session *tour.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	if err := session.Close(ctx); err != nil {
		t.Error(err)
	}
	for _, s := range session.Lab.Snapshot(lab.Query{}).Pool {
		if s.State.Alive() {
			t.Errorf("%s outlives its scenario: %+v", s.Name, s)
		}
	}
	gone(t, node, session.Lab.RunConfig().Queue)
}

// gone fails the test if a queue exists.
func gone(t testing.TB, node brokertest.Node, queue string) {
	t.Helper()
	conn, err := amqp.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	var refused *amqp.Error
	if _, err := ch.QueueDeclarePassive(queue, false, false, false, false, nil); !errors.As(err, &refused) || refused.Code != amqp.NotFound {
		t.Errorf("the queue %s is left: %v", queue, err)
	}
}
