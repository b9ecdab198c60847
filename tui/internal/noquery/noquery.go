// Package noquery keeps Bubble Tea's init from querying the terminal.
//
// That init asks for the background colour. It waits 5 s if the terminal does not answer (a serial line,
// a recorder, many web consoles), and it loses what the user has typed ahead for the shell. The screen uses
// the sixteen colours that suit any background, so it needs no answer.
//
// Bubble Tea does not query a terminal if TERM is "dumb". This package sets that while packages are
// initialised, and [Restore] sets TERM back. Go initialises packages in the order of their paths, as soon as
// all their imports are initialised (Go specification, "Program initialization"). This package imports only
// os, so it comes before strings, which Bubble Tea imports. It must not import anything else.
package noquery

import "os"

var term, set = func() (string, bool) {
	term, set := os.LookupEnv("TERM")
	_ = os.Setenv("TERM", "dumb") // if it fails, the terminal is queried
	return term, set
}()

// Restore sets TERM back. A package that imports Bubble Tea calls it in its own init.
func Restore() {
	if set {
		_ = os.Setenv("TERM", term)
	} else {
		_ = os.Unsetenv("TERM")
	}
}
