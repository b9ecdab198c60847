package rabbitmq

import (
	"context"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// A process is a child in a process group of its own that does not outlive this
// process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // held open while this process lives, where byStdin
	exited chan struct{}  // closed once it has ended and been waited for
	err    error          // of its end, set before exited is closed
}

// byStdin says how children learn of this process's death: by the end of their
// standard input, or else by a signal. A variable so that the portable way is
// tested on Linux too.
var byStdin = runtime.GOOS != "linux"

// start starts cmd. With tethered, and where the system has no better way, it gets a
// pipe as standard input and must end when that ends.
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
	// A grandchild that holds our pipes must not hold up Wait.
	cmd.WaitDelay = 2 * time.Second
	started := make(chan error, 1)
	go p.hold(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// hold starts the process and waits for its end, all on one thread: Linux sends the
// parent-death signal when the *thread* that forked ends, and Go ends threads as
// it likes unless a goroutine is locked to them.
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

// alive says whether p (which may be nil) has not been seen to end.
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

// kill ends the whole group at once, frozen or not, and waits for it.
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
