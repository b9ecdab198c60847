//go:build unix

package chaos

import "syscall"

// suspend stops a process of the pool; each is the leader of a group of its own.
func suspend(pid int) error { return syscall.Kill(-pid, syscall.SIGSTOP) }
func resume(pid int) error  { return syscall.Kill(-pid, syscall.SIGCONT) }
