package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
)

type scaleOptions struct {
	loadOptions
	steps []int // number of servers of each run
}

const (
	// perServer is the number of calls in flight for each server of the largest run: enough to keep it busy.
	perServer = 4

	scaleDuration = 5 * time.Second
	scaleWarmup   = time.Second
)

func scaleCommand() *cobra.Command {
	var o scaleOptions
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "The same load on 1, 2, 4 servers: the gain of another server",
		Long: `scale runs the same load on 1, 2, 4 (--servers) local fibservers and compares throughput,
speed-up and response times. The load is a closed loop with the same number of calls in
flight in every run.

The speed-up is relative to the first run: with --servers 2,4 the first row says 1 and
the second, at best, 2.

Servers on one machine share its cores. If those are the limit, scale says so. Work that
waits, as with --server-flag=--delay=20ms, scales on any machine.

The exit code is 1 if more than --max-failed calls of a run failed or were answered
wrong. If others consume from the queue, scale needs --force.`,
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
	flags.IntSliceVar(&o.steps, "servers", []int{1, 2, 4}, "number of local fibservers, run by run")
	defaults := defaultFlags
	defaults.concurrency = 0
	o.addCalls(flags, defaults)
	flags.Lookup("concurrency").Usage = fmt.Sprintf("requests in flight, in every run (default %d for each server of the\nlargest run)", perServer)
	flags.MarkHidden("rate") //nolint:errcheck // it exists; validate refuses it
	o.addServerFlag(flags, defaults)
	o.warmup = scaleWarmup
	o.loadOptions.add(flags, fmt.Sprintf("how many requests in each run (default: for %v)", scaleDuration))
	o.record.add(flags)
	flags.Lookup("record").Usage = "write every event of each run to a new file, for rpcscope replay: for\nrun.ndjson to run-1.ndjson, run-2.ndjson and so on, by the number of\nservers"
	flags.Lookup("duration").Usage = "time for which to start requests, in each run"
	return cmd
}

// validate checks the values of the flags.
func (o *scaleOptions) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if given("rate") {
		return errors.New("--rate would fix the throughput that scale measures; it is for load")
	}
	if len(o.steps) == 0 {
		return errors.New("--servers is empty")
	}
	for i, n := range o.steps {
		if n < 1 || n > maxServers {
			return fmt.Errorf("--servers: %d is not between 1 and %d", n, maxServers)
		}
		if slices.Contains(o.steps[:i], n) {
			return fmt.Errorf("--servers has %d twice", n)
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

func (o *scaleOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	result := report.Scale{Rows: []report.ScaleRow{}}
	var busy float64 // cores, in the first run
	var ended error
	short := false
	for _, n := range o.steps {
		if report.IsTerminal(os.Stderr) {
			fmt.Fprintf(stderr, "%d of %d: %s\n", len(result.Rows)+1, len(o.steps), servers(n))
		}
		m, err := o.runStep(ctx, stderr, n)
		if err != nil {
			ended = err
			break
		}
		summary := o.summary(m, nil)
		m.reportErrors(stderr, servers(n)+": ", summary)
		for _, f := range m.failures.Sentences() {
			warn(stderr, "%d failed: %s", f.Count, f.Text)
		}
		short = short || summary.FellShort()
		o.force = true // the broker may count the consumers of this run a moment longer
		row := report.ScaleRow{
			Servers: n, Throughput: m.ledger.Throughput, P50: m.ledger.Response.P50, P99: m.ledger.Response.P99, Failed: summary.Short(), FellShort: summary.FellShort(),
		}
		result.Rows = append(result.Rows, row)
		if len(result.Rows) == 1 {
			busy = m.busy()
		}
		if first := result.Rows[0].Throughput; first > 0 {
			result.Rows[len(result.Rows)-1].Speedup = row.Throughput / first
		}
	}
	if len(result.Rows) > 0 || ended == nil {
		result.Notice = coreLimit(result.Rows, busy, runtime.GOMAXPROCS(0))
		if err := o.print(stdout, stderr, &result); err != nil {
			return cli.Fail(cli.FellShort, err)
		}
	}
	if ended == nil && short {
		ended = &cli.ExitError{Code: cli.FellShort}
	}
	return ended
}

// runStep makes the run with n servers. It returns an error if the run was not complete.
func (o *scaleOptions) runStep(ctx context.Context, stderr io.Writer, n int) (m *measurement, err error) {
	o.servers = n
	recorded, err := newRecording(ctx, o.recordOf(n), "rpcscope scale", o.config(), stderr)
	if err != nil {
		return nil, err
	}
	defer func() {
		recorded.end()
		err = recorded.verdict(err)
	}()
	if m, err = o.measure(ctx, stderr, recorded); err != nil {
		return nil, err
	}
	m.reportRestarts(stderr)
	if m.interrupted {
		return nil, cli.Fail(cli.Interrupted, context.Cause(ctx))
	}
	if m.denied != nil {
		return nil, cli.Fail(cli.FellShort, m.denied)
	}
	return m, nil
}

func (o *scaleOptions) print(stdout, stderr io.Writer, result *report.Scale) error {
	if !o.asJSON {
		return result.Write(stdout, summaryWidth(stdout))
	}
	if result.Notice != "" {
		warn(stderr, "%s", result.Notice)
	}
	return report.PrintJSON(stdout, result.Rows)
}

// recordOf returns the flags of the recording of the run with n servers: to "run-2.ndjson" for "run.ndjson".
func (o *scaleOptions) recordOf(n int) recordFlags {
	of := o.record
	if of.path != "" {
		ext := filepath.Ext(of.path)
		of.path = strings.TrimSuffix(of.path, ext) + "-" + strconv.Itoa(n) + ext
	}
	return of
}

// checkRecord returns a usage error if a run cannot be recorded.
func (o *scaleOptions) checkRecord() error {
	if o.record.path == "" {
		return nil
	}
	if info, err := os.Stat(o.record.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--record: scale writes a file for each run, and %s is not one", o.record.path)
	}
	for _, n := range o.steps {
		of := o.recordOf(n)
		if err := of.mayReplace(); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	return nil
}
