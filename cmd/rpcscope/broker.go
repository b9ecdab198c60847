package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc/broker"
	"rpcscope/cmd/internal/cli"
)

// brokerPassword is the environment variable of the password of --user. A flag would show in the list of processes.
const brokerPassword = "RPCSCOPE_BROKER_PASSWORD"

type brokerOptions struct {
	listen      string
	allowRemote bool
	user        string
	maxMessage  int
	memoryLimit int64
	logFormat   string
	quiet       bool
}

func brokerCommand() *cobra.Command {
	var o brokerOptions
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the in-process broker in the foreground, for other clients",
		Long: `broker runs an AMQP 0-9-1 broker for experiments and tests: the part of RabbitMQ that
RPC needs, with nothing to install. Any AMQP 0-9-1 client can use it. It prints a line
when it listens, and logs connections.

It has logins, heartbeats, queues (classic and quorum in name), publisher confirms,
mandatory returns, prefetch, acks, redelivery and expiration. It refuses everything
else, with NOT_IMPLEMENTED if AMQP says so: exchanges other than the default one,
transactions, TLS. It keeps nothing on disk, and has no clustering and no management.
For anything that matters run RabbitMQ.

It listens on the loopback interface, for guest with the password guest. The password
of another user (--user) is in $RPCSCOPE_BROKER_PASSWORD. With --allow-remote it may
listen where other machines can reach it. Nothing is encrypted then, passwords
included, and guest may still log in from this machine only.

SIGINT or SIGTERM closes all connections and exits with 0.`,
		Example: `  rpcscope broker
  rpcscope broker --listen 127.0.0.1:0
  RPCSCOPE_BROKER_PASSWORD=secret rpcscope broker --user me --listen :5672 --allow-remote`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.listen, "listen", "127.0.0.1:5672", "address to listen on; port 0 is any free port")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow an address that other machines can reach")
	flags.StringVar(&o.user, "user", "", "user who may log in, with the password in $"+brokerPassword+"\n(default guest, with the password guest)")
	flags.IntVar(&o.maxMessage, "max-message", 16<<20, "largest body of a message, in bytes")
	flags.Int64Var(&o.memoryLimit, "memory-limit", 256<<20, "bytes of messages in queues above which publishers are blocked")
	flags.StringVar(&o.logFormat, "log-format", "text", "of the log on stderr: text or json")
	flags.BoolVar(&o.quiet, "quiet", false, "warnings only in the log")
	return cmd
}

// config checks the flags and returns the broker's configuration. Its errors are usage errors.
func (o *brokerOptions) config(stderr io.Writer) (cfg broker.Config, err error) {
	password := os.Getenv(brokerPassword)
	switch _, bad := net.ResolveTCPAddr("tcp", o.listen); {
	case bad != nil:
		why := bad.Error()
		var address *net.AddrError
		var name *net.DNSError
		if errors.As(bad, &address) {
			why = address.Err
		} else if errors.As(bad, &name) {
			why = name.Err
		}
		return cfg, fmt.Errorf("--listen %q is not an address such as 127.0.0.1:5672: %s", o.listen, why)
	case o.maxMessage <= 0:
		return cfg, fmt.Errorf("--max-message must be positive, not %d", o.maxMessage)
	case o.memoryLimit <= 0:
		return cfg, fmt.Errorf("--memory-limit must be positive, not %d", o.memoryLimit)
	case o.user != "" && password == "":
		return cfg, fmt.Errorf("--user needs a password in $%s", brokerPassword)
	case o.user == "" && password != "":
		return cfg, fmt.Errorf("$%s is set, and --user is missing", brokerPassword)
	}
	cfg = broker.Config{
		Listen: o.listen, AllowRemote: o.allowRemote, MaxMessage: o.maxMessage, MemoryLimit: o.memoryLimit,
	}
	if o.user != "" {
		cfg.Users = map[string]string{o.user: password}
	}
	cfg.Log, err = cli.Logger(stderr, o.logFormat, o.quiet)
	return cfg, err
}

func (o *brokerOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	log := cli.NewLines(stderr)
	defer log.Flush()
	cfg, err := o.config(log)
	if err != nil {
		return err
	}
	b, err := broker.Start(cfg)
	if err != nil {
		return o.startError(err)
	}
	defer b.Close() //nolint:errcheck // the second Close returns the error
	if o.allowRemote && o.user == "" {
		cfg.Log.Warn("guest may log in from this machine only: other machines need --user")
	}
	fmt.Fprintf(stdout, " [x] Listening on %s (%s), in-process broker %s. To exit press CTRL+C\n", b.Addr(), o.url(b.Addr()), broker.Version)
	<-ctx.Done()
	cfg.Log.Info("closing", "signal", context.Cause(ctx), "connections", len(b.Connections()))
	return cli.Fail(cli.FellShort, b.Close())
}

// url returns the URL for clients, without the password. It has no path, because bunny and others take "/" for a
// virtual host with the empty name.
func (o *brokerOptions) url(address string) string {
	u := url.URL{Scheme: "amqp", Host: address}
	if o.user != "" {
		u.User = url.UserPassword(o.user, "PASSWORD")
	}
	return u.String()
}

// startError returns an error of broker.Start with a way out.
func (o *brokerOptions) startError(err error) error {
	switch {
	case errors.Is(err, broker.ErrNotLoopback):
		return cli.Fail(cli.Usage, fmt.Errorf("other machines could reach --listen %s, and nothing is encrypted: --allow-remote allows that", o.listen))
	case errors.Is(err, syscall.EADDRINUSE):
		return cli.Fail(cli.FellShort, fmt.Errorf("%s is in use, by a RabbitMQ perhaps: --listen 127.0.0.1:0 finds a free port and prints it", o.listen))
	}
	return cli.Fail(cli.FellShort, err)
}
