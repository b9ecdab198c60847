package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A State is what a server is doing.
type State int

const (
	Starting State = iota // the process runs and has not said that it is ready
	Running               // it is ready
	Stopping              // it has been asked to end, and drains
	Stopped               // it ended as it was asked to, or by itself with status 0
	Killed                // the pool killed it
	Crashed               // it ended by itself, or somebody else killed it
)

// String returns the state in lower case.
func (s State) String() string {
	names := [...]string{"starting", "running", "stopping", "stopped", "killed", "crashed"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return names[s]
}

// Alive says that there is a process.
func (s State) Alive() bool { return s <= Stopping }

// MarshalText makes the state its name in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Status is what is known of a server at one moment.
type Status struct {
	Name string `json:"name"`
	// AppID is the name that it was told (--name), by which its replies are known. No server of
	// another program has it.
	AppID string   `json:"app_id"`
	PID   int      `json:"pid"` // of the last process, which may have ended
	State State    `json:"state"`
	Args  []string `json:"args"` // its own, besides those of the config
	// Started and Ended are the last process's; Ended is zero while it is alive.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// Reason says how the last process ended: "exit status 1", "signal: killed".
	// Where it has crashed, the last line that it wrote follows, quoted, unless that
	// was the one by which it said that it is ready.
	Reason string `json:"reason,omitempty"`
	// Restarts counts the processes after the first, asked for or not.
	Restarts int `json:"restarts"`
	// CPU is the time on a processor of the processes that have ended, user and system.
	// It says nothing yet of one that is alive.
	CPU time.Duration `json:"cpu_ns"`
}

// Answers reports whether replies that bear this app_id are the server's.
func (s *Status) Answers(appID string) bool { return cmp.Or(s.AppID, s.Name) == appID }

// A Process is a server of a pool: one process, and after a restart the next.
type Process struct {
	pool *Pool
	name string
	args []string

	// Below, the pool's mutex guards.

	run      *run   // the last one, nil before the first
	status   Status // without what a reader must not share
	asked    State  // Stopped or Killed, where that was asked of the run; else 0
	patience backoff.ExponentialBackOff
	retry    context.CancelFunc // a restart that is due, or nil
}

// A run is one process of the operating system.
type run struct {
	cmd    *exec.Cmd
	out    *output
	ready  chan struct{} // closed at the ready line
	exited chan struct{} // closed when the status says how it ended
}

func newProcess(p *Pool, name string, args []string) *Process {
	s := &Process{pool: p, name: name, args: slices.Clone(args)}
	s.status = Status{Name: name, AppID: name + ending()}
	s.patience = backoff.ExponentialBackOff{
		InitialInterval:     p.config.RestartMin,
		RandomizationFactor: backoff.DefaultRandomizationFactor,
		Multiplier:          2,
		MaxInterval:         p.config.RestartMax,
	}
	s.patience.Reset()
	return s
}

// Name is the server's name, by which the pool's methods know it.
func (s *Process) Name() string { return s.name }

// Status returns what is known of the server.
func (s *Process) Status() Status {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.snapshot()
}

func (s *Process) snapshot() Status {
	status := s.status
	status.Args = slices.Clone(s.args)
	return status
}

func (s *Process) alive() bool { return s.run != nil && s.status.State.Alive() }

// launch starts the process and returns once the system has it. The mutex is held.
func (s *Process) launch() (*run, error) {
	p := s.pool
	switch {
	case p.closed:
		return nil, ErrClosed
	case s.alive():
		return nil, ErrRunning
	case p.index(s.name) < 0:
		return nil, ErrUnknown // removed while its restart was under way
	}
	r := &run{ready: make(chan struct{}), exited: make(chan struct{})}
	r.out = newOutput(func(line string) {
		if strings.Contains(line, p.config.Ready) {
			s.isReady(r)
		}
	}, p.config.Output != nil)

	argv := slices.Concat(p.config.Command, p.config.Args, s.args, []string{"--name", s.status.AppID})
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.Env = append(os.Environ(), p.config.Env...)
	before := 0
	if s.run != nil {
		before = s.status.Restarts + 1
	}
	r.cmd.Env = append(r.cmd.Env, RestartsEnv+"="+strconv.Itoa(before))
	if p.config.URL != "" {
		r.cmd.Env = append(r.cmd.Env, "AMQP_URL="+p.config.URL)
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.out.stdout, &r.out.stderr
	// What a process leaves behind may hold its output open: do not wait for that.
	r.cmd.WaitDelay = time.Second
	p.system.prepare(r.cmd)

	started := make(chan error, 1)
	p.running.Add(1)
	go s.attend(r, started)
	if err := <-started; err != nil {
		return nil, err
	}
	s.run, s.asked = r, 0
	s.status.State, s.status.PID = Starting, r.cmd.Process.Pid
	s.status.Started, s.status.Ended, s.status.Reason = time.Now(), time.Time{}, ""
	return r, nil
}

// relaunch launches a server that has run before. The mutex is held.
func (s *Process) relaunch() (*run, error) {
	r, err := s.launch()
	if err == nil {
		s.cancelRestart() // one may have become due since
		s.status.Restarts++
	}
	return r, err
}

// attend is the goroutine that a process has for all its life.
func (s *Process) attend(r *run, started chan<- error) {
	p := s.pool
	defer p.running.Done()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		r.out.deliver(func(line string) { p.config.Output(s.name, line) })
	}()

	err := p.system.run(r.cmd, started)
	r.out.end()
	if err != nil { // it never started
		<-delivered
		return
	}
	status := s.ended(r)
	<-delivered
	if p.config.OnExit != nil {
		p.config.OnExit(status)
	}
}

func (s *Process) isReady(r *run) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.run == r && s.status.State == Starting {
		s.status.State = Running
		r.out.readyAt = time.Now()
		close(r.ready)
	}
}

// ended records how the process ended, and sees to its restart.
func (s *Process) ended(r *run) Status {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	defer close(r.exited)
	s.status.Ended = time.Now()
	s.status.Reason = r.cmd.ProcessState.String()
	s.status.CPU += r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()
	switch {
	case r.cmd.ProcessState.Success(): // also where a kill came just too late
		s.status.State = Stopped
	case s.asked != 0:
		s.status.State = s.asked
	default:
		s.status.State = Crashed
		// That it was ready once is no reason to have ended.
		if tail := r.out.tail(); len(tail) > 0 && !strings.Contains(tail[len(tail)-1], p.config.Ready) {
			s.status.Reason += ": " + tail[len(tail)-1]
		}
	}
	if at := r.out.readyAt; !at.IsZero() && s.status.Ended.Sub(at) >= p.config.RestartMax {
		s.patience.Reset()
	}
	// A server that Start still waits for is Start's to report, not ours to restart.
	first := s.status.Restarts == 0 && r.out.readyAt.IsZero()
	if s.status.State == Crashed && p.config.RestartOnExit && !first && !p.closed {
		s.restartLater()
	}
	return s.snapshot()
}

// restartLater starts the process again in a while. The mutex is held.
func (s *Process) restartLater() {
	p := s.pool
	ctx, cancel := context.WithCancel(p.closing)
	s.cancelRestart()
	s.retry = cancel
	wait := s.patience.NextBackOff()
	p.running.Go(func() {
		defer cancel()
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if ctx.Err() != nil || p.closed {
			return
		}
		s.retry = nil
		if _, err := s.relaunch(); err != nil && !errors.Is(err, ErrRunning) {
			s.status.Reason = err.Error()
			s.restartLater()
		}
	})
}

// cancelRestart calls off a restart that is due. The mutex is held.
func (s *Process) cancelRestart() {
	if s.retry != nil {
		s.retry()
		s.retry = nil
	}
}

// errStart tells how a server ended that should have become ready.
func (s *Process) errStart(r *run) error {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	reason := r.cmd.ProcessState.String()
	if tail := r.out.tail(); len(tail) > 0 {
		return fmt.Errorf("it ended before it was ready (%s): %s", reason, strings.Join(tail, "; "))
	}
	return fmt.Errorf("it ended before it was ready (%s) and wrote nothing", reason)
}
