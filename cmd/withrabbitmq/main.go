// Command withrabbitmq runs a command beside a private RabbitMQ node. The node's address is in AMQP_URL:
//
//	go run ./cmd/withrabbitmq go run ./cmd/rpcscope load --servers 2
//
// It needs the package rabbitmq-server to be installed, but no RabbitMQ to run. The node listens on a free loopback port and
// ends with the command. The exit code is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"rpcscope/amqprpc/broker/rabbitmq"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fmt.Fprintln(os.Stderr, "usage: withrabbitmq COMMAND [ARGUMENT...]")
		return 2
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	terminated := make(chan struct{})
	go func() {
		for s := range signals {
			cancel() // while the node boots
			// Ctrl+C reaches the command by itself, since it is in the same process group.
			if s == syscall.SIGTERM {
				close(terminated)
				return
			}
		}
	}()
	node, err := rabbitmq.Start(ctx, rabbitmq.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "withrabbitmq:", err)
		return 3
	}
	defer node.Close() //nolint:errcheck // nothing can be done about it
	fmt.Fprintf(os.Stderr, "withrabbitmq: RabbitMQ %s, its address is in AMQP_URL\n", node.Version())
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "AMQP_URL="+node.URL())
	if err = cmd.Start(); err == nil {
		go func() {
			<-terminated
			cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		}()
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "withrabbitmq:", err)
		return 1
	}
	return 0
}
