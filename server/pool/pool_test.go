package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStartStop(t *testing.T) {
	p, e := newTestPool(t, Config{URL: "amqp://u:secret@host/", Args: []string{"args"}, Env: []string{"POOL_EXTRA=more"}})
	s := start(t, p, "env:AMQP_URL", "env:POOL_EXTRA", "ready", "wait")
	if s.Name() != "fib-1" {
		t.Errorf("its name is %q", s.Name())
	}
	expect(t, s.Status(), "fib-1", Running, "")
	if list := p.List(); len(list) != 1 || list[0].PID != s.Status().PID || strings.Join(list[0].Args, " ") != "env:AMQP_URL env:POOL_EXTRA ready wait" {
		t.Errorf("list: %+v", list)
	}
	if err := p.Stop(t.Context(), "fib-1"); err != nil {
		t.Fatal(err)
	}
	expect(t, <-e.exits, "fib-1", Stopped, "exit status 0")
	expect(t, s.Status(), "fib-1", Stopped, "exit status 0")
	want := "fib-1 args env:AMQP_URL env:POOL_EXTRA ready wait --name fib-1" + nameSuffix() + "\n" +
		"fib-1 AMQP_URL=amqp://u:secret@host/\nfib-1 POOL_EXTRA=more\n" +
		"fib-1  [x] Awaiting RPC requests. To exit press CTRL+C\nfib-1 draining"
	if got := e.all(); got != want {
		t.Errorf("output:\n%s\nwant:\n%s", got, want)
	}
	if err := p.Stop(t.Context(), "fib-1"); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if err := p.Kill("fib-1"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("kill after stop: %v", err)
	}
	if err := p.Remove("fib-1"); err != nil || len(p.List()) != 0 {
		t.Errorf("remove: %v", err)
	}
	for what, err := range map[string]error{
		"stop": p.Stop(t.Context(), "fib-1"), "kill": p.Kill("fib-1"), "restart": p.Restart(t.Context(), "fib-1"), "remove": p.Remove("fib-1"),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s of a removed server: %v", what, err)
		}
	}
}

func TestKillAndRestart(t *testing.T) {
	p, e := newTestPool(t, Config{NamePrefix: "srv-", RestartOnExit: true})
	s := start(t, p, "ready", "wait")
	first := s.Status().PID
	if err := p.Remove("srv-1"); !errors.Is(err, ErrRunning) {
		t.Errorf("removed while it runs: %v", err)
	}
	if err := p.Kill("srv-1"); err != nil {
		t.Fatal(err)
	}
	expect(t, <-e.exits, "srv-1", Killed, "killed")
	if s.restart != nil {
		t.Error("a killed server is about to be restarted")
	}
	if err := p.Restart(t.Context(), "srv-1"); err != nil {
		t.Fatal(err)
	}
	second := s.Status()
	expect(t, second, "srv-1", Running, "")
	if second.PID == first || second.Restarts != 1 || second.Reason != "" {
		t.Errorf("restarted as %+v", second)
	}
	if err := p.Restart(t.Context(), "srv-1"); err != nil { // one that runs
		t.Fatal(err)
	}
	expect(t, <-e.exits, "srv-1", Stopped, "exit status 0")
	if third := s.Status(); third.Restarts != 2 || third.PID == second.PID || third.State != Running {
		t.Errorf("restarted as %+v", third)
	}
	data, err := json.Marshal(p.List())
	if err != nil || !strings.Contains(string(data), `"state":"running"`) || strings.Contains(string(data), "ended") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestStartFailures(t *testing.T) {
	p, e := newTestPool(t, Config{})
	for want, args := range map[string][]string{
		`it ended before it was ready (exit status 3): hello; cannot open the \x1b[31mqueue; sorry`: {"print:hello", "complain:cannot open the \x1b[31mqueue", "complain:sorry", "exit:3"},
		`it ended before it was ready (exit status 0): only this`:                                   {"print:only this", "exit:0"},
		`it ended before it was ready (exit status 0) and wrote nothing`:                            {"exit:0"},
	} {
		s, err := p.Start(t.Context(), args...)
		<-e.exits
		if s != nil || err == nil {
			t.Fatalf("%v, %v", s, err)
		}
		server, got, _ := strings.Cut(err.Error(), ": ")
		if got != want || !strings.HasPrefix(server, "start fib-") {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	_, err := p.Start(t.Context(), "complain:"+strings.Repeat("y", 1<<16), "lines:1000", "flood", "exit:1")
	if err == nil || len(err.Error()) > 4*maxQuoted*maxTail {
		t.Errorf("an error of %d bytes", len(fmt.Sprint(err)))
	}
	if list := p.List(); len(list) != 0 {
		t.Errorf("left in the list: %+v", list)
	}
}

func TestStartContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, e := newTestPool(t, Config{Output: func(server, line string) { cancel() }}) // it runs and is not ready
	_, err := p.Start(ctx, "complain:no broker yet", "wait")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `not ready in time: context canceled; its last lines: no broker yet`) {
		t.Error(err)
	}
	expect(t, <-e.exits, "fib-1", Killed, "killed")
	if _, err := p.Start(ended(), "wait"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(p.List()) != 0 {
		t.Errorf("left: %+v", p.List())
	}
}

func TestStartCommandNotFound(t *testing.T) {
	p, _ := newTestPool(t, Config{Command: []string{absent(t)}})
	if _, err := p.Start(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if len(p.List()) != 0 {
		t.Error("it is in the list")
	}
}

func TestStopKillsAfterTimeout(t *testing.T) {
	p, e := newTestPool(t, Config{})
	s := start(t, p, "ignore-term", "ready", "wait")
	err := p.Stop(ended(), s.Name())
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "fib-1 did not end in time and was killed") {
		t.Error(err)
	}
	expect(t, <-e.exits, "fib-1", Killed, "killed")

	s = start(t, p, "ignore-term", "ready", "wait")
	if err := p.Restart(ended(), s.Name()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expect(t, <-e.exits, "fib-2", Killed, "killed")
}

func TestCrashReason(t *testing.T) {
	p, e := newTestPool(t, Config{})
	start(t, p, "ready", "complain:about to die", "die")
	expect(t, <-e.exits, "fib-1", Crashed, `killed: about to die`)
	start(t, p, "ready", "exit:0")
	expect(t, <-e.exits, "fib-2", Stopped, "exit status 0")
	if err := p.Restart(t.Context(), "fib-1"); err != nil {
		t.Errorf("restart of a crashed one: %v", err)
	}
	expect(t, <-e.exits, "fib-1", Crashed, "about to die")
}

func TestRestartOnExit(t *testing.T) {
	p, e := newTestPool(t, Config{RestartOnExit: true})
	s := start(t, p, "ready", "die")
	for range 4 {
		expect(t, <-e.exits, "fib-1", Crashed, "killed")
	}
	if err := p.Stop(t.Context(), s.Name()); err != nil {
		t.Fatal(err)
	}
	if n := s.Status().Restarts; n < 3 {
		t.Errorf("%d restarts", n)
	}
	// A stopped server is not restarted.
	s.pool.mu.Lock()
	alive, restart := s.alive(), s.restart
	s.pool.mu.Unlock()
	if alive || restart != nil {
		t.Error("it is about to be restarted")
	}

	// The second server crashes once and then runs.
	s2, err := p.Start(t.Context(), "ready", "once:"+absent(t), "exit:7")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if status := <-e.exits; status.Name == s2.Name() {
			expect(t, status, s2.Name(), Crashed, "exit status 7")
			break
		}
	}
	for s2.Status().State != Running { // the test's own deadline ends this
		runtime.Gosched()
	}
	if s2.Status().Restarts != 1 {
		t.Errorf("%+v", s2.Status())
	}
}

func TestCloseStopsAll(t *testing.T) {
	p, _ := newTestPool(t, Config{})
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			args := []string{"ready", "wait"}
			if i == 0 {
				args = []string{"ignore-term", "ready", "wait"}
			}
			if _, err := p.Start(context.Background(), args...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	names := map[string]bool{}
	for _, s := range p.List() {
		names[s.Name] = true
	}
	if len(names) != 6 {
		t.Errorf("names: %v", names)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := p.Close(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("close: %v", err)
	}
	killed := 0
	for _, s := range p.List() {
		if s.State == Killed {
			killed++
		}
		if s.State.Alive() {
			t.Errorf("%+v", s)
		}
	}
	if killed == 0 {
		t.Error("the server that ignores SIGTERM was not killed")
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("a second close: %v", err)
	}
	if _, err := p.Start(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
	if err := p.Restart(t.Context(), "fib-1"); !errors.Is(err, ErrClosed) {
		t.Errorf("restart after close: %v", err)
	}
}

func TestCloseDuringStart(t *testing.T) {
	alive := make(chan string, 10)
	p, _ := newTestPool(t, Config{Output: func(server, line string) { alive <- line }})
	failed := make(chan error)
	go func() {
		_, err := p.Start(context.Background(), "print:here", "wait")
		failed <- err
	}()
	<-alive
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestOnExitCanCallThePool(t *testing.T) {
	again := make(chan error)
	var p *Pool
	p = New(Config{Command: []string{os.Args[0]}, Env: []string{"POOL_TEST=server"}, OnExit: func(s Status) {
		if s.State == Killed {
			p.List()
			again <- p.Restart(context.Background(), s.Name)
		}
	}})
	s := start(t, p, "ready", "wait")
	if err := p.Kill(s.Name()); err != nil {
		t.Error(err)
	}
	if err := <-again; err != nil {
		t.Error(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
