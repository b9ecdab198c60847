// Package cli holds the parts that the commands share: exit codes and signals, the flags that name a broker, error
// texts and logs.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// The exit codes of all commands.
const (
	OK          = 0
	FellShort   = 1 // a failed call, a failed claim
	Usage       = 2
	NoBroker    = 3
	Interrupted = 130
)

// An ExitError is an error with an exit code. If Err is nil, nothing is printed.
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

// Main runs a command and returns the exit code of the process. It prints an error on stderr, in one line.
func Main(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.Version = version()
	root.SetArgs(args)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(FlagError)
	if root.HasSubCommands() {
		root.AddCommand(helpCommand())
		root.SetHelpCommand(&cobra.Command{Hidden: true}) // cobra does not suggest its help command
	}
	root.PersistentPreRunE = noEmptyFlags
	var wrote error
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) { // cobra drops the error
		var text bytes.Buffer
		out := cmd.OutOrStdout()
		cmd.SetOut(&text)
		help(cmd, args)
		_, wrote = text.WriteTo(out)
	})
	ran, err := root.ExecuteContextC(ctx)
	if write := (*fs.PathError)(nil); errors.As(err, &write) && write.Op == "write" { // of --version
		wrote = err
	}
	if wrote != nil {
		err = Fail(FellShort, wrote)
	}
	if err == nil {
		return OK
	}
	code := Usage // errors of cobra, of flags and of arguments have no code
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		code = exit.Code
		if exit.Err == nil {
			return code
		}
	}
	fmt.Fprintf(stderr, "%s: %s\n", root.Name(), errorText(err))
	if code == Usage {
		if ran.Name() == "help" {
			ran = root
		}
		fmt.Fprintf(stderr, "Try '%s --help'.\n", ran.CommandPath())
	}
	return code
}

// errorText returns the text of an error without passwords and control characters, because an error may quote
// arguments, brokers and servers. It is one line, unless the error has a stack.
func errorText(err error) string {
	separator := "; "
	var panicked interface{ StackTrace() []byte }
	if errors.As(err, &panicked) {
		separator = "\n"
	}
	all := strings.ReplaceAll(amqprpc.Redact(err.Error()), amqprpc.ErrInvalidConfig.Error()+": ", "")
	lines := strings.Split(strings.TrimRight(all, "\n"), "\n")
	for i, line := range lines {
		rest := strings.TrimLeft(line, "\t") // stacks are indented
		lines[i] = line[:len(line)-len(rest)] + text.Escape(rest, math.MaxInt)
	}
	return strings.Join(lines, separator)
}

// Fail returns err with an exit code, or nil if err is nil.
func Fail(code int, err error) error {
	if err == nil {
		return nil
	}
	return &ExitError{code, err}
}

// OnBroker returns an error of Dial or Serve with its exit code.
func OnBroker(err error) error {
	var dial *amqprpc.DialError
	switch {
	case errors.Is(err, amqprpc.ErrInvalidConfig):
		return Fail(Usage, err)
	case errors.As(err, &dial) && dial.Connected:
		return Fail(FellShort, err) // the broker refused
	}
	return Fail(NoBroker, err)
}

// Backoff controls the delay between reconnect attempts of the commands. It is short, because people are waiting.
var Backoff = amqprpc.Backoff{First: 100 * time.Millisecond, Max: 2 * time.Second}

// TwoSignals returns a context that ends at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process at once
// with the exit code [Interrupted]. The context's cause is "interrupted", "terminated" or "hangup". stop stops the
// handling of the signals.
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

// sameSignal is the time during which a second signal counts as the first one: timeout(1) sends its signal to a
// process and then to the process group.
const sameSignal = 200 * time.Millisecond
