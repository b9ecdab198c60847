package pool

import (
	"os/exec"
	"syscall"
)

// setProcAttr gives the process a group of its own and has the kernel kill it when this program dies.
func setProcAttr(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
