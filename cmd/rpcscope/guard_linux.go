package main

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	ioctlGetTermios = unix.TCGETS
	ioctlSetTermios = unix.TCSETS
)

// nameGuard changes what killall and pgrep take for the name of this process.
func nameGuard() { _ = os.WriteFile("/proc/self/comm", []byte(guardName), 0) }

func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }
