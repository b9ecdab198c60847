//go:build linux || darwin

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A panic in a goroutine of a library, a fatal error of the runtime and SIGKILL leave no
// chance to the process itself. So there is a second one, the guard: the same program,
// which holds one end of a connection whose other end dies with the first. It then puts
// the terminal right and says why.
//
// What the runtime says when it crashes goes to the guard, not to the terminal, where it
// would be lost with the alternate screen; and so does all else on stderr, where that is a
// terminal: it would be scattered over the screen. It is printed when the screen has gone.
//
// The guard is in a process group of its own, so that neither ctrl+z nor what is sent to
// the job reaches it, and it goes by another name than what it guards: killall is not
// meant for it. It ends within a second of the program, whatever the terminal does.
//
// It cannot help where the program leads the session: the kernel takes the terminal away
// with it, as it does in a window or a container that runs nothing else.

// guardVariable holds a guardOrder. Only guards have it.
const guardVariable = "RPCSCOPE_GUARD"

// File descriptors of the guard, besides the one that crash reports come from: stdin.
const (
	guardTTY    = 3
	guardStderr = 4
)

const stderrFD = 2 // of both

// What the program tells the guard: bytes that no crash report has.
const (
	resumed  = 0 // it has been continued
	released = 1 // it is done with the screen
)

// guardOrder is what a guard is told to begin with.
type guardOrder struct {
	Termios unix.Termios // as the terminal has to be in the end
	PID     int          // of the program
	Group   int          // its process group
	Shell   int          // process group of who started it
}

// startGuard starts a guard that restores a terminal should this process die before
// release is called: its termios to what they are now, the primary screen, the cursor,
// mouse and bracketed paste. Call it right before the screen is taken over, and release
// right after it has been given back (before an os.Exit too: that would look like a
// death). release prints what has gone to stderr in between and ends the guard, which
// takes a few milliseconds, and never more than a second.
//
// Where there is an error there is no guard, and the program does as well without;
// release may be called all the same.
func startGuard(tty *os.File) (release func(), err error) {
	nothing := func() {}
	termios, err := getTermios(tty)
	if err != nil {
		return nothing, fmt.Errorf("reading the terminal's state: %w", err)
	}
	shell, _ := unix.Getpgid(os.Getppid()) // 0 where it has gone
	order, err := json.Marshal(guardOrder{Termios: *termios, PID: os.Getpid(), Group: unix.Getpgrp(), Shell: shell})
	if err != nil {
		return nothing, fmt.Errorf("telling the guard: %w", err)
	}
	path, err := os.Executable()
	if err != nil {
		return nothing, fmt.Errorf("finding this program: %w", err)
	}
	crashes, stdin, err := connection()
	if err != nil {
		return nothing, err
	}
	defer stdin.Close()
	stderr, stderrThere, err := connection()
	if err != nil {
		_ = crashes.Close()
		return nothing, err
	}
	defer stderrThere.Close()
	g := &guard{crashes: crashes, stderr: stderr, gone: make(chan struct{})}
	g.cmd = &exec.Cmd{
		Path:        path,
		Args:        []string{guardName},
		Env:         append(os.Environ(), guardVariable+"="+string(order)),
		Dir:         "/", // holds no file system back
		Stdin:       stdin,
		ExtraFiles:  []*os.File{tty, stderrThere},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := g.cmd.Start(); err != nil {
		_ = crashes.Close()
		_ = stderr.Close()
		return nothing, fmt.Errorf("starting the guard: %w", err)
	}
	g.redirect()
	return sync.OnceFunc(g.release), nil
}

// A guard is one as the program sees it.
type guard struct {
	cmd             *exec.Cmd
	crashes, stderr *os.File // to it
	continued       chan os.Signal
	told            chan struct{} // closed when nothing more is told by SIGCONT
	gone            chan struct{} // closed when the guard has ended

	mu    sync.Mutex
	saved int // a duplicate of what stderr was, or -1
}

// redirect sends crash reports, and what else goes to a terminal by stderr, to the guard.
func (g *guard) redirect() {
	g.saved = -1
	_ = debug.SetCrashOutput(g.crashes, debug.CrashOptions{}) // without it, it was killed
	if _, err := getTermios(os.Stderr); err == nil {
		if saved, err := unix.FcntlInt(stderrFD, unix.F_DUPFD_CLOEXEC, guardTTY); err == nil {
			g.saved = saved
			_ = duplicate(int(g.stderr.Fd()), stderrFD)
		}
	}
	go func() {
		defer close(g.gone)
		_ = g.cmd.Wait()
		g.stderrBack() // nobody reads the other end any more
	}()
	g.continued, g.told = make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(g.continued, unix.SIGCONT)
	go func() {
		defer close(g.told)
		for range g.continued {
			_, _ = g.crashes.Write([]byte{resumed})
		}
	}()
}

func (g *guard) stderrBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.saved >= 0 {
		_ = duplicate(g.saved, stderrFD)
		_ = unix.Close(g.saved)
		g.saved = -1
	}
}

func (g *guard) release() {
	signal.Stop(g.continued)
	close(g.continued)
	<-g.told
	g.stderrBack()
	_ = g.stderr.Close()
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	_, _ = g.crashes.Write([]byte{released})
	_ = g.crashes.Close()
	select {
	case <-g.gone:
	case <-time.After(guardEnd):
		_ = g.cmd.Process.Kill()
		<-g.gone
	}
}

// connection returns both ends of a connection that holds next to nothing: who crashes
// has to wait for the guard, which restores the terminal before it reads on. A shell with
// a line editor would otherwise be back first, and take raw mode for what the terminal has
// to be.
func connection() (here, there *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a connection to the guard: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 256) // or the least there is
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 256)
	}
	return os.NewFile(uintptr(fds[0]), "to the guard"), os.NewFile(uintptr(fds[1]), "from the program"), nil
}
