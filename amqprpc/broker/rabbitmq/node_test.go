//go:build unix

package rabbitmq

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// helperMode is an environment variable that makes the test binary start a node, print its processes and wait to be killed. The
// value "stdin" sets byStdin.
const helperMode = "RABBITMQ_TEST_HELPER"

func init() {
	mode := os.Getenv(helperMode)
	if mode == "" {
		return
	}
	byStdin = byStdin || mode == "stdin"
	n, err := Start(context.Background(), Config{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(n.PID(), n.site.epmd.pid(), n.site.dir)
	select {}
}

// within bounds a test.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open connects and opens a channel.
func open(t *testing.T, url string) (*amqp.Connection, *amqp.Channel) {
	t.Helper()
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
	must(t, err)
	t.Cleanup(func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) })
	ch, err := conn.Channel()
	must(t, err)
	return conn, ch
}

// A mutedConn can be made to send nothing. If the broker has gone, an answer to its connection.close would cause a reset, and the
// client might return that instead of the reason.
type mutedConn struct {
	net.Conn
	muted atomic.Bool
}

func (c *mutedConn) Write(p []byte) (int, error) {
	if c.muted.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// put publishes and waits for the confirm.
func put(ctx context.Context, t *testing.T, ch *amqp.Channel, queue, body string) {
	t.Helper()
	must(t, ch.Confirm(false))
	c, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	must(t, err)
	if ok, err := c.WaitContext(ctx); err != nil || !ok {
		t.Fatalf("publish: confirmed %v, %v", ok, err)
	}
}

func get(t *testing.T, ch *amqp.Channel, queue, want string) {
	t.Helper()
	d, ok, err := ch.Get(queue, true)
	must(t, err)
	if !ok || string(d.Body) != want {
		t.Fatalf("got %q, %v from %s, want %q", d.Body, ok, queue, want)
	}
}

// gone polls until a process that is no child has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 1500 {
		if !exists(pid) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d still exists", pid)
}

// exists reports whether a process exists and is no zombie.
func exists(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n := Own(t, Config{})
	url, pid := n.URL(), n.PID()
	if !strings.HasPrefix(url, "amqp://guest:guest@127.0.0.1:") || n.TLSURL() != "" || n.Version() == "unknown" || pid == 0 {
		t.Errorf("url %s, TLS %q, version %s, pid %d", url, n.TLSURL(), n.Version(), pid)
	}
	if err := n.Start(ctx); !errors.Is(err, ErrRunning) {
		t.Errorf("start of a running node: %v", err)
	}
	conn, ch := open(t, url)
	if v := conn.Properties["version"]; v != n.Version() {
		t.Errorf("the server has version %v, Version returns %s", v, n.Version())
	}
	_, err := ch.QueueDeclare("q", true, false, false, false, nil)
	must(t, err)
	put(ctx, t, ch, "q", "first")
	put(ctx, t, ch, "q", "second")
	get(t, ch, "q", "first")

	mc := &mutedConn{}
	conn, err = amqp.DialConfig(url, amqp.Config{Dial: func(network, address string) (net.Conn, error) {
		var err error
		mc.Conn, err = amqp.DefaultDial(5*time.Second)(network, address)
		return mc, err
	}})
	must(t, err)
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	mc.muted.Store(true)
	must(t, n.Stop(ctx))
	must(t, n.Stop(ctx)) // does nothing
	if e := <-closed; e == nil || e.Code != amqp.ConnectionForced {
		t.Errorf("an orderly stop closes connections with %v", e)
	}
	if n.Running() || n.PID() != 0 || exists(pid) {
		t.Error("the stopped node still exists")
	}
	if err := n.Freeze(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("freeze of a stopped node: %v", err)
	}
	must(t, n.Start(ctx))
	if n.URL() != url || n.PID() == pid || n.PID() == 0 {
		t.Errorf("restarted: %s, pid %d", n.URL(), n.PID())
	}
	_, ch = open(t, url)
	get(t, ch, "q", "second")

	// Confirmed messages survive Kill.
	put(ctx, t, ch, "q", "third")
	n.Kill()
	n.Kill() // does nothing
	if n.Running() {
		t.Error("the killed node is running")
	}
	must(t, n.Start(ctx))
	_, ch = open(t, url)
	get(t, ch, "q", "third")
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n := Own(t, Config{})
	_, ch := open(t, n.URL())
	_, err := ch.QueueDeclare("q", false, true, false, false, nil)
	must(t, err)

	must(t, n.Freeze())
	if !n.Running() {
		t.Error("a frozen node is running")
	}
	answer := make(chan error, 1)
	go func() {
		_, err := ch.QueueDeclarePassive("q", false, true, false, false, nil)
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Fatalf("a frozen node answered: %v", err)
	case <-time.After(300 * time.Millisecond): // there is no event to wait for
	}
	must(t, n.Thaw())
	select {
	case err := <-answer:
		must(t, err)
	case <-ctx.Done():
		t.Fatal("a thawed node does not answer")
	}

	must(t, n.Freeze())
	must(t, n.Stop(ctx)) // thaws it
}

func TestCtl(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n, queue := Own(t, Config{}), "listed"
	conn, ch := open(t, n.URL())
	_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
	must(t, err)
	out, err := n.Ctl(ctx, "list_queues", "name", "--no-table-headers")
	must(t, err)
	if !strings.Contains(out, queue) {
		t.Errorf("list_queues: %q", out)
	}
	if _, err := n.Ctl(ctx, "change_password", "nobody", "secret"); err == nil || !strings.Contains(err.Error(), "no_such_user") &&
		!strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a failed command: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := n.Ctl(short, "list_queues"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command after its deadline: %v", err)
	}
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 4))
	must(t, n.RaiseMemoryAlarm(ctx))
	must(t, ch.PublishWithContext(ctx, "", "nowhere", false, false, amqp.Publishing{}))
	if b := <-blocked; !b.Active {
		t.Errorf("after RaiseMemoryAlarm: %+v", b)
	}
	must(t, n.ClearMemoryAlarm(ctx))
	if b := <-blocked; b.Active {
		t.Errorf("after ClearMemoryAlarm: %+v", b)
	}
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	must(t, n.CloseConnections(ctx, "for a test"))
	if e := <-closed; e == nil || e.Code != amqp.ConnectionForced || !strings.Contains(e.Reason, "for a test") {
		t.Errorf("connections closed with %v", e)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n, err := Start(ctx, Config{})
	must(t, err)
	pid, epmd, dir := n.PID(), n.site.epmd.pid(), n.site.dir
	if !exists(pid) || !exists(epmd) {
		t.Fatal("no processes")
	}
	must(t, n.Freeze())
	must(t, n.Close())
	must(t, n.Close())
	gone(t, pid)
	gone(t, epmd)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
	if err := n.Start(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
	if err := n.Stop(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("stop after close: %v", err)
	}
	if _, err := n.Ctl(ctx, "status"); !errors.Is(err, ErrClosed) {
		t.Errorf("rabbitmqctl after close: %v", err)
	}
	n.Kill()
}

// If the port mapper has ended, because a test was killed, rabbitmqctl does not start another one.
func TestNoOtherPortMapper(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	n := Own(t, Config{})
	n.site.epmd.kill()
	short, cancel := context.WithTimeout(ctx, 3*time.Second) // it would wait forever
	defer cancel()
	if out, err := n.Ctl(short, "status"); err == nil {
		t.Errorf("rabbitmqctl worked without a port mapper: %s", out)
	}
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", n.site.epmdPort))
	if err != nil {
		t.Fatalf("there is another port mapper: %v", err)
	}
	l.Close()
}

func TestCloseDuringStart(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n, err := Start(ctx, Config{})
	must(t, err)
	n.Kill()
	started := make(chan error)
	go func() { started <- n.Start(ctx) }()
	for len(n.starting) == 0 && ctx.Err() == nil { // until it has begun
		time.Sleep(time.Millisecond)
	}
	must(t, n.Close())
	if err := <-started; !errors.Is(err, ErrClosed) {
		t.Errorf("an interrupted start: %v", err)
	}
	if n.Running() {
		t.Error("the closed node is running")
	}
}

// If the parent is killed, no process is left.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"signal", "stdin"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ctx := within(t, 5*time.Minute)
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), helperMode+"="+mode)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			line, _ := bufio.NewReader(out).ReadString('\n')
			var pid, epmd int
			var dir string
			if _, err := fmt.Sscan(line, &pid, &epmd, &dir); err != nil {
				t.Fatalf("the helper printed %q", line)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if !exists(pid) || !exists(epmd) {
				t.Fatal("no processes")
			}
			must(t, cmd.Process.Kill())
			_ = cmd.Wait() // returns that it was killed
			gone(t, pid)
			gone(t, epmd)
			for _, p := range using(dir) {
				gone(t, p)
			}
		})
	}
}

// using returns the processes whose $HOME is dir or below it, on Linux.
func using(dir string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		var pid int
		if env, err := os.ReadFile(f); err == nil && strings.Contains("\x00"+string(env), "\x00HOME="+dir) {
			_, _ = fmt.Sscanf(f, "/proc/%d/environ", &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestCluster(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	c, err := StartCluster(ctx, 3, Config{})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	urls := c.URLs()
	_, ch := open(t, urls[0])
	_, err = ch.QueueDeclare("q", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	must(t, err)
	put(ctx, t, ch, "q", "hello")
	_, ch = open(t, urls[2])
	q, err := ch.QueueDeclarePassive("q", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	must(t, err)
	if q.Name != "q" {
		t.Errorf("on node 3: %+v", q)
	}
	members, err := c.Nodes()[1].Ctl(ctx, "list_queues", "name", "members", "--no-table-headers")
	must(t, err)
	for _, n := range c.Nodes() {
		if !strings.Contains(members, n.Name()) {
			t.Errorf("%s is no member: %s", n.Name(), members)
		}
	}
	// Two of three nodes are enough. The first leads the queue, so killing it would cause an election.
	second := c.Nodes()[1]
	second.Kill()
	get(t, ch, "q", "hello")
	must(t, second.Start(ctx))
	_, ch = open(t, urls[1])
	put(ctx, t, ch, "q", "again")
}
