//go:build unix

package rabbitmq

import "syscall"

const (
	sigTerm   = syscall.SIGTERM
	sigKill   = syscall.SIGKILL
	sigFreeze = syscall.SIGSTOP
	sigThaw   = syscall.SIGCONT
)

// supported says whether this system can run nodes.
func supported() error { return nil }

// signal sends sig to the whole process group. Only for one that is alive: a group's
// number may be somebody else's later.
func (p *process) signal(sig syscall.Signal) error { return syscall.Kill(-p.pid(), sig) }
