//go:build !unix

package tui

import "os"

// notifyContinued does nothing: processes are not stopped there.
func notifyContinued(chan<- os.Signal) (stop func()) { return func() {} }
