// Command rpcscope explores RPC over RabbitMQ from a terminal.
package main

import (
	"context"
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

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcscope",
		Short: "Explore RPC over RabbitMQ: what became of every correlation ID",
		Long: `rpcscope fires RPC requests through one exclusive callback queue and shows, live, what
becomes of every correlation ID: in flight, completed, failed and why, duplicate,
orphaned. fibserver answers them; the screen can start some, break them, and tell
the story of each call. It has a help (?) and leaves a summary behind (q).

Without a terminal there are the commands below.

Exit codes: 0 as expected, 1 ran and fell short, 2 usage, 3 no broker,
130 interrupted.`,
		Example: `  rpcscope --servers 2
  rpcscope --url amqp://guest:guest@localhost:5672/ -c 16 --fib 20-30`,
		Args:              cobra.NoArgs,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	screenCommand(root)
	root.AddCommand(callCommand(), loadCommand())
	return root
}
