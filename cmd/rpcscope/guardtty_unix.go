//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// raw reports whether a terminal is as full-screen programs have it. Shells that edit
// lines turn off the kernel's, but leave ctrl+c and newlines as they are.
func raw(t *unix.Termios) bool {
	return t.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0 && t.Oflag&unix.OPOST == 0
}

// foreground returns the process group that has the terminal.
func foreground(tty *os.File) (group int, err error) {
	err = control(tty, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return group, err
}

func getTermios(tty *os.File) (t *unix.Termios, err error) {
	err = control(tty, func(fd int) (err error) {
		t, err = unix.IoctlGetTermios(fd, ioctlGetTermios)
		return err
	})
	return t, err
}

func setTermios(tty *os.File, t *unix.Termios) error {
	return control(tty, func(fd int) error { return unix.IoctlSetTermios(fd, ioctlSetTermios, t) })
}

// control does something with a file descriptor, and does not make it blocking, as Fd
// would.
func control(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
