package lab

import (
	"fmt"
	"io"
	"runtime/debug"
)

// A PanicError says that something in the lab has panicked. It is a bug, of the lab or of
// a callback. From then on nothing of the lab need work but [Lab.Close].
type PanicError struct {
	Value any
	Stack []byte // of the goroutine, where it happened
}

// Error names what was panicked with, in one line.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns Value where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Format adds the stack where the verb is %+v.
func (e *PanicError) Format(s fmt.State, verb rune) {
	io.WriteString(s, e.Error()) //nolint:errcheck // fmt keeps it
	if verb == 'v' && s.Flag('+') {
		fmt.Fprintf(s, "\n\n%s", e.Stack)
	}
}

// catch is deferred wherever code of the lab, or a callback of its config, begins to run
// on a goroutine: a panic would end the program, and leave a terminal in disorder. The
// first one is kept for [Look].
func (l *Lab) catch() {
	if v := recover(); v != nil {
		l.panicked.CompareAndSwap(nil, &PanicError{v, debug.Stack()})
	}
}
