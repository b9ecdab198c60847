//go:build unix && !linux

package pool

import (
	"os/exec"
	"syscall"
)

// A system is what differs between operating systems.
type system struct{}

func (*system) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// run starts the process, says so, and returns when it has ended. It returns an
// error where it could not start.
func (*system) run(cmd *exec.Cmd, started chan<- error) error {
	err := cmd.Start()
	started <- err
	if err != nil {
		return err
	}
	_ = cmd.Wait() // ProcessState has it
	return nil
}

func (*system) close() {}
