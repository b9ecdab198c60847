package lab

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a panic that was caught, so that the terminal can be restored and the
// servers ended before it is told of. It is a bug, of the lab, of a callback or of the
// screen. From then on nothing of the lab need work but [Lab.Close].
type PanicError struct {
	Value any
	Stack []byte // of the goroutine, where it happened
}

// Panicked makes an error of what recover returned. Call it in the deferred function that
// recovers, where the stack is still that of the panic.
func NewPanicError(v any) *PanicError { return &PanicError{v, debug.Stack()} }

// Error returns what was panicked with and, after an empty line, the stack: many lines.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// StackTrace returns Stack. An error that has this method has lines to be kept.
func (e *PanicError) StackTrace() []byte { return e.Stack }

// Unwrap returns Value where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// catch is deferred wherever code of the lab, or a callback of its config, begins to run
// on a goroutine: a panic would end the program, and leave a terminal in disorder. The
// first one is kept for [Look].
func (l *Lab) catch() {
	if v := recover(); v != nil {
		l.panicked.CompareAndSwap(nil, NewPanicError(v))
	}
}
