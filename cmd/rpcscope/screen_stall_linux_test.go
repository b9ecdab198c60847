package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"rpcscope/amqprpc/broker/brokertest"
)

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

// waiting is how many bytes the program has written and nobody has read.
func waiting(t testing.TB, master *os.File) int {
	t.Helper()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// untilFull waits until the terminal is full: until nothing is added to it for as long as
// several pictures would take. It returns how many bytes are in it.
func untilFull(t testing.TB, master *os.File, meanwhile func()) int {
	t.Helper()
	last, since, deadline := 0, time.Now(), time.Now().Add(patience)
	for time.Since(since) < time.Second {
		if n := waiting(t, master); n != last || n == 0 {
			last, since = n, time.Now()
		}
		if time.Now().After(deadline) {
			t.Fatal("the terminal does not fill")
		}
		meanwhile()
	}
	return last
}

// Calls go on at full speed where the terminal takes nothing of what is drawn.
func TestScreenStalled(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	var served atomic.Int64
	serve(t, node.URL(), queue, &served)
	cmd, master := onTerminal(t, node.URL(), "--queue", queue, "--fib", "5", "--paused=false")

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
	last := untilFull(t, master, func() { until(served.Load() + 100) })
	until(served.Load() + 5_000)
	if n := waiting(t, master); n != last {
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

// One SIGTERM ends the program and its servers where the terminal takes nothing.
func TestScreenStalledTerminated(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cmd, master := onTerminal(t, node.URL(), "--queue", brokertest.QueueName(t), "--fib", "5", "--servers", "1", calm)
	server := 0
	untilFull(t, master, func() {
		if server == 0 {
			server = serverOf(t, cmd.Process.Pid)
		}
		time.Sleep(10 * time.Millisecond)
	})
	if server == 0 {
		t.Fatal("no server runs")
	}
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // its state says it all
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	if err := unix.Kill(server, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("its server is still there: %v", err)
	}
}

// serverOf returns the process ID of a server that this process has started, 0 if there is none.
func serverOf(t testing.TB, parent int) int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(out)) {
		f := strings.Fields(row)
		if len(f) > 3 && f[1] == strconv.Itoa(parent) && f[3] == "fibserver" {
			pid, err := strconv.Atoi(f[0])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

// What the screen costs: the throughput of the same calls with it and without it, in
// turns, on the same node and the same server. Both run on a terminal of their own, since
// Linux shares the CPUs out among sessions (autogroup), and the terminal is a process of
// its own, since this one is the server.
func BenchmarkScreenAgainstLoad(b *testing.B) {
	node := brokertest.Shared(b)
	queue := brokertest.QueueName(b)
	var served atomic.Int64
	serve(b, node.URL(), queue, &served)
	const duration, rounds = 4 * time.Second, 7
	throughput := func(args ...string) float64 {
		cmd, master := onTerminal(b, node.URL(), append(args, "--queue", queue, "--fib", "5")...)
		shown, err := os.Create(filepath.Join(b.TempDir(), "shown"))
		if err != nil {
			b.Fatal(err)
		}
		defer shown.Close()
		terminal := exec.Command("cat")
		terminal.Stdin, terminal.Stdout = master, shown
		if err := terminal.Start(); err != nil {
			b.Fatal(err)
		}
		if args[0] != "load" {
			time.AfterFunc(duration, func() { io.WriteString(master, "q") }) //nolint:errcheck // seen below
		}
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		terminal.Wait() //nolint:errcheck // it ends with EIO
		all, err := os.ReadFile(shown.Name())
		if err != nil {
			b.Fatal(err)
		}
		found := regexp.MustCompile(`calls completed\s+([\d,.]+)/s`).FindStringSubmatch(ansi.Strip(string(all)))
		if found == nil {
			b.Fatalf("no throughput in the summary: %.300q", all)
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
			without = append(without, throughput("load", "--duration", duration.String()))
			with = append(with, throughput("--paused=false"))
		}
		b.ReportMetric(median(without), "load/s")
		b.ReportMetric(median(with), "screen/s")
		b.ReportMetric(median(with)/median(without), "ratio")
	}
}
