package rabbitmq

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// groupAttr makes a child the leader of a process group, so that Ctrl+C in the terminal does not reach it, and makes the
// kernel kill it when this process dies.
func groupAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if !byStdin {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}

// stopped waits until a process that was sent SIGSTOP has stopped. On a busy machine that is long after kill(2) has returned:
// one thread sees the signal when it next runs, and the others run until then.
func (p *process) stopped() error {
	const timeout = 10 * time.Second
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for giveUp := time.After(timeout); ; {
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
