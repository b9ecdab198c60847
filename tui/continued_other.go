//go:build !unix

package tui

import "os"

// notifyContinued does nothing, since there is no SIGCONT.
func notifyContinued(chan<- os.Signal) (stop func()) { return func() {} }
