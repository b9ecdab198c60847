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

// parent is a program with a pool of two, one of them deaf, that waits to be killed.
func parent() {
	p := New(Config{Command: []string{os.Args[0]}, Env: []string{"POOL_TEST=server"}})
	for _, args := range [][]string{{"ready", "wait"}, {"deaf", "ready", "wait"}} {
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

func TestKillOfTheParentKillsTheServers(t *testing.T) {
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
	if len(pids) != 2 || !there(pids[0]) || !there(pids[1]) {
		t.Errorf("servers: %v", pids)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, pid := range pids {
		untilGone(pid)
	}
}

// What a server has started is killed when it ends, and does not hold up the pool.
func TestGrandchildren(t *testing.T) {
	for _, end := range []string{"stop", "kill", "crash"} {
		t.Run(end, func(t *testing.T) {
			p, e := newTestPool(t, Config{})
			args := []string{"spawn", "ready"}
			if end == "crash" {
				args = append(args, "die")
			} else {
				args = append(args, "wait")
			}
			s := start(t, p, args...)
			var err error
			switch end {
			case "stop":
				err = p.Stop(t.Context(), s.Name())
			case "kill":
				err = p.Kill(s.Name())
			}
			if err != nil {
				t.Error(err)
			}
			<-e.exits
			for line := range strings.Lines(e.all()) {
				if pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "fib-1 child "))); err == nil {
					untilGone(pid)
					return
				}
			}
			t.Errorf("no child in %q", e.all())
		})
	}
}

func TestProcessGroupOfItsOwn(t *testing.T) {
	p, _ := newTestPool(t, Config{})
	pid := start(t, p, "ready", "wait").Status().PID
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process %d is in group %d, %v", pid, group, err)
	}
}

func there(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// untilGone waits until a process is gone, or a zombie of somebody else's. The
// test's own deadline ends it.
func untilGone(pid int) {
	for there(pid) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "Z") {
			return
		}
		runtime.Gosched()
	}
}
