package lab_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

var fibserver string // the binary

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "lab-test-")
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
	return brokertest.Main(m)
}

// waitLimit bounds each wait of a test.
const waitLimit = time.Minute

// config returns a lab on the test's own queue that is paused and calls fib(5).
func config(t testing.TB, node brokertest.Node) lab.Config {
	return lab.Config{
		Broker:  amqprpc.ConnConfig{URLs: []string{node.URL()}},
		Backoff: amqprpc.Backoff{First: 10 * time.Millisecond, Max: 100 * time.Millisecond},
		Queue:   brokertest.QueueName(t), Concurrency: 4, Fib: "5", Timeout: 30 * time.Second, Seed: 1, Paused: true,
		Pool: pool.Config{Command: []string{fibserver}}, ServerSeed: 42,
	}
}

// open opens a lab, closes it with the test, and checks that nothing is left.
func open(t testing.TB, cfg lab.Config) *lab.Lab {
	t.Helper()
	brokertest.NoLeaks(t)
	l, err := lab.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeLab(t, l)
		if err := l.Snapshot(lab.Query{}).Err; err != nil {
			t.Errorf("%+v", err)
		}
	})
	return l
}

func closeLab(t testing.TB, l *lab.Lab) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
	snap := l.Snapshot(lab.Query{})
	for _, s := range snap.Pool {
		if s.State.Alive() {
			t.Errorf("%s outlives the lab: %+v", s.Name, s)
		}
	}
	if err := snap.Ledger.Broken(); err != nil {
		t.Error(err)
	}
}

// everything is a query for all rows.
func everything() lab.Query {
	const all = 1000
	return lab.Query{Notes: all, Ledger: ledger.Query{
		Now: time.Now(), InFlight: all, Completed: all, Failed: all, Duplicates: all, Orphans: all,
		Seconds: 10, Bars: 10, Connection: 10,
	}}
}

// until polls until the condition holds.
func until(t testing.TB, l *lab.Lab, condition string, holds func(lab.Snapshot) bool) lab.Snapshot {
	t.Helper()
	late := time.After(waitLimit)
	turn := time.NewTicker(5 * time.Millisecond)
	defer turn.Stop()
	for {
		snap := l.Snapshot(everything())
		if holds(snap) {
			return snap
		}
		select {
		case <-turn.C:
		case <-late:
			t.Fatalf("never: %s; notes:\n%s\nqueue %+v\nload %+v\npool %+v\ncalls %+v, replies %+v", condition,
				texts(snap.Notes), snap.Queue, snap.Load, snap.Pool, snap.Ledger.Calls, snap.Ledger.Replies)
		}
	}
}

func texts(notes []lab.Note) string {
	var b strings.Builder
	for _, n := range notes {
		fmt.Fprintf(&b, "%d %d %s\n", n.Seq, n.Level, n.Text)
	}
	return b.String()
}

// noted returns a condition: there is a note with all these parts in this order.
func noted(parts ...string) func(lab.Snapshot) bool {
	return func(snap lab.Snapshot) bool {
		for _, n := range snap.Notes {
			if inOrder(n.Text, parts) {
				return true
			}
		}
		return false
	}
}

func inOrder(text string, parts []string) bool {
	for _, p := range parts {
		_, after, ok := strings.Cut(text, p)
		if !ok {
			return false
		}
		text = after
	}
	return true
}

func untilNoted(t testing.TB, l *lab.Lab, parts ...string) lab.Snapshot {
	t.Helper()
	return until(t, l, fmt.Sprintf("a note %q", parts), noted(parts...))
}

// count returns the number of notes with all these parts.
func count(snap lab.Snapshot, parts ...string) int {
	n := 0
	for _, note := range snap.Notes {
		if inOrder(note.Text, parts) {
			n++
		}
	}
	return n
}

func start(t testing.TB, l *lab.Lab) string {
	t.Helper()
	name, err := l.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve answers the queue with a handler until the test ends.
func serve(t testing.TB, node brokertest.Node, queue string, handler amqprpc.Handler) {
	t.Helper()
	serving := make(chan struct{})
	s := &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{node.URL()}, Name: "test"}, Queue: queue, Handler: handler, Prefetch: 64,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		s.Shutdown(context.Background()) //nolint:errcheck // Serve returns the error
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-serving:
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
}

// declare declares a queue.
func declare(t testing.TB, node brokertest.Node, queue string) {
	t.Helper()
	conn, err := amqp.Dial(node.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	_, err = ch.QueueDeclare(queue, true, false, false, false, nil)
	must(t, err)
}
