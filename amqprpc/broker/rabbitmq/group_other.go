//go:build unix && !linux

package rabbitmq

import "syscall"

// groupAttr makes a child the leader of its own process group, so that a Ctrl+C in the
// terminal does not reach it before us. That it ends with us is up to its standard input.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// stopped does not wait here.
func (p *process) stopped() error { return nil }
