// Package cli is what the commands share: how they are ended, how their flags name
// a broker, and how they say what went wrong.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
)

// The exit codes of all commands.
const (
	OK          = 0
	FellShort   = 1 // it ran and fell short: a failed call, a failed claim
	Usage       = 2
	NoBroker    = 3
	Interrupted = 130
)

// An ExitError is an error with an exit code. A nil Err has been reported already.
type ExitError struct {
	Code int
	Err  error
}

// Error returns Err's text.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *ExitError) Unwrap() error { return e.Err }

// Main runs a command and returns the process's exit code. Errors are told on
// stderr in one line each.
func Main(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetArgs(args)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return OK
	}
	code := Usage // cobra's own errors are all about usage
	var exit *ExitError
	var dial *amqprpc.DialError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
		if exit.Err == nil {
			return code
		}
	case errors.As(err, &dial):
		code = NoBroker
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(stderr, "%s: %s\n", root.Name(), text)
	if code == Usage {
		fmt.Fprintf(stderr, "Try '%s --help'.\n", root.Name())
	}
	return code
}

// Fail wraps an error with an exit code. A nil error stays nil.
func Fail(code int, err error) error {
	if err == nil {
		return nil
	}
	return &ExitError{code, err}
}

// OnBroker gives an error of Dial or Serve its exit code.
func OnBroker(err error) error {
	if errors.Is(err, amqprpc.ErrInvalidConfig) {
		return Fail(Usage, err)
	}
	return Fail(NoBroker, err)
}

// TwoSignals returns a context that ends at the first of the signals; the second
// one ends the process at once with the exit code [Interrupted]. Call stop to let go
// of the signals.
func TwoSignals(parent context.Context, signals <-chan os.Signal) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			cancel(fmt.Errorf("%v", s))
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(Interrupted)
		case <-done:
		}
	}()
	return ctx, func() { close(done); cancel(nil) }
}
