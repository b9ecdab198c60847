package pool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// parent is a program with two servers, one of which ignores SIGTERM, that waits to be killed.
func parent() {
	p := New(Config{Command: []string{os.Args[0]}, Env: []string{"POOL_TEST=server"}})
	for _, args := range [][]string{{"ready", "wait"}, {"ignore-term", "ready", "wait"}} {
		s, err := p.Start(context.Background(), args...)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Status().PID)
	}
	fmt.Println("up")
	select {}
}

func TestServersDieWithTheProgram(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "POOL_TEST=parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Error(lines.Text())
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 || !exists(pids[0]) || !exists(pids[1]) {
		t.Errorf("servers: %v", pids)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, pid := range pids {
		waitGone(pid)
	}
}

// Kill also kills the children of a server.
func TestKillChildren(t *testing.T) {
	p, e := newTestPool(t, Config{})
	s := start(t, p, "spawn", "ready", "wait")
	if err := p.Kill(s.Name()); err != nil {
		t.Error(err)
	}
	<-e.exits
	for line := range strings.Lines(e.all()) {
		if pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "fib-1 child "))); err == nil {
			waitGone(pid)
			return
		}
	}
	t.Errorf("no child in %q", e.all())
}

// A child that holds the output of a server open does not hold up the pool.
func TestChildOutlivesServer(t *testing.T) {
	p, e := newTestPool(t, Config{})
	s := start(t, p, "spawn", "ready", "wait")
	if err := p.Stop(t.Context(), s.Name()); err != nil {
		t.Error(err)
	}
	<-e.exits
	for line := range strings.Lines(e.all()) {
		if pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "fib-1 child "))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			waitGone(pid)
		}
	}
}

func TestProcessGroup(t *testing.T) {
	p, _ := newTestPool(t, Config{})
	pid := start(t, p, "ready", "wait").Status().PID
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process %d is in group %d, %v", pid, group, err)
	}
}

func exists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// waitGone waits until a process is gone, or a zombie that another process has to reap. The
// test's deadline bounds it.
func waitGone(pid int) {
	for exists(pid) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "Z") {
			return
		}
		runtime.Gosched()
	}
}
