package fibserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server"
	"rpcscope/server/pool"
)

type options struct {
	broker     cli.BrokerFlags
	queue      string
	queueType  string
	expires    time.Duration
	prefetch   int
	workers    int
	name       string
	seed       int64
	logFormat  string
	quiet      bool
	replay     int
	confirm    bool
	maxMessage int
	counter    server.Counter
	service    server.Config
}

// Command returns the command. It drains when its context ends.
func Command() *cobra.Command { return new(options).command() }

// CheckFlags returns an error if the command does not accept these flags.
func CheckFlags(args []string) error {
	var o options
	cmd := o.command()
	switch err := cmd.ParseFlags(args); {
	case errors.Is(err, pflag.ErrHelp):
		return errors.New("--help starts no server")
	case err != nil:
		return cli.FlagError(cmd, err)
	}
	if err := cli.NoArgs(cmd, cmd.Flags().Args()); err != nil {
		return err
	}
	if cmd.Flags().Changed("url") {
		if _, err := o.broker.Broker(o.name); err != nil {
			return err
		}
	}
	_, err := o.validate()
	return err
}

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fibserver",
		Short: "Answer fib(n) requests from a RabbitMQ queue",
		Long: `fibserver answers the fib requests of a RabbitMQ queue: the body of a request is n in
decimal digits, the body of its reply fib(n). It prints a line once it consumes, and one
for each request, as the tutorial's server does.

SIGINT or SIGTERM makes it finish the requests that it has started and exit with 0. A
second one ends it at once. Either way no request is lost: one that is not answered and
acked goes back to the queue.

Under load the line for each request is a lot of output: --quiet leaves it out.

Each fault (--fault) has its own probability, for example
--fault crash-before-ack=0.01,duplicate=0.05:
  crash-before-ack    reply, wait for the reply's confirm, then die by SIGKILL
  crash-before-reply  compute, then die by SIGKILL
  early-ack           ack, compute, then die by SIGKILL: the request is lost
  duplicate           reply twice
  unknown             also send a reply with a fresh correlation ID
  drop                ack, never reply
  error, panic        answer with an error; panic in the handler
  slow=P:DURATION     sleep first, whatever the caller's deadline
  ack-delay=DURATION  wait between reply and ack: a kill then makes a duplicate
A name without a probability means always.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.seed = rand.Int64()
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.broker.Add(flags)
	flags.StringVar(&o.queue, "queue", "rpc_queue", "queue to answer")
	flags.StringVar(&o.queueType, "queue-type", string(amqprpc.QueueAuto), "auto (use it as it is, else declare it quorum), quorum, classic\n(durable), or transient (RabbitMQ 4.3 and later refuse it)")
	flags.DurationVar(&o.expires, "queue-expires", 0, "if this declares the queue, the broker deletes it after this long without\nconsumers; 0 means never")
	flags.IntVar(&o.prefetch, "prefetch", 1, "requests that the broker may hand over before the first is acked;\n0 means no limit")
	flags.IntVar(&o.workers, "workers", 1, "requests to compute at the same time")
	flags.Var(&o.service.Algorithm, "algorithm", "recursive, iterative or doubling")
	flags.IntVar(&o.service.MaxN, "max-n", 0, fmt.Sprintf("refuse a greater n (default what the algorithm does in about ten\nseconds: recursive %d, iterative %d, doubling %d)",
		server.Recursive.DefaultMaxN(), server.Iterative.DefaultMaxN(), server.Doubling.DefaultMaxN()))
	flags.DurationVar(&o.service.Delay, "delay", 0, "extra work for each request that needs no CPU")
	flags.StringVar(&o.name, "name", fmt.Sprintf("fib-%d@%s", os.Getpid(), pool.Host()), "name of this server in replies and at the broker")
	flags.IntVar(&o.replay, "replay", 0, "replies to store: a request that was answered before gets the stored\nreply and is not computed again")
	flags.BoolVar(&o.confirm, "confirm-replies", false, "ack a request only after the broker has confirmed its reply: for reply\nqueues that outlive their callers")
	flags.IntVar(&o.maxMessage, "max-message", 16<<20, "largest reply in bytes; a larger result is answered RESOURCE_EXHAUSTED")
	flags.StringVar(&o.counter.File, "counter", "", "instead of computing fib(n), add n to the counter in this file, and\nanswer with the sum: servers with the same file have the same counter")
	flags.BoolVar(&o.counter.Once, "once", false, "with --counter: a correlation ID that has added adds nothing more, and gets\nthe same answer again")
	flags.Var(&o.service.Faults, "fault", "faults to inject, see above")
	flags.Int64Var(&o.seed, "seed", 0, "seed of the random faults (default a new one each time)")
	flags.StringVar(&o.logFormat, "log-format", "text", "of the log on stderr: text or json")
	flags.BoolVar(&o.quiet, "quiet", false, "no line for each request; warnings only in the log")
	return cmd
}

// validate checks the flags that do not name the broker, and returns the service.
func (o *options) validate() (*server.Service, error) {
	if err := amqprpc.CheckQueueName(o.queue); err != nil {
		return nil, fmt.Errorf("--queue: %w", err)
	}
	if _, err := amqprpc.ParseQueueType(o.queueType); err != nil {
		return nil, fmt.Errorf("--queue-type: %w", err)
	}
	if _, err := cli.Logger(io.Discard, o.logFormat, o.quiet); err != nil {
		return nil, err
	}
	switch {
	case len(o.name) > 255:
		return nil, errors.New("--name is longer than 255 bytes")
	case o.expires < 0 || o.expires > 0 && o.expires < time.Millisecond:
		return nil, fmt.Errorf("--queue-expires %v is not a millisecond or more", o.expires)
	case o.prefetch < 0 || o.prefetch > 65535:
		return nil, fmt.Errorf("--prefetch %d is not between 0 and 65535", o.prefetch)
	case o.workers < 1 || o.workers > 65535:
		return nil, fmt.Errorf("--workers %d is not between 1 and 65535", o.workers)
	case o.maxMessage < 1:
		return nil, fmt.Errorf("--max-message %d is not a number of bytes", o.maxMessage)
	case o.service.MaxN < 0:
		return nil, fmt.Errorf("--max-n %d is negative", o.service.MaxN)
	case o.service.Delay < 0:
		return nil, fmt.Errorf("--delay %v is negative", o.service.Delay)
	case o.replay < 0:
		return nil, fmt.Errorf("--replay %d is negative", o.replay)
	case o.counter.Once && o.counter.File == "":
		return nil, errors.New("--once is for --counter")
	}
	if o.counter.File != "" {
		o.service.Counter = &o.counter
	}
	return server.New(o.service)
}

func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	out := cli.NewLines(stdout)
	defer out.Flush()
	// A server that is restarted must not inject the fault that killed it at the same request again.
	o.service.Seed = o.seed + 0x5DEECE66D*pool.Restarts()
	if !o.quiet {
		o.service.OnRequest = func(c server.Call) { fmt.Fprintf(out, " [.] %v\n", c) }
	}
	service, err := o.validate()
	if err != nil {
		return err
	}
	broker, err := o.broker.Broker(o.name)
	if err != nil {
		return err
	}
	if o.counter.File != "" {
		if err := o.counter.Check(); err != nil {
			return fmt.Errorf("--counter: %w", err)
		}
	}
	broker.Product, broker.MaxMessage = "fibserver", o.maxMessage
	queueType, _ := amqprpc.ParseQueueType(o.queueType)
	log := cli.NewLines(stderr)
	defer log.Flush()
	logger, _ := cli.Logger(log, o.logFormat, o.quiet)
	logEvent := amqprpc.LogObserver(logger).Observe
	started := sync.OnceFunc(func() {
		logger.Info(logStarted, "name", o.name, "queue", o.queue, "pid", os.Getpid(), "prefetch", o.prefetch, "workers", o.workers,
			"algorithm", o.service.Algorithm.String(), "max_n", service.MaxN(), "faults", o.service.Faults.String(), "seed", o.seed)
	})
	s := &amqprpc.Server{
		ConnConfig: broker, ConfirmReplies: o.confirm, Queue: o.queue, QueueType: queueType, QueueExpires: o.expires,
		Prefetch: o.prefetch, Concurrency: o.workers,
		Handler: service.Handle, Hooks: service.Hooks(), Replay: o.replay, Backoff: cli.Backoff,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			logEvent(e)
			if e.Kind == amqprpc.EventConnected {
				started()
				fmt.Fprintln(out, " [x] Awaiting RPC requests")
			}
		}),
	}
	if o.prefetch == 0 {
		s.Prefetch = -1
	}
	began := time.Now()
	// The first signal begins to drain. The second one ends the process.
	stop := context.AfterFunc(ctx, func() {
		logger.Info(logDraining, append([]any{"queue", o.queue, "signal", context.Cause(ctx)}, counts(s.Stats())...)...)
		s.Shutdown(context.Background()) //nolint:errcheck // Serve returns the error
	})
	defer stop()
	if err := s.Serve(context.WithoutCancel(ctx)); err != nil {
		return cli.OnBroker(err)
	}
	logger.Info(logDrained, append([]any{"queue", o.queue, "after", time.Since(began).Round(time.Millisecond)}, counts(s.Stats())...)...)
	return nil
}

// The events of fibserver itself. The others are amqprpc's.
const (
	logStarted  = "started"
	logDraining = "draining"
	logDrained  = "drained"
)

// counts returns the counts of a server as attributes.
func counts(s amqprpc.ServerStats) []any {
	// The counts are not taken at the same moment.
	running := max(0, s.Requests-s.Answered-s.Errors-s.Replayed-s.Refused-s.Expired)
	return []any{
		"requests", s.Requests, "running", running, "answered", s.Answered, "errors", s.Errors, "panics", s.Panics, "redelivered", s.Redelivered,
		"expired", s.Expired, "refused", s.Refused, "undeliverable", s.Undeliverable, "nacked", s.Nacked, "replayed", s.Replayed,
		"given_back", s.Requeued, "reconnects", s.Reconnects,
	}
}
