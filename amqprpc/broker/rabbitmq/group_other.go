//go:build unix && !linux

package rabbitmq

import "syscall"

// groupAttr makes a child the leader of a process group, so that Ctrl+C in the terminal does not reach it.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// stopped does not wait here.
func (p *process) stopped() error { return nil }
