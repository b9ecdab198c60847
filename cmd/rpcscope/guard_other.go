//go:build !linux && !darwin

package main

import (
	"errors"
	"os"
)

// startGuard starts nothing: there is no guard on this system.
func startGuard(*os.File) (release func(), err error) {
	return func() {}, errors.ErrUnsupported
}

// guardMain reports whether this process is a guard.
func guardMain() bool { return false }
