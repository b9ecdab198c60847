//go:build unix

package pool

import (
	"os/exec"
	"syscall"
)

func terminate(cmd *exec.Cmd) error { return signalGroup(cmd, syscall.SIGTERM) }
func kill(cmd *exec.Cmd) error      { return signalGroup(cmd, syscall.SIGKILL) }

// signalGroup signals the process and its children: the command may be a script around the
// server. Signal 0 fails if the process has been waited for and its number may be reused.
func signalGroup(cmd *exec.Cmd, sig syscall.Signal) error {
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		return err
	}
	return syscall.Kill(-cmd.Process.Pid, sig)
}
