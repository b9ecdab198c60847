//go:build linux || darwin

package main

import (
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

const (
	guardLooks = 200 * time.Millisecond // between two looks at who has the terminal
	guardDrain = 100 * time.Millisecond // for what is left of stderr, at most
	guardEnd   = 900 * time.Millisecond // after the program, at most
)

// guardMain reports whether this process is a guard, after it has done what guards do.
// main returns at once where it is.
func guardMain() bool {
	told, ok := os.LookupEnv(guardVariable)
	if !ok {
		return false
	}
	// SIGTTOU would stop it when it changes a terminal that the shell has again.
	signal.Ignore(unix.SIGTTOU, unix.SIGTTIN, unix.SIGTSTP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	nameGuard()
	w := watch{tty: os.NewFile(guardTTY, "terminal"), inFront: true}
	if err := json.Unmarshal([]byte(told), &w.order); err != nil {
		return true // nothing to do for whoever has set the variable
	}
	w.watch(os.Stdin, os.NewFile(guardStderr, "stderr"))
	return true
}

// A watch is a guard at work.
type watch struct {
	order   guardOrder
	tty     *os.File
	inFront bool // the program had the terminal when this was looked at last
	left    bool // its screen has been left
	report  crashReport
}

// watch returns when the program has died, or has released it.
func (w *watch) watch(crash, stderr io.Reader) {
	crashes, texts := chunks(crash), chunks(stderr)
	look := time.NewTicker(guardLooks)
	defer look.Stop()
	for {
		select {
		case chunk, ok := <-crashes:
			if !ok || w.hear(chunk) {
				w.end(texts)
				return
			}
		case chunk, ok := <-texts:
			if !ok {
				texts = nil // what crashes says it as well
			}
			w.report.stderr.add(chunk)
		case <-look.C:
			if os.Getppid() != w.order.PID { // though somebody has inherited its end
				w.end(texts)
				return
			}
			group, err := foreground(w.tty)
			w.inFront = err == nil && group == w.order.Group
		}
	}
}

// hear takes what the program has said, and reports whether it was the last.
func (w *watch) hear(chunk []byte) (last bool) {
	for i, c := range chunk {
		switch c {
		case resumed:
			w.inFront = true // if it is not, the next look will tell
		case released:
			w.report.released = true
			return true
		default:
			w.report.crash.add(chunk[i : i+1])
			w.leave() // while the program is dying
		}
	}
	return false
}

// end says why the program has gone, if it had the terminal.
func (w *watch) end(texts <-chan []byte) {
	time.AfterFunc(guardEnd-guardDrain, func() { os.Exit(1) }) // the terminal may be stopped, by ctrl+s
	drain := time.After(guardDrain)
	for texts != nil {
		select {
		case chunk, ok := <-texts:
			if !ok {
				texts = nil
			}
			w.report.stderr.add(chunk)
		case <-drain: // somebody else has that stderr too
			texts = nil
		}
	}
	if !w.report.released {
		if w.leave(); !w.left {
			return
		}
	}
	_, _ = io.WriteString(w.tty, w.report.String())
}

// leave restores the terminal, if the program has it. While that is suspended it has not,
// and there is nothing to be restored: what is on the terminal then is the shell's.
func (w *watch) leave() {
	if w.left {
		return
	}
	group, err := foreground(w.tty)
	if err != nil {
		return // hung up
	}
	now, err := getTermios(w.tty)
	if err != nil {
		return
	}
	if !w.order.ours(group, w.inFront, raw(now)) {
		return
	}
	w.left = true
	if raw(now) { // else the shell was faster
		_ = setTermios(w.tty, &w.order.Termios)
	}
	_, _ = io.WriteString(w.tty, leaveScreen)
}

// ours reports whether a terminal is to be restored: nobody but the program and its shell
// has it now, and the program had it before, or else has left it as no shell does.
func (o guardOrder) ours(group int, inFront, raw bool) bool {
	return group == o.Group || group == o.Shell && (inFront || raw)
}

// chunks returns what is read, until there is no more.
func chunks(r io.Reader) <-chan []byte {
	c := make(chan []byte)
	go func() {
		defer close(c)
		for {
			buf := make([]byte, 4096)
			n, err := r.Read(buf)
			if n > 0 {
				c <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return c
}
