//go:build linux || darwin

package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/amqprpc/ledger"
)

// serve answers the requests of a queue with what fib(5) is, in this process.
func serve(t testing.TB, url, queue string, served *atomic.Int64) {
	t.Helper()
	ready := make(chan struct{}, 1)
	s := &amqprpc.Server{
		Broker: amqprpc.Broker{URLs: []string{url}, Name: "echo"}, Queue: queue, QueueType: amqprpc.QueueClassic, Prefetch: 256,
		Handler: func(context.Context, *amqprpc.Request) (amqprpc.Response, error) {
			served.Add(1)
			return amqprpc.Response{Body: []byte("5")}, nil
		},
		Serving: func(amqprpc.ConnectionInfo) { ready <- struct{}{} },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}

// onTerminal starts rpcscope on a terminal that nobody looks at yet. CI keeps it from
// asking the terminal what nobody would answer.
func onTerminal(t testing.TB, url string, args ...string) (*exec.Cmd, *os.File) {
	t.Helper()
	cmd := exec.Command(bin.rpcscope, args...)
	cmd.Env = append(os.Environ(), "AMQP_URL="+url, "TERM=xterm-256color", "CI=1")
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 120, Rows: 40})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		master.Close()
		cmd.Process.Kill() //nolint:errcheck // it has ended, mostly
		cmd.Wait()         //nolint:errcheck // its state says it all
	})
	return cmd, master
}

// Calls go on at full speed where the terminal takes nothing of what is drawn.
func TestScreenStalled(t *testing.T) {
	node := rabbitmq.Shared(t)
	queue := rabbitmq.QueueName(t)
	var served atomic.Int64
	serve(t, node.URL(), queue, &served)
	cmd, master := onTerminal(t, node.URL(), "--queue", queue, "--fib", "5")

	deadline := time.Now().Add(patience)
	until := func(n int64) {
		t.Helper()
		for served.Load() < n {
			if time.Now().After(deadline) {
				t.Fatalf("%d calls, not %d, while the terminal stands still", served.Load(), n)
			}
			time.Sleep(time.Millisecond)
		}
	}
	waiting := func() int {
		t.Helper()
		n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// The terminal is full when nothing is added to it for as long as several pictures
	// would take.
	last, since := 0, time.Now()
	for time.Since(since) < time.Second {
		if n := waiting(); n != last || n == 0 {
			last, since = n, time.Now()
		}
		until(served.Load() + 100)
	}
	until(served.Load() + 5_000)
	if n := waiting(); n != last {
		t.Errorf("the terminal took %d bytes more: it did not stand still", n-last)
	}

	// It comes back to life, and ends.
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // EIO when the other side closes
		read <- string(b)
	}()
	if _, err := io.WriteString(master, "q"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if s := <-read; !strings.Contains(s, "calls completed") {
		t.Errorf("no summary in %.300q", s)
	}
}

// What the screen costs: the throughput of the same calls with it and without it, in
// turns, on the same node and the same server.
func BenchmarkScreenAgainstLoad(b *testing.B) {
	node := rabbitmq.Shared(b)
	queue := rabbitmq.QueueName(b)
	var served atomic.Int64
	serve(b, node.URL(), queue, &served)
	const duration, rounds = 4 * time.Second, 7
	summed := regexp.MustCompile(`calls completed\s+(?:\x1b\[[\d;]*m)*([\d,.]+)/s`)
	throughput := func(screen bool) float64 {
		if !screen {
			o := rpcscope(b, node.URL(), "load", "--queue", queue, "--fib", "5", "--duration", duration.String(), "--json")
			var s ledger.Summary
			if err := json.Unmarshal([]byte(o.stdout), &s); err != nil {
				b.Fatalf("%v: %+v", err, o)
			}
			return s.Throughput
		}
		cmd, master := onTerminal(b, node.URL(), "--queue", queue, "--fib", "5")
		read := make(chan string)
		go func() {
			all, _ := io.ReadAll(master)
			read <- string(all)
		}()
		time.AfterFunc(duration, func() { io.WriteString(master, "q") }) //nolint:errcheck // seen below
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		found := summed.FindStringSubmatch(strings.ReplaceAll(<-read, "\x1b[0m", ""))
		if found == nil {
			b.Fatal("no throughput in the summary")
		}
		x, err := strconv.ParseFloat(strings.ReplaceAll(found[1], ",", ""), 64)
		if err != nil {
			b.Fatal(err)
		}
		return x
	}
	median := func(x []float64) float64 {
		slices.Sort(x)
		return x[len(x)/2]
	}
	for b.Loop() {
		var with, without []float64
		for range rounds {
			without = append(without, throughput(false))
			with = append(with, throughput(true))
		}
		b.ReportMetric(median(without), "load/s")
		b.ReportMetric(median(with), "screen/s")
		b.ReportMetric(median(with)/median(without), "ratio")
	}
}
