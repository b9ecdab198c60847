package main

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TCGETS, unix.TCSETS

// endWithParent makes the death of the parent end this process. If `go run` is killed, its shell takes the terminal
// back, and the screen would draw over it.
func endWithParent() {
	unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0) //nolint:errcheck // only an old kernel refuses
}
