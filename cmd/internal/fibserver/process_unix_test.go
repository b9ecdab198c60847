//go:build unix

package fibserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
)

// patience bounds every wait.
const patience = time.Minute

// program returns the path of fibserver, which is built once and tested as a process.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "rpcscope-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "fibserver")
	args := []string{"build", "-o", program}
	if raceDetected() {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "rpcscope/cmd/fibserver")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	return brokertest.Main(m)
}

// raceDetected reports whether this test binary has the race detector, so that the program is built with it, too.
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

// races makes a race end the program, without a delay at its exit.
const races = "GORACE=halt_on_error=1 atexit_sleep_ms=0"

// A process is a fibserver that writes its log as JSON.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}

	mu     sync.Mutex
	more   *sync.Cond
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// start starts a fibserver and waits until it consumes. It is stopped at the end of the test.
func start(t *testing.T, url, queue string, args ...string) *process {
	t.Helper()
	p := prepare(url, queue, args...)
	p.begin(t)
	return p
}

// prepare returns a fibserver that is not started.
func prepare(url, queue string, args ...string) *process {
	p := &process{exited: make(chan struct{})}
	p.more = sync.NewCond(&p.mu)
	p.cmd = exec.Command(program, append([]string{"--queue", queue, "--log-format=json"}, args...)...)
	p.cmd.Env = append(os.Environ(), "AMQP_URL="+url, races)
	p.cmd.Stdout, p.cmd.Stderr = writer{p, &p.stdout}, writer{p, &p.stderr}
	return p
}

// begin starts it and waits until it consumes.
func (p *process) begin(t *testing.T) {
	t.Helper()
	p.launch(t)
	p.until(t, "the ready line", func() bool { return strings.Contains(p.stdout.String(), "Awaiting RPC requests\n") })
}

// launch starts it.
func (p *process) launch(t *testing.T) {
	t.Helper()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // end returns the exit code
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.exited
		if t.Failed() {
			t.Logf("%s wrote\n%.4000s\n%.8000s", p.cmd, p.stdout.String(), p.stderr.String())
		}
	})
}

type writer struct {
	p  *process
	to *bytes.Buffer
}

func (w writer) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	defer w.p.more.Broadcast()
	return w.to.Write(b)
}

// until waits until a condition on the output holds. It calls it after each write, with the lock held.
func (p *process) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.more.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !holds() {
		if late {
			t.Fatalf("never: %s", what)
		}
		p.more.Wait()
	}
}

// logged waits until n events of this name have been logged.
func (p *process) logged(t *testing.T, event string, n int) {
	t.Helper()
	name := fmt.Sprintf("%q:%q", "msg", event)
	p.until(t, fmt.Sprintf("%d times %q", n, event), func() bool { return strings.Count(p.stderr.String(), name) >= n })
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// end waits until the process has ended and returns its exit code.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// A record is one line of the log.
type record map[string]any

func (r record) event() string { return fmt.Sprint(r["msg"]) }

// number returns an attribute that is a number.
func (r record) number(t *testing.T, key string) int {
	t.Helper()
	n, ok := r[key].(float64)
	if !ok {
		t.Errorf("%s has the %s %v", r.event(), key, r[key])
	}
	return int(n)
}

// records decodes the whole log.
func (p *process) records(t *testing.T) []record {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var records []record
	for line := range strings.Lines(p.stderr.String()) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("the log line %.300q is no JSON object: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// of returns the records of one event.
func of(records []record, event string) []record {
	var some []record
	for _, r := range records {
		if r.event() == event {
			some = append(some, r)
		}
	}
	return some
}

// channel opens a channel of amqp091-go.
func channel(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func send(t *testing.T, ch *amqp.Channel, queue string, p amqp.Publishing) {
	t.Helper()
	if err := ch.PublishWithContext(context.Background(), "", queue, false, false, p); err != nil {
		t.Fatal(err)
	}
}

// replies opens a callback queue and returns its name and its messages.
func replies(t *testing.T, ch *amqp.Channel) (string, <-chan amqp.Delivery) {
	t.Helper()
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	deliveries, err := ch.Consume(q.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Name, deliveries
}

func next(t *testing.T, deliveries <-chan amqp.Delivery) amqp.Delivery {
	t.Helper()
	select {
	case d, ok := <-deliveries:
		if !ok {
			t.Fatal("the channel has closed")
		}
		return d
	case <-time.After(patience):
		t.Fatal("no reply came")
	}
	panic("unreachable")
}
