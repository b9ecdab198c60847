package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// arguments moves the numbers of call behind "--", because pflag would take -5 for a flag.
func arguments(args []string) []string {
	negative := func(a string) bool { return number.MatchString(a) && a[0] == '-' }
	if len(args) == 0 || args[0] != "call" || !slices.ContainsFunc(args, negative) {
		return args
	}
	var flags, numbers []string
	for i, a := range args {
		switch {
		case a == "--":
			return slices.Concat(flags, []string{"--"}, numbers, args[i+1:])
		case number.MatchString(a) && !takesValue(args[i-1]):
			numbers = append(numbers, a)
		default:
			flags = append(flags, a)
		}
	}
	return slices.Concat(flags, []string{"--"}, numbers)
}

// takesValue reports whether the argument after a is the value of the flag a.
func takesValue(a string) bool {
	return strings.HasPrefix(a, "--") && !strings.Contains(a, "=") && a != "--json"
}

var number = regexp.MustCompile(`^[-+]?[0-9]+$`)

const maxDigits = 10_000 // of an N on the command line

func callCommand() *cobra.Command {
	var broker cli.BrokerFlags
	var queue string
	var timeout time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "call N...",
		Short: "Request fib(N), one after the other, and print the replies",
		Long: `call is the tutorial's client: it requests fib(N) for each N and prints the reply.
Errors are printed on stderr, and make the exit code 1.

With --json it prints one object for each N, in one line:
{"n":30,"result":"832040","correlation_id":"...","service_ms":1.2,"server":"fib-1"} or
{"n":-1,"error":{"code":"INVALID_ARGUMENT","message":"..."}}
code is the server's code (upper case) or, if no server answered, the outcome of the
call: timeout, unroutable, rejected, expired, connection_lost, ...`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("call needs an N, such as 30")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout must be positive, not %v", timeout)
			}
			if err := amqprpc.CheckQueueName(queue); err != nil {
				return fmt.Errorf("--queue: %w", err)
			}
			for _, a := range args {
				if len(a) > maxDigits && number.MatchString(a) {
					return fmt.Errorf("a number of %d digits is too long, the limit is %d", len(a), maxDigits)
				}
				if !number.MatchString(a) || len(a) > maxDigits {
					return fmt.Errorf("%s is not a whole number", text.Escape(fmt.Sprintf("%q", amqprpc.Redact(a)), 50))
				}
			}
			b, err := broker.Broker("rpcscope")
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: b, Queue: queue, Timeout: timeout, Backoff: cli.Backoff})
			if err != nil {
				return dialError(ctx, err)
			}
			defer client.Close()
			c := caller{client: client, queue: queue, asJSON: asJSON, out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()}
			return c.callAll(ctx, args)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	broker.Add(flags)
	flags.StringVar(&queue, "queue", "rpc_queue", "queue to send requests to")
	flags.DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for each reply")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object per line")
	return cmd
}

type caller struct {
	client   *amqprpc.Client
	queue    string
	asJSON   bool
	out, err io.Writer
	writeErr error // of out
}

// Write writes to out and keeps the first error.
func (c *caller) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	if err != nil && c.writeErr == nil {
		c.writeErr = err
	}
	return n, err
}

// callAll makes a call for each n and prints its outcome. It returns an exit code.
func (c *caller) callAll(ctx context.Context, ns []string) error {
	failed := false
	for _, n := range ns {
		err := c.call(ctx, n)
		if c.writeErr != nil {
			return cli.Fail(cli.FellShort, c.writeErr)
		}
		if err != nil {
			if ctx.Err() != nil {
				return &cli.ExitError{Code: cli.Interrupted}
			}
			failed = true
		}
	}
	if failed {
		return &cli.ExitError{Code: cli.FellShort}
	}
	return nil
}

type callResult struct {
	N             json.Number `json:"n"`
	Result        string      `json:"result"`
	CorrelationID string      `json:"correlation_id"`
	ServiceMS     float64     `json:"service_ms"`
	Server        string      `json:"server"`
}

type callFailure struct {
	N     json.Number `json:"n"`
	Error callError   `json:"error"`
}

type callError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (c *caller) call(ctx context.Context, arg string) error {
	value, ok := new(big.Int).SetString(arg, 10)
	if !ok {
		return fmt.Errorf("%q is not a whole number", arg)
	}
	n := value.String()
	if !c.asJSON {
		fmt.Fprintf(c, " [x] Requesting fib(%s)\n", shorten(n))
	}
	reply, err := c.client.Call(ctx, amqprpc.Request{Body: []byte(n), ContentType: "text/plain"})
	if err != nil {
		failure := newCallError(err, c.queue)
		if c.asJSON {
			c.print(callFailure{json.Number(n), failure})
		}
		fmt.Fprintf(c.err, "rpcscope: fib(%s): %s\n", shorten(n), text.Escape(failure.Code+": "+failure.Message, 400))
		return err
	}
	if c.asJSON {
		c.print(callResult{
			N: json.Number(n), Result: string(reply.Body), CorrelationID: reply.CorrelationID,
			ServiceMS: float64(reply.Latency.Microseconds()) / 1000, Server: reply.Server,
		})
		return nil
	}
	fmt.Fprintf(c, " [.] Got %s\n", result(reply.Body))
	return nil
}

func (c *caller) print(v any) {
	report.PrintJSON(c, v) //nolint:errcheck // c keeps the error
}

// newCallError returns the code and the message of a failed call.
func newCallError(err error, queue string) callError {
	var remote *amqprpc.RemoteError
	if errors.As(err, &remote) {
		return callError{remote.Code, remote.Message}
	}
	var call *amqprpc.CallError
	if !errors.As(err, &call) {
		return callError{"invalid", err.Error()}
	}
	text := call.Reason()
	if denied := (*amqprpc.PermissionError)(nil); errors.As(err, &denied) {
		return callError{call.Outcome.String(), denied.Error()}
	}
	switch call.Outcome {
	case amqprpc.Unroutable:
		text = fmt.Sprintf("no queue %q: no server has declared it", queue)
	case amqprpc.Timeout:
		text = "no reply before the deadline"
		if call.NotExecuted {
			text = "the deadline passed before the request could be sent: the connection was lost, or the broker blocks publishers"
		}
	case amqprpc.Canceled:
		text = "interrupted" // the only reason
	case amqprpc.ConnectionLost:
		text = "no reply came before the connection was lost"
		if call.Err != nil {
			text += ": " + call.Err.Error()
		}
	}
	return callError{call.Outcome.String(), text}
}

// result returns the body of a reply. If it is not a number it is escaped and shortened.
func result(body []byte) string {
	if number.Match(body) {
		return string(body)
	}
	return text.Escape(string(body), 400)
}

func shorten(digits string) string {
	if len(digits) <= 60 {
		return digits
	}
	return fmt.Sprintf("%s…%s (%d digits)", digits[:20], digits[len(digits)-5:], len(digits))
}
