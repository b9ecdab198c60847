// Package cli is what the commands share: how they are ended, how their flags name
// a broker, and how they say what went wrong.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

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
// stderr in one line each, and panics with their stack.
func Main(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.Version = version()
	root.SetArgs(args)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(flagError)
	if root.HasSubCommands() {
		root.SetHelpCommand(helpCommand())
	}
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return OK
	}
	code := Usage // cobra's own errors, and what flags and arguments are told of
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
		if exit.Err == nil {
			return code
		}
	}
	fmt.Fprintf(stderr, "%s: %s\n", root.Name(), errorText(err))
	if code == Usage {
		fmt.Fprintf(stderr, "Try '%s --help'.\n", ran.CommandPath())
	}
	return code
}

// errorText returns an error's text without passwords and without anything that a terminal
// would obey: an error may quote what somebody typed, and what brokers and servers wrote. It
// is one line, unless a stack is in it.
func errorText(err error) string {
	separator := "; "
	var panicked interface{ StackTrace() []byte }
	if errors.As(err, &panicked) {
		separator = "\n"
	}
	text := strings.ReplaceAll(amqprpc.Redact(err.Error()), amqprpc.ErrInvalidConfig.Error()+": ", "")
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	return strings.Join(lines, separator)
}

// escape writes what is not printable as Go would, except tabs at the beginning, which
// stacks have.
func escape(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		switch char := line[i : i+size]; {
		case r == '\t' && strings.Trim(line[:i], "\t") == "":
			b.WriteByte('\t')
		case r == utf8.RuneError && size == 1 || !strconv.IsPrint(r):
			quoted := strconv.Quote(char)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(char)
		}
		i += size
	}
	return b.String()
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
	var dial *amqprpc.DialError
	switch {
	case errors.Is(err, amqprpc.ErrInvalidConfig):
		return Fail(Usage, err)
	case errors.As(err, &dial) && dial.Connected:
		return Fail(FellShort, err) // there is a broker, and it said no
	}
	return Fail(NoBroker, err)
}

// Backoff is how the commands try for a lost connection: people are waiting.
var Backoff = amqprpc.Backoff{First: 100 * time.Millisecond, Max: 2 * time.Second}

// TwoSignals returns a context that ends at the first SIGINT, SIGTERM or SIGHUP; a
// second one ends the process at once with the exit code [Interrupted]. The context's cause is
// a word for the signal: "interrupted" (Ctrl+C), "terminated" or "hangup". Call stop to let go
// of the signals.
func TwoSignals(parent context.Context) (ctx context.Context, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancelCause(parent)
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				if first.IsZero() {
					first = time.Now()
					word := s.String()
					if s == os.Interrupt {
						word = "interrupted"
					}
					cancel(errors.New(word))
				} else if time.Since(first) > sameSignal {
					os.Exit(Interrupted)
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// sameSignal is how long a second signal counts as the first one: timeout(1) sends
// its signal to a process and then to the process's group.
const sameSignal = 200 * time.Millisecond
