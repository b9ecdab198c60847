//go:build linux || darwin

package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// whileForeground returns a context that ends if another process group has been in the terminal's foreground for
// a second. That happens if the program that started this one, such as `go run`, was killed: its shell takes the
// terminal back, no key reaches the screen, and the screen would draw over the shell. A suspended job does not
// run and so does not notice. stop ends the watch but not the context.
func whileForeground(ctx context.Context, terminal *os.File) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	fd, own := int(terminal.Fd()), unix.Getpgrp()
	stopped := make(chan struct{})
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for background := 0; background < 5; {
			select {
			case <-stopped:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && group != own {
				background++
			} else {
				background = 0
			}
		}
		cancel(errTakenOver)
	}()
	return ctx, func() { close(stopped) }
}
