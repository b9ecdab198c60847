//go:build unix

package tui

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyContinued has c told when the process goes on that was stopped.
func notifyContinued(c chan<- os.Signal) (stop func()) {
	signal.Notify(c, syscall.SIGCONT)
	return func() { signal.Stop(c) }
}
