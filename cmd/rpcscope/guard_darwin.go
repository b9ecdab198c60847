package main

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TIOCGETA
	ioctlSetTermios = unix.TIOCSETA
)

// nameGuard does nothing: the name of a process cannot be changed here.
func nameGuard() {}

func duplicate(from, to int) error { return unix.Dup2(from, to) }
