//go:build linux || darwin

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcscope/cmd/internal/cli"
)

// A screen runs in a child process, because a panic in a goroutine of a library, a fatal error of the
// runtime and SIGKILL leave a process no chance to restore its terminal. The parent waits for the child,
// restores the terminal if the child has not, and prints the reason. Both are in one process group, so
// Ctrl+Z stops both.

// childVariable is set in the environment of the child.
const childVariable = "RPCSCOPE_SCREEN"

// crashFD is the child's file descriptor for the runtime's crash report.
const crashFD = 3

// maxCrashLines and maxCrashBytes bound the part of a crash report that is printed. It begins with the reason and the
// goroutine that panicked.
const (
	maxCrashLines = 20
	maxCrashBytes = 8 << 10
)

// leaveScreen undoes the modes that a screen sets. It begins with the end of a string, because the child may
// have died while it wrote one.
const leaveScreen = "\x1b\\" +
	"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l" + // mouse
	"\x1b[?1004l\x1b[?2004l" + // focus, bracketed paste
	"\x1b[0m\x1b[?1049l\x1b[?25h\r" // colours, alternate screen, cursor

// inChild runs this command again in a child process, and calls show there. It returns the child's exit code as
// an error.
func inChild(terminal *os.File, show func() error) error {
	endWithParent()
	if os.Getenv(childVariable) != "" {
		os.Unsetenv(childVariable)
		crash := os.NewFile(crashFD, "crash report")
		debug.SetCrashOutput(crash, debug.CrashOptions{}) //nolint:errcheck // stderr has it too
		crash.Close()
		return show()
	}
	before, err1 := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
	path, err2 := os.Executable()
	crash, crashOfChild, err3 := os.Pipe()
	if errors.Join(err1, err2, err3) != nil {
		return show()
	}
	child := exec.Command(path, os.Args[1:]...)
	child.Args[0] = os.Args[0]
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.ExtraFiles = []*os.File{crashOfChild} // crashFD
	child.Env = append(os.Environ(), childVariable+"=1")
	if err := child.Start(); err != nil {
		return show()
	}
	crashOfChild.Close()
	forwardSignals(child.Process)
	report, _ := io.ReadAll(io.LimitReader(crash, maxCrashBytes))
	io.Copy(io.Discard, crash) //nolint:errcheck // it ends with the child
	child.Wait()               //nolint:errcheck // its state has it all
	if now, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios); err == nil && raw(now) {
		unix.IoctlSetTermios(int(terminal.Fd()), setTermios, before) //nolint:errcheck // there is no other way
		written := make(chan struct{})
		go func() {
			io.WriteString(terminal, leaveScreen) //nolint:errcheck // there is no other way
			close(written)
		}()
		select {
		case <-written:
		case <-time.After(time.Second): // the terminal is stopped, by Ctrl+S
		}
	}
	status, _ := child.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case len(report) > 0:
		return cli.Fail(cli.FellShort, crashError(report))
	case status.Signaled():
		return cli.Fail(128+int(status.Signal()), fmt.Errorf("the screen was ended by a signal: %v", status.Signal()))
	case status.ExitStatus() != 0:
		return &cli.ExitError{Code: status.ExitStatus()}
	}
	return nil
}

// raw reports whether a screen has the terminal. A shell with a line editor leaves ISIG and OPOST on.
func raw(t *unix.Termios) bool {
	return t.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0 && t.Oflag&unix.OPOST == 0
}

// forwardSignals sends the child the signals that this process receives, instead of ending at the second one.
func forwardSignals(child *os.Process) {
	forwarded := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		forwarded = append(forwarded, syscall.SIGHUP)
	}
	signal.Reset(forwarded...)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, forwarded...)
	go func() {
		for s := range signals {
			child.Signal(s) //nolint:errcheck // it may have ended
		}
	}()
}

// A crashError is the runtime's report of a crash.
type crashError string

func (e crashError) Error() string {
	lines := strings.SplitAfterN(strings.TrimSpace(string(e)), "\n", maxCrashLines+1)
	reason := lines[0]
	if strings.HasPrefix(reason, "goroutine ") { // the runtime prints the message of a fatal error on stderr only
		reason = "a fatal error of the Go runtime"
	}
	return strings.Join(lines[:min(len(lines), maxCrashLines)], "") + "\nrpcscope crashed: " + reason
}

// StackTrace has package cli keep the lines of the report.
func (e crashError) StackTrace() []byte { return []byte(e) }
