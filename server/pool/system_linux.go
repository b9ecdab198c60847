package pool

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// A system is what differs between operating systems.
type system struct{}

func (*system) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// run starts the process, says so, and returns when it has ended. It returns an
// error where it could not start.
//
// The kernel sends the death signal when the *thread* that forked ends, so the thread
// is kept for as long as the process lives.
func (*system) run(cmd *exec.Cmd, started chan<- error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return err
	}
	// While the process is a zombie its number is its own, so this is the time to
	// kill what is left of its group.
	pid := cmd.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			if err == nil {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
			break
		}
	}
	_ = cmd.Wait() // ProcessState has it
	return nil
}

func (*system) close() {}
