package rabbitmq

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// groupAttr makes a child the leader of its own process group, so that a Ctrl+C in the
// terminal does not reach it before us, and has the kernel kill it when we die.
func groupAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if !byStdin {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}

// stopped waits until a process that was sent SIGSTOP stands still. kill(2) returns long
// before that on a busy machine: the signal is for one thread to see when it next runs,
// and until then the others go on and answer.
func (p *process) stopped() error {
	const most = 10 * time.Second
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for giveUp := time.After(most); ; {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, p.pid(), &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case err != nil && err != unix.EINTR:
			return err
		case err == nil && info.Signo == int32(unix.SIGCHLD):
			return nil
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return ErrNotRunning
		case <-giveUp:
			return errors.New("the process does not stop")
		}
	}
}
