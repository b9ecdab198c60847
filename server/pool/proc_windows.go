package pool

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

func setProcAttr(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// terminate sends Ctrl+Break, which a Go program receives as os.Interrupt.
func terminate(cmd *exec.Cmd) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid))
}

func kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }
