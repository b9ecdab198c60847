// Command rpcscope explores RPC over RabbitMQ from a terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"

	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/text"
)

func main() {
	ctx, stop := cli.TwoSignals(context.Background())
	code := cli.Main(ctx, command(), arguments(os.Args[1:]), os.Stderr)
	stop()
	os.Exit(code)
}

// dialError returns an error of Dial with its exit code. If no broker answers, it says how to do without one.
func dialError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	}
	err = cli.OnBroker(err)
	var exit *cli.ExitError
	var op *net.OpError
	if errors.As(err, &exit) && exit.Code == cli.NoBroker && errors.As(err, &op) && op.Op == "dial" {
		program := cli.Program("rpcscope")
		exit.Err = fmt.Errorf("%w\n`%s demo` and `%s broker` need no RabbitMQ", exit.Err, program, program)
	}
	return err
}

// warn prints a line on stderr.
func warn(stderr io.Writer, format string, args ...any) {
	fmt.Fprintf(stderr, "rpcscope: %s\n", text.Escape(fmt.Sprintf(format, args...), 400))
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcscope",
		Short: "Explore RPC over RabbitMQ: the fate of every correlation ID",
		Long: `rpcscope sends RPC requests through one exclusive callback queue and shows, live, the
fate of every correlation ID: in flight, completed, failed and why, duplicate,
orphaned. fibserver answers the requests. The screen can start servers, break them, and
explain each call. ? shows the help, q quits and leaves a summary.

demo does the same without a RabbitMQ, tour explains it step by step, and replay shows a
recording (--record). call, load, scale, tour --check and replay --json need no terminal.

Exit codes: 0 as expected, 1 ran and fell short, 2 usage, 3 no broker,
130 interrupted.`,
		Example: `  rpcscope --servers 2
  rpcscope --url amqp://guest:guest@localhost:5672/ -c 16 --fib 20-30
  rpcscope demo`,
		Args:              cli.NoArgs,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	screenCommand(root)
	root.AddCommand(demoCommand(), tourCommand(), callCommand(), loadCommand(), scaleCommand(), replayCommand(), brokerCommand(), serverCommand())
	return root
}
