package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/internal/fibserver"
	"rpcscope/server/pool"
	"rpcscope/tui/text"
)

// demoFlags are defaults for a first look: no fan turns, rows can be read, and each further
// server takes its share, as their work is mostly waiting.
var demoFlags = runFlags{concurrency: 8, fib: "20-30", servers: 2, serverFlags: []string{"--delay=100ms"}}

// demoPatience is how long each of the brokers that were asked for has to answer: RabbitMQ takes
// three seconds to refuse a password.
const demoPatience = 5 * time.Second

func demoCommand() *cobra.Command {
	var o screenOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The screen with two servers, and a broker of its own where there is none",
		Long: `demo is the screen with everything on this machine: two servers, and the broker of
--url, of $AMQP_URL, or on localhost. If that does not let it in within five seconds,
a broker in this process takes its place: the screen says so, and why.

The in-process broker listens on a free loopback port, holds what it has in memory,
and is gone with the screen. What it does is what RabbitMQ does, but how fast it is
says nothing of RabbitMQ.

The servers wait 100 ms for each request, so that the screen can be followed and
more servers (s) do more work on whatever machine: see --server-flag.

On a RabbitMQ the queue (--queue) stays when the demo ends, as fibserver's does. If
somebody else consumes from it, the demo starts no servers there unless --force says so.`,
		Example: `  rpcscope demo
  rpcscope demo --url amqp://guest:guest@localhost:5672/
  rpcscope demo -c 64 --fib 30 --server-flag=--delay=0s`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd.Flags()); err != nil {
				return err
			}
			if err := needTerminal(os.Stdout, "`rpcscope load --servers 2`, on RabbitMQ or on `rpcscope broker`"); err != nil {
				return err
			}
			return o.demo(cmd.Context(), os.Stdout, cmd.ErrOrStderr())
		},
	}
	o.add(cmd.Flags(), demoFlags)
	return cmd
}

// demo shows the screen on the broker that was asked for, or else on one of its own.
func (o *screenOptions) demo(ctx context.Context, stdout *os.File, stderr io.Writer) error {
	why, leave, err := brokerOrOwn(ctx, &o.broker, stderr)
	if err != nil {
		return err
	}
	defer leave()
	o.standIn = why
	return o.run(ctx, stdout, stderr)
}

// brokerOrOwn finds out whether the broker that was asked for answers. If not, the flags
// name one in this process from then on, and why says why. Call leave when it is not needed
// any more.
func brokerOrOwn(ctx context.Context, flags *cli.BrokerFlags, stderr io.Writer) (why string, leave func(), err error) {
	leave = func() {}
	asked, err := flags.Broker("rpcscope")
	if err != nil {
		return "", leave, err
	}
	waiting := time.AfterFunc(time.Second, func() {
		fmt.Fprintln(stderr, "rpcscope: waiting for a broker to answer")
	})
	err = answers(ctx, asked)
	waiting.Stop()
	switch {
	case err == nil:
		return "", leave, nil
	case ctx.Err() != nil:
		return "", leave, cli.Fail(cli.Interrupted, context.Cause(ctx))
	case !nobody(err):
		return "", leave, cli.OnBroker(err)
	default:
		why = whyStandIn(err)
	}
	leave, err = ownBroker(flags)
	if err != nil {
		err = cli.Fail(cli.NoBroker, fmt.Errorf("%s; and no in-process broker: %w", why, err))
	}
	return why, leave, err
}

// ownBroker starts a broker in this process, which the flags name from then on.
func ownBroker(flags *cli.BrokerFlags) (leave func(), err error) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		return func() {}, err
	}
	flags.Use(b.URL())
	return func() { b.Close() }, nil //nolint:errcheck // it goes with the process
}

// serverCommand makes this program a fibserver: there need be none beside it.
func serverCommand() *cobra.Command {
	cmd := fibserver.Command()
	cmd.Hidden = true
	return cmd
}

// localPool configures a pool of servers that are this program, on the same broker.
func localPool(broker *cli.BrokerFlags, args ...string) pool.Config {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return pool.Config{
		Command: []string{program, fibserver.Command().Name()},
		// Bubble Tea asks terminals questions when it is initialised, dumb ones not.
		Env:  []string{"TERM=dumb"},
		Args: args,
		URL:  broker.Environment(),
	}
}

// answers returns nil if one of the URLs lets a client in.
func answers(ctx context.Context, b amqprpc.ConnConfig) error {
	b.DialTimeout = demoPatience
	client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: b})
	if err != nil {
		return err
	}
	return client.Close()
}

// nobody reports whether an error of Dial means that there is no broker for us, rather than
// one that refused something, or flags that make no sense.
func nobody(err error) bool {
	var exit *cli.ExitError
	return errors.As(cli.OnBroker(err), &exit) && exit.Code == cli.NoBroker
}

// whyStandIn says why none of the brokers that were asked for is used. It may quote them.
func whyStandIn(err error) string {
	first, others, _ := strings.Cut(err.Error(), "\n")
	if others == "" {
		return first
	}
	return fmt.Sprintf("%s; nor to %d more", first, strings.Count(others, "\n")+1)
}

// standInAdvice is what the screen says of an in-process broker, in as many words as there
// is always room for; "" where why is.
func standInAdvice(command, why string) string {
	if why == "" {
		return ""
	}
	return "In-process broker (" + text.Escape(strings.TrimPrefix(why, "cannot connect to "), 66) +
		"). Run " + cli.Program("rpcscope") + " " + command + " --url amqp://user:password@host/ to use a RabbitMQ of yours."
}
