package rabbitmq

import "syscall"

// groupAttr makes a child the leader of its own process group, so that a Ctrl+C in the
// terminal does not reach it before us, and has the kernel kill it when we die.
func groupAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if !byStdin {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}
