package lab

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a panic that was caught, so that the terminal could be restored and the servers
// stopped. After it only [Lab.Close] is sure to work.
type PanicError struct {
	Value any
	Stack []byte
}

// NewPanicError returns the error of a recovered value. Call it in the deferred function that
// recovers: the stack is still that of the panic there.
func NewPanicError(v any) *PanicError { return &PanicError{v, debug.Stack()} }

// Error returns the value and, after an empty line, the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// StackTrace returns Stack. Commands print errors with this method on several lines.
func (e *PanicError) StackTrace() []byte { return e.Stack }

// catch is deferred in all goroutines of the lab and around all callbacks, since a panic would
// leave the terminal in disorder. It keeps the first panic for [Snapshot].Err.
func (l *Lab) catch() {
	if v := recover(); v != nil {
		l.panicked.CompareAndSwap(nil, NewPanicError(v))
	}
}
