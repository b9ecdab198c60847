//go:build unix

package rabbitmq

import "syscall"

const (
	sigTerm   = syscall.SIGTERM
	sigKill   = syscall.SIGKILL
	sigFreeze = syscall.SIGSTOP
	sigThaw   = syscall.SIGCONT
)

// supported returns an error if this system cannot run nodes.
func supported() error { return nil }

// signal sends sig to the whole process group. The process must be alive, since the number of a group can be reused.
func (p *process) signal(sig syscall.Signal) error { return syscall.Kill(-p.pid(), sig) }
