package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
)

type loadOptions struct {
	runFlags
	count     int64
	duration  time.Duration
	warmup    time.Duration
	asJSON    bool
	record    recordFlags
	maxFailed uint64
}

func loadCommand() *cobra.Command {
	var o loadOptions
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Fire many concurrent requests and sum up what became of them",
		Long: `load fires fib requests and prints a summary: outcomes, discarded replies, throughput,
latencies. Without --rate it keeps -c requests in flight (closed loop); with --rate
it starts so many per second, whatever became of the ones before (open model), and
response times count from when a request was meant to start.

The exit code is 1 when more than --max-failed calls failed, were answered wrong, or
(with --rate) were due and not started before the end. A rate that was not kept, where
all calls were made in the end, is told and no failure.
The first Ctrl+C ends the load and prints the summary, the second ends at once.`,
		Example: `  rpcscope load -n 20000 -c 64 --servers 2
  rpcscope load --rate 200 --duration 30s --fib 20-30 --json
  rpcscope load -n 2000 --servers 2 --server-flag=--fault=duplicate=0.05`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	o.runFlags.add(flags, usualFlags)
	o.add(flags, "how many requests (default 1000, if there is no --duration)")
	o.record.add(flags)
	return cmd
}

// add adds the flags that say how much of a load there is, and what is told of it.
func (o *loadOptions) add(flags *pflag.FlagSet, count string) {
	flags.Int64VarP(&o.count, "count", "n", 0, count)
	flags.DurationVar(&o.duration, "duration", 0, "for how long to start requests")
	flags.DurationVar(&o.warmup, "warmup", o.warmup, "run for so long first, and leave it out of the summary")
	flags.BoolVar(&o.asJSON, "json", false, "print the summary as JSON, in one line")
	flags.Uint64Var(&o.maxFailed, "max-failed", 0, "how many calls may fail, be answered wrong or not start before the\nexit code is 1")
}

// validate checks what the flags' own types do not.
func (o *loadOptions) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if err := o.record.check(cmd.Flags()); err != nil {
		return err
	}
	switch {
	case given("count") && o.count <= 0:
		return fmt.Errorf("-n %d is not above zero", o.count)
	case given("duration") && o.duration <= 0:
		return fmt.Errorf("--duration %v is not above zero", o.duration)
	case o.warmup < 0:
		return fmt.Errorf("--warmup %v is negative", o.warmup)
	case len(o.serverFlags) > 0 && o.servers == 0:
		return errors.New("--server-flag is for the servers that --servers starts, and there are none")
	}
	if o.count == 0 && o.duration == 0 {
		o.count = 1000
	}
	return o.runFlags.validate(cmd.Flags())
}

func (o *loadOptions) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	books := ledger.New(ledger.Config{})
	observers := ledger.NewTee(books)
	recorded, err := newRecording(ctx, o.record, "rpcscope load", o.config(), stderr)
	if err != nil {
		return err
	}
	observers.Add(recorded.observer())
	defer func() {
		observers.Between(recorded.end)
		err = recorded.verdict(err)
	}()
	m, err := o.measure(ctx, stderr, books, observers, recorded)
	if err != nil {
		return err
	}
	summary := o.summary(m, recorded)
	if o.asJSON {
		err = report.PrintJSON(stdout, report.Summarize(&m.books, o.config()))
		m.report(stderr, "", summary)
	} else {
		err = summary.Write(stdout, summaryWidth(stdout))
	}
	if err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	m.servers.report(stderr)
	switch {
	case m.interrupted:
		return &cli.ExitError{Code: cli.Interrupted}
	case m.denied != nil:
		return cli.Fail(cli.FellShort, fmt.Errorf("ended early: %w", m.denied))
	case summary.FellShort():
		return &cli.ExitError{Code: cli.FellShort}
	}
	return nil
}
