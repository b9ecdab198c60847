package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
		Short: "Send many concurrent requests and print a summary",
		Long: `load sends fib requests and prints a summary: outcomes, discarded replies, throughput,
latencies. Without --rate it keeps -c requests in flight (closed loop). With --rate it
starts so many per second, whatever becomes of the earlier ones (open model), and
response times count from the time when a request was meant to start.

The exit code is 1 if more than --max-failed calls failed, were answered wrong, or (with
--rate) were due and not started before the end. If the rate was not kept and all calls
were made in the end, the summary says so and the exit code is 0.
The first Ctrl+C ends the load and prints the summary, the second one ends at once.`,
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
	o.runFlags.add(flags, defaultFlags)
	o.add(flags, "how many requests (default 1000, if there is no --duration)")
	o.record.add(flags)
	return cmd
}

// add adds the flags that load and scale have and the screen has not.
func (o *loadOptions) add(flags *pflag.FlagSet, count string) {
	flags.Int64VarP(&o.count, "count", "n", 0, count)
	flags.DurationVar(&o.duration, "duration", 0, "time for which to start requests")
	flags.DurationVar(&o.warmup, "warmup", o.warmup, "run this long first, without counting it")
	flags.BoolVar(&o.asJSON, "json", false, "print the summary as JSON, in one line")
	flags.Uint64Var(&o.maxFailed, "max-failed", 0, "maximum of calls that fail, are answered wrong or do not start\nbefore the exit code is 1")
}

// validate checks the values of the flags.
func (o *loadOptions) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if err := o.record.check(); err != nil {
		return err
	}
	switch {
	case given("count") && o.count <= 0:
		return fmt.Errorf("-n must be positive, not %d", o.count)
	case given("duration") && o.duration <= 0:
		return fmt.Errorf("--duration must be positive, not %v", o.duration)
	case o.warmup < 0:
		return fmt.Errorf("--warmup %v is negative", o.warmup)
	case len(o.serverFlags) > 0 && o.servers == 0:
		return errors.New("--server-flag needs --servers")
	}
	if o.count == 0 && o.duration == 0 {
		o.count = 1000
	}
	return o.runFlags.validate(cmd.Flags())
}

func (o *loadOptions) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	recorded, err := newRecording(ctx, o.record, "rpcscope load", o.config(), stderr)
	if err != nil {
		return err
	}
	defer func() {
		recorded.end()
		err = recorded.verdict(err)
	}()
	m, err := o.measure(ctx, stderr, recorded)
	if err != nil {
		return err
	}
	summary := o.summary(m, recorded)
	if o.asJSON {
		err = report.PrintJSON(stdout, report.Summarize(&m.ledger, o.config()))
		m.reportErrors(stderr, "", summary)
	} else {
		err = summary.Write(stdout, summaryWidth(stdout))
	}
	if err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	m.reportRestarts(stderr)
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
