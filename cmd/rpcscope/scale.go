package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
)

type scaleOptions struct {
	loadOptions
	steps []int // how many servers, run by run
}

const (
	// perServer is how many calls are in flight for each server of the largest run: one
	// that it works on, and some that wait, so that it never does.
	perServer = 4
	// scaleDuration and scaleWarmup are of each run.
	scaleDuration = 5 * time.Second
	scaleWarmup   = time.Second
)

func scaleCommand() *cobra.Command {
	var o scaleOptions
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "The same load on 1, 2, 4 servers: what another server is worth",
		Long: `scale makes the same load on each of so many local fibservers, one run after the other,
and compares: throughput, speed-up, response times. It is a closed loop with the same
number of calls in flight in every run.

The speed-up is in terms of the first run's throughput, whichever it is: with
--servers 2,4 the first row says 1 and the second, at best, 2.

Servers on one machine share its cores. Where those are the limit it says so; work that
waits, as --server-flag=--delay=20ms has it, scales on any machine.

The exit code is 1 when in one of the runs more than --max-failed calls failed or were
answered wrong. If somebody else consumes from the queue, --force measures all the same.`,
		Example: `  rpcscope scale
  rpcscope scale --servers 1,2,4,8 --fib 5 --server-flag=--delay=20ms
  rpcscope scale -n 2000 --fib 20-30 --json`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntSliceVar(&o.steps, "servers", []int{1, 2, 4}, "how many local fibservers, run by run")
	usual := usualFlags
	usual.concurrency = 0
	o.addCalls(flags, usual)
	flags.Lookup("concurrency").Usage = fmt.Sprintf("requests in flight, in every run (default %d for each server of the\nlargest run)", perServer)
	flags.MarkHidden("rate") //nolint:errcheck // it is there; validate says why not
	o.addServerFlag(flags, usual)
	o.warmup = scaleWarmup
	o.loadOptions.add(flags, fmt.Sprintf("how many requests in each run (default: for %v)", scaleDuration))
	o.record.add(flags)
	flags.Lookup("record").Usage = "write every event of each run to a file of its own, for rpcscope\nreplay: of run.ndjson run-1.ndjson, run-2.ndjson and so on, by the\nnumber of servers"
	flags.Lookup("duration").Usage = "for how long to start requests, in each run"
	return cmd
}

// validate checks what the flags' own types do not.
func (o *scaleOptions) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if given("rate") {
		return errors.New("--rate would fix the throughput that scale is there to measure; it is for load")
	}
	if len(o.steps) == 0 {
		return errors.New("--servers is empty")
	}
	for _, n := range o.steps {
		if n < 1 || n > mostServers {
			return fmt.Errorf("--servers: %d is not between 1 and %d", n, mostServers)
		}
	}
	o.servers = slices.Max(o.steps)
	if !given("concurrency") {
		o.concurrency = perServer * o.servers
	} else if o.concurrency > 0 && o.concurrency < o.servers {
		return fmt.Errorf("-c %d cannot keep %d servers busy", o.concurrency, o.servers)
	}
	if err := o.checkRecord(); err != nil {
		return err
	}
	if !given("count") && !given("duration") {
		o.duration = scaleDuration
	}
	return o.loadOptions.validate(cmd)
}

func (o *scaleOptions) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	recorded, err := o.recordings(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = recorded.end(err) }()
	result := report.Scale{Rows: []report.ScaleRow{}}
	var steps []step
	short := false
	var ended error
	for i, n := range o.steps {
		if report.IsTerminal(os.Stderr) {
			fmt.Fprintf(stderr, "%d of %d: %s\n", len(steps)+1, len(o.steps), servers(n))
		}
		o.servers = n
		books := ledger.New(ledger.Config{})
		observers := ledger.NewTee(books)
		observers.Add(recorded[i].observer())
		m, err := o.measure(ctx, stderr, books, observers, recorded[i])
		if err != nil {
			ended = err
			break
		}
		m.servers.report(stderr)
		if m.interrupted { // half a run compares with nothing
			ended = cli.Fail(cli.Interrupted, context.Cause(ctx))
			break
		}
		if m.denied != nil {
			ended = cli.Fail(cli.FellShort, m.denied)
			break
		}
		summary := o.summary(m, nil)
		m.report(stderr, servers(n)+": ", summary)
		for _, f := range m.said.Sentences() {
			fmt.Fprintf(stderr, "rpcscope: %d failed: %s\n", f.Count, f.Text)
		}
		short = short || summary.FellShort()
		o.force = true // the last run's consumers may be seen a moment longer than its servers
		row := report.ScaleRow{
			Servers: n, Throughput: m.books.Throughput, P50: m.books.Response.P50, P99: m.books.Response.P99, Failed: summary.Short(), FellShort: summary.FellShort(),
		}
		steps = append(steps, step{servers: n, throughput: row.Throughput, busy: m.busy()})
		row.Speedup = steps[len(steps)-1].speedup(steps[0])
		result.Rows = append(result.Rows, row)
	}
	if len(steps) > 0 || ended == nil {
		result.Notice = coresAreTheLimit(steps, cores())
		if err := o.print(stdout, stderr, &result); err != nil {
			return cli.Fail(cli.FellShort, err)
		}
	}
	if ended == nil && short {
		ended = &cli.ExitError{Code: cli.FellShort}
	}
	return ended
}

func (o *scaleOptions) print(stdout, stderr io.Writer, result *report.Scale) error {
	if !o.asJSON {
		return result.Write(stdout, summaryWidth(stdout))
	}
	if result.Notice != "" {
		fmt.Fprintf(stderr, "rpcscope: %s\n", result.Notice)
	}
	return report.PrintJSON(stdout, result.Rows)
}
