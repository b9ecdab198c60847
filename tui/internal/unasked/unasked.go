// Package unasked keeps libraries from asking the terminal questions before main begins.
//
// Bubble Tea's init asks for the background's colour. It waits 5 s for the answer of a
// terminal that gives none (a serial line, a recorder, many a web console), and what has
// been typed ahead for the shell is lost. The sixteen colours of the screen suit any
// background, so that nobody needs to know.
//
// Terminals of the kind "dumb" are asked nothing. That is what this package makes of the
// terminal while packages are initialised, and [Over] takes back. It works since packages
// are initialised as soon as all that they import is, in the order of their paths (the
// specification of Go, "Program initialization"): this one comes right after os, before
// strings, which Bubble Tea imports. So it must import nothing else.
package unasked

import "os"

var term, set = func() (string, bool) {
	term, set := os.LookupEnv("TERM")
	_ = os.Setenv("TERM", "dumb") // where it fails, it is asked
	return term, set
}()

// Over gives the terminal its kind back. A package that imports Bubble Tea calls it when it
// is initialised itself.
func Over() {
	if set {
		_ = os.Setenv("TERM", term)
	} else {
		_ = os.Unsetenv("TERM")
	}
}
