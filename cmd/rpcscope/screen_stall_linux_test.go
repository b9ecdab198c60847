package main

import (
	"errors"
	"fmt"
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

// onTerminal starts rpcscope on a terminal whose output is not read. CI keeps Bubble Tea from querying the terminal.
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

// waiting returns the number of bytes that the program has written and nobody has read.
func waiting(t testing.TB, master *os.File) int {
	t.Helper()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// untilFull waits until the terminal is full, that is until nothing was added to it for the time of several frames. It
// returns the number of bytes in it.
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

// Calls go on at full speed if the terminal takes no output.
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

	// The output is read again, and q ends the program.
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

// One SIGTERM ends the program and its servers even if the terminal takes no output.
func TestScreenStalledTerminated(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cmd, master := onTerminal(t, node.URL(), "--queue", brokertest.QueueName(t), "--fib", "5", "--servers", "1", slowServer)
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

// serverOf returns the process ID of a server that was started by this process or by a child of it, 0 if there is none.
func serverOf(t testing.TB, parent int) int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	parents, servers := map[int]int{}, []int{}
	for row := range strings.Lines(string(out)) {
		var pid, ppid int
		var program, command string
		fmt.Sscan(row, &pid, &ppid, &program, &command) //nolint:errcheck // a row may have no command
		parents[pid] = ppid
		if command == "fibserver" {
			servers = append(servers, pid)
		}
	}
	for _, pid := range servers {
		if p := parents[pid]; p == parent || parents[p] == parent {
			return pid
		}
	}
	return 0
}

// BenchmarkScreenAgainstLoad measures the throughput of the same calls with and without the screen, by turns, on the
// same node and server. Both run on a terminal, because Linux shares the CPUs among sessions (autogroup). The terminal
// is a process, because this process is the server.
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
