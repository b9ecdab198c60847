//go:build linux || darwin

package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// whileForeground returns a context that ends when others have the terminal's foreground
// for a second on end. That is so when whatever started the program, such as `go run`, has
// been killed: its shell takes the terminal back and knows nothing of us, so that no key can
// reach the screen, and it would draw over the shell for ever. A job that is suspended does
// not run, and sees nothing of this. stop ends the watch, and not the context.
func whileForeground(ctx context.Context, terminal *os.File) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	fd, own := int(terminal.Fd()), unix.Getpgrp()
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for others := 0; others < 5; {
			select {
			case <-stopped:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// An error is that of a terminal that has gone, which shows in other ways.
			if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && group != own {
				others++
			} else {
				others = 0
			}
		}
		cancel(errTakenOver)
	}()
	return ctx, func() {
		close(stopped)
		<-ended
	}
}
