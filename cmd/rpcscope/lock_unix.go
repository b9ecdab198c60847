//go:build linux || darwin

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockRecording reports whether another process records to the file, and keeps others from it
// until it is closed. Where a file system has no locks, nobody is taken to.
func lockRecording(file *os.File) (taken bool) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK)
}
