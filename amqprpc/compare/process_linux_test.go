package compare

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cpuOf returns the CPU time that a running process has used so far, 0 if it is unknown.
func cpuOf(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	const schedClock = 2 // in nanoseconds; see clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// endsWithParent has the kernel kill a child when the benchmark dies.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
