//go:build unix

package pool

import (
	"os/exec"
	"syscall"
)

func (*system) terminate(cmd *exec.Cmd) error { return signalGroup(cmd, syscall.SIGTERM) }
func (*system) kill(cmd *exec.Cmd) error      { return signalGroup(cmd, syscall.SIGKILL) }

// signalGroup signals the process and what it has started: where the command is a
// script around the server, the server is what matters. The first signal, which does
// nothing, fails for a process that was waited for, whose number may be another's.
func signalGroup(cmd *exec.Cmd, sig syscall.Signal) error {
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		return err
	}
	return syscall.Kill(-cmd.Process.Pid, sig)
}
