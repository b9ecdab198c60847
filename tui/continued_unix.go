//go:build unix

package tui

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyContinued sends every SIGCONT to c.
func notifyContinued(c chan<- os.Signal) (stop func()) {
	signal.Notify(c, syscall.SIGCONT)
	return func() { signal.Stop(c) }
}
