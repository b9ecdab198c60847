// Command rpcscope explores RPC over RabbitMQ from a terminal.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"rpcscope/cmd/internal/cli"
)

func main() {
	ctx, stop := cli.TwoSignals(context.Background())
	code := cli.Main(ctx, command(), arguments(os.Args[1:]), os.Stderr)
	stop()
	os.Exit(code)
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcscope",
		Short: "Explore RPC over RabbitMQ: what became of every correlation ID",
		Long: `rpcscope fires RPC requests through one exclusive callback queue and says what became
of every correlation ID: completed, failed and why, duplicate, orphaned. fibserver
answers them.

Exit codes: 0 as expected, 1 ran and fell short, 2 usage, 3 no broker,
130 interrupted.`,
		Args:              cobra.NoArgs,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(callCommand(), loadCommand())
	return root
}
