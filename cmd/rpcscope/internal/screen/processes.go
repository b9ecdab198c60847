//go:build linux || darwin

package screen

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Processes returns the process IDs of the session, without that of the program that Start started.
func (term *Terminal) Processes() []int {
	return slices.DeleteFunc(sessionProcesses(term.session), func(pid int) bool { return pid == term.session })
}

// Foreground returns the process group in the terminal's foreground.
func (term *Terminal) Foreground() (group int) {
	term.t.Helper()
	term.control("foreground", func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return group
}

// sessionProcesses returns the process IDs of a session.
func sessionProcesses(session int) []int {
	return slices.DeleteFunc(allProcesses(), func(pid int) bool {
		sid, err := unix.Getsid(pid)
		return err != nil || sid != session || zombie(pid)
	})
}

func allProcesses() []int {
	var names []string
	if entries, err := os.ReadDir("/proc"); err == nil {
		for _, e := range entries {
			names = append(names, e.Name())
		}
	} else if out, err := exec.Command("ps", "-A", "-o", "pid=").Output(); err == nil { // macOS
		names = strings.Fields(string(out))
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// zombie reports whether a process has ended and was not waited for.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // not Linux
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return bytes.HasPrefix(state, []byte("Z"))
}
