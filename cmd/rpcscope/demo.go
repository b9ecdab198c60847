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

// demoFlags are the defaults of demo: a load that can be followed, by servers that mostly wait, so that each further
// server adds throughput.
var demoFlags = runFlags{concurrency: 8, fib: "20-30", servers: 2, serverFlags: []string{"--delay=100ms"}}

// demoDialTimeout is the time that a broker has to answer. RabbitMQ takes three seconds to refuse a password.
const demoDialTimeout = 5 * time.Second

func demoCommand() *cobra.Command {
	var o screenOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The screen with two servers, and with an in-process broker if there is no other",
		Long: `demo is the screen with two servers on this machine and the broker of --url, of
$AMQP_URL, or on localhost. If that does not accept a connection within five seconds,
demo uses a broker in this process, and the screen shows the reason.

The in-process broker listens on a free loopback port, keeps everything in memory, and
ends with the screen. It behaves as RabbitMQ does, but its speed says nothing about
RabbitMQ's.

The servers wait 100 ms for each request, so that the screen can be followed and more
servers (s) do more work on any machine: see --server-flag.

On a RabbitMQ the queue (--queue) remains when the demo ends, as fibserver's does. If
others consume from it, demo starts no servers without --force.`,
		Example: `  rpcscope demo
  rpcscope demo --url amqp://guest:guest@localhost:5672/
  rpcscope demo -c 64 --fib 30 --server-flag=--delay=0s`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd.Flags()); err != nil {
				return err
			}
			return onScreen(os.Stdout, "`rpcscope load --servers 2`, on RabbitMQ or on `rpcscope broker`", func() error { return o.demo(cmd.Context(), os.Stdout, cmd.ErrOrStderr()) })
		},
	}
	o.add(cmd.Flags(), demoFlags)
	return cmd
}

// demo shows the screen, on an in-process broker if no other answers.
func (o *screenOptions) demo(ctx context.Context, stdout *os.File, stderr io.Writer) error {
	why, leave, err := brokerOrOwn(ctx, &o.broker, stderr)
	if err != nil {
		return err
	}
	defer leave()
	o.standIn = why
	return o.run(ctx, stdout, stderr)
}

// brokerOrOwn dials the broker of the flags. If it does not answer, brokerOrOwn starts one in this process, changes the
// flags to it and returns the reason. Call leave at the end.
func brokerOrOwn(ctx context.Context, flags *cli.BrokerFlags, stderr io.Writer) (why string, leave func(), err error) {
	leave = func() {}
	conn, err := flags.Broker("rpcscope")
	if err != nil {
		return "", leave, err
	}
	waiting := time.AfterFunc(time.Second, func() {
		fmt.Fprintln(stderr, "rpcscope: waiting for a broker to answer")
	})
	err = tryDial(ctx, conn)
	waiting.Stop()
	switch {
	case err == nil:
		return "", leave, nil
	case ctx.Err() != nil || !noBroker(err):
		return "", leave, dialError(ctx, err)
	}
	why = standInReason(err)
	leave, err = ownBroker(flags)
	if err != nil {
		err = cli.Fail(cli.NoBroker, fmt.Errorf("%s; and no in-process broker: %w", why, err))
	}
	return why, leave, err
}

// ownBroker starts a broker in this process and changes the flags to it.
func ownBroker(flags *cli.BrokerFlags) (leave func(), err error) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		return func() {}, err
	}
	flags.Use(b.URL())
	return func() { b.Close() }, nil //nolint:errcheck // it ends with the process
}

// serverCommand returns the hidden command fibserver: local servers run this executable.
func serverCommand() *cobra.Command {
	cmd := fibserver.Command()
	cmd.Hidden = true
	return cmd
}

// localPool returns the configuration of a pool of local servers on the same broker.
func localPool(broker *cli.BrokerFlags, args ...string) pool.Config {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return pool.Config{
		Command: []string{program, fibserver.Command().Name()},
		// Bubble Tea's init queries terminals unless they are dumb.
		Env:  []string{"TERM=dumb"},
		Args: args,
		URL:  broker.Environment(),
	}
}

// tryDial connects and disconnects.
func tryDial(ctx context.Context, b amqprpc.ConnConfig) error {
	b.DialTimeout = demoDialTimeout
	client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: b})
	if err != nil {
		return err
	}
	return client.Close()
}

// noBroker reports whether an error of Dial is that no broker answers or accepts the login.
func noBroker(err error) bool {
	var exit *cli.ExitError
	return errors.As(cli.OnBroker(err), &exit) && exit.Code == cli.NoBroker
}

// standInReason returns the reason for using an in-process broker. It may quote the other brokers.
func standInReason(err error) string {
	first, others, _ := strings.Cut(err.Error(), "\n")
	if others == "" {
		return first
	}
	return fmt.Sprintf("%s; nor to %d more", first, strings.Count(others, "\n")+1)
}

// standInAdvice returns the screen's notice of an in-process broker, short enough for any screen, or "" if why is "".
func standInAdvice(command, why string) string {
	if why == "" {
		return ""
	}
	return "In-process broker (" + text.Escape(strings.TrimPrefix(why, "cannot connect to "), 66) +
		"). Run " + cli.Program("rpcscope") + " " + command + " --url amqp://user:password@host/ to use a RabbitMQ of yours."
}
