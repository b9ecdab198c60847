// Command fibserver answers the fib requests of a RabbitMQ queue, as the server of
// RabbitMQ's sixth tutorial does, and misbehaves on request.
package main

import (
	"context"
	"os"

	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/internal/fibserver"
)

func main() {
	ctx, stop := cli.TwoSignals(context.Background())
	code := cli.Main(ctx, fibserver.Command(), os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}
