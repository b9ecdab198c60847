package pool

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Process is a server of a pool: one operating system process, and after a restart the next.
type Process struct {
	pool *Pool

	// The pool's mutex guards the fields below.

	run       *run // the last one, nil before the first
	status    Status
	requested State       // Stopped or Killed if the run was asked to end, else 0
	restart   *time.Timer // a restart that is due, or nil
}

// A run is one process of the operating system.
type run struct {
	cmd    *exec.Cmd
	out    output
	ready  chan struct{} // closed at the ready line
	exited chan struct{} // closed when the status says how it ended
}

// Name returns the server's name.
func (s *Process) Name() string { return s.status.Name }

// Status returns the server's status.
func (s *Process) Status() Status {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.status
}

func (s *Process) alive() bool { return s.run != nil && s.status.State.Alive() }

// launchLocked starts a process and returns once the system has it.
func (s *Process) launchLocked() (*run, error) {
	p := s.pool
	switch {
	case p.closed:
		return nil, ErrClosed
	case s.alive():
		return nil, ErrRunning
	case p.index(s.status.Name) < 0:
		return nil, ErrUnknown // removed during its restart
	}
	r := &run{ready: make(chan struct{}), exited: make(chan struct{})}
	r.out.onLine = func(line string) {
		if strings.Contains(line, ReadyLine) {
			s.markReady(r)
		}
		if p.config.Output != nil {
			p.config.Output(s.status.Name, line)
		}
	}
	restarts := 0
	if s.run != nil {
		restarts = s.status.Restarts + 1
	}
	argv := slices.Concat(p.config.Command, p.config.Args, s.status.Args, []string{"--name", s.status.AppID})
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.Env = slices.Concat(os.Environ(), p.config.Env, []string{RestartsEnv + "=" + strconv.Itoa(restarts)})
	if p.config.URL != "" {
		r.cmd.Env = append(r.cmd.Env, "AMQP_URL="+p.config.URL)
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.cmd.WaitDelay = time.Second // a child of the process may hold its output open
	setProcAttr(r.cmd)

	started := make(chan error, 1)
	p.running.Go(func() { s.supervise(r, started) })
	if err := <-started; err != nil {
		return nil, err
	}
	s.cancelRestart()
	s.run, s.requested = r, 0
	s.status.State, s.status.PID, s.status.Restarts = Starting, r.cmd.Process.Pid, restarts
	s.status.Started, s.status.Ended, s.status.Reason = time.Now(), time.Time{}, ""
	s.status.WasReady, s.status.Requested = false, false
	return r, nil
}

// supervise runs one process. It stays on one thread, because Linux sends the parent-death
// signal when the thread that forked ends.
func (s *Process) supervise(r *run, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = r.cmd.Wait() // ProcessState has the result
	r.out.close()
	status := s.recordExit(r)
	if s.pool.config.OnExit != nil {
		s.pool.config.OnExit(status)
	}
}

func (s *Process) markReady(r *run) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.run == r && s.status.State == Starting {
		s.status.State, s.status.WasReady = Running, true
		close(r.ready)
	}
}

// recordExit records how a process ended, and schedules its restart.
func (s *Process) recordExit(r *run) Status {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	defer close(r.exited)
	state := r.cmd.ProcessState
	s.status.Ended = time.Now()
	s.status.Reason = state.String()
	s.status.CPU += state.UserTime() + state.SystemTime()
	s.status.Requested = s.requested != 0
	switch {
	case state.Success(): // even if a kill came just too late
		s.status.State = Stopped
	case s.requested != 0:
		s.status.State = s.requested
	default:
		s.status.State = Crashed
		if tail := r.out.tail(); len(tail) > 0 && !strings.Contains(tail[len(tail)-1], ReadyLine) {
			s.status.Reason += ": " + tail[len(tail)-1]
		}
	}
	// Start reports the failure of a first process.
	first := s.status.Restarts == 0 && !s.status.WasReady
	if s.status.State == Crashed && p.config.RestartOnExit && !first && !p.closed {
		s.scheduleRestart()
	}
	return s.status
}

// restartDelay is the time from a crash to the restart. It bounds the cost of a server that
// crashes at each start.
const restartDelay = 200 * time.Millisecond

// scheduleRestart restarts the server after a delay. The pool's mutex is held.
func (s *Process) scheduleRestart() {
	p := s.pool
	s.restart = time.AfterFunc(restartDelay, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.restart == nil || p.closed {
			return // canceled
		}
		s.restart = nil
		if _, err := s.launchLocked(); err != nil {
			s.status.Reason = err.Error()
			s.scheduleRestart()
		}
	})
}

// cancelRestart cancels a restart that is due. The pool's mutex is held.
func (s *Process) cancelRestart() {
	if s.restart != nil {
		s.restart.Stop()
		s.restart = nil
	}
}

// waitReady waits until the run is ready. If it returns an error, the run has ended.
func (s *Process) waitReady(ctx context.Context, r *run) error {
	select {
	case <-r.ready:
		return nil
	case <-r.exited:
	case <-ctx.Done():
		s.end(r, Killed)
		<-r.exited
		return fmt.Errorf("it was not ready in time: %w%s", ctx.Err(), lastLines(r, "; its last lines: "))
	case <-s.pool.closing:
		<-r.exited // Close stops it
		return ErrClosed
	}
	select {
	case <-r.ready: // it was ready, and ended at once
		return nil
	default:
		return fmt.Errorf("it ended before it was ready (%v)%s", r.cmd.ProcessState, cmp.Or(lastLines(r, ": "), " and wrote nothing"))
	}
}

// lastLines returns the last lines of a run that has ended, after a prefix, or "".
func lastLines(r *run, prefix string) string {
	tail := r.out.tail()
	if len(tail) == 0 {
		return ""
	}
	return prefix + strings.Join(tail, "; ")
}

func (s *Process) stop(ctx context.Context) error {
	r := s.end(nil, Stopped)
	if r == nil {
		return nil
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
	}
	s.end(r, Killed)
	<-r.exited
	if s.Status().State != Killed {
		return nil
	}
	return fmt.Errorf("%s did not end in time and was killed: %w", s.status.Name, ctx.Err())
}

// end asks a run to end, or the current one if r is nil. It returns that run, or nil if it
// has ended. It also cancels a restart that is due.
func (s *Process) end(r *run, how State) *run {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.cancelRestart()
	if !s.alive() || r != nil && r != s.run {
		return nil
	}
	if how == Stopped && s.requested != 0 {
		return s.run // a second SIGTERM would cut its drain short
	}
	if how == Stopped {
		s.requested, s.status.State = Stopped, Stopping
		if terminate(s.run.cmd) == nil {
			return s.run
		}
	}
	if kill(s.run.cmd) == nil {
		s.requested = Killed
	}
	return s.run
}

// RestartsEnv is the environment variable that tells a process how often its server has been
// restarted. A server with injected faults has to mix it into its seed: otherwise it would
// crash at the same request after each restart.
const RestartsEnv = "SERVER_RESTARTS"

// Restarts returns the value of [RestartsEnv], or 0 if no pool has started this process.
func Restarts() int64 {
	n, _ := strconv.ParseInt(os.Getenv(RestartsEnv), 10, 64)
	return n
}
