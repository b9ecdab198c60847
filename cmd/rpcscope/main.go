// Command rpcscope explores RPC over RabbitMQ from a terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"rpcscope/cmd/internal/cli"
)

func main() {
	if guardMain() {
		return
	}
	ctx, stop := cli.TwoSignals(context.Background())
	code := cli.Main(ctx, command(), arguments(os.Args[1:]), os.Stderr)
	stop()
	os.Exit(code)
}

// onBroker gives an error of Dial its exit code, and whoever has no broker a way on. One that
// answers and refuses is there: who has mistyped a password looks for no other.
func onBroker(err error) error {
	err = cli.OnBroker(err)
	var exit *cli.ExitError
	var op *net.OpError
	if errors.As(err, &exit) && exit.Code == cli.NoBroker && errors.As(err, &op) && op.Op == "dial" {
		program := cli.Program("rpcscope")
		exit.Err = fmt.Errorf("%w\n`%s demo` and `%s broker` need no RabbitMQ", exit.Err, program, program)
	}
	return err
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcscope",
		Short: "Explore RPC over RabbitMQ: what became of every correlation ID",
		Long: `rpcscope fires RPC requests through one exclusive callback queue and shows, live, what
becomes of every correlation ID: in flight, completed, failed and why, duplicate,
orphaned. fibserver answers them; the screen can start some, break them, and tell
the story of each call. It has a help (?) and leaves a summary behind (q).

demo is the same without a RabbitMQ, tour a guided one, and replay shows a recording
(--record). Without a terminal there are call, load, scale, tour --check and
replay --json.

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
