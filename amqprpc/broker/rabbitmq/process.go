package rabbitmq

import (
	"context"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// A process is a child process with its own process group. It ends when this process ends.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // held open while this process lives, if byStdin
	exited chan struct{}  // closed once it has ended and been waited for
	err    error          // of its end, set before exited is closed
}

// byStdin makes children end with their standard input, not by a parent-death signal, which only Linux has. Tests set it, too.
var byStdin = runtime.GOOS != "linux"

// start starts cmd. If tethered and byStdin, its standard input is a pipe, and it must end when that ends.
func start(cmd *exec.Cmd, tethered bool) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if tethered && byStdin {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		p.stdin = stdin
	}
	cmd.SysProcAttr = groupAttr()
	// A grandchild that has inherited a pipe must not hold up Wait.
	cmd.WaitDelay = 2 * time.Second
	started := make(chan error, 1)
	go p.hold(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// hold starts the process and waits for its end on one thread: Linux sends the parent-death signal when the thread that forked
// ends, and Go may end any thread that no goroutine is locked to.
func (p *process) hold(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// alive reports whether p, which may be nil, has not ended.
func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill kills the whole group, frozen or not, and waits for its end.
func (p *process) kill() {
	if p.alive() {
		_ = p.signal(sigKill) // fails only if it has just ended
		<-p.exited
	}
}

// wait waits for the end of the process or of the context.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
