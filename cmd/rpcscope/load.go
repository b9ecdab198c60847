package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/cmd/internal/cli"
	"rpcscope/server/pool"
	"rpcscope/tui"
	"rpcscope/tui/lab"
)

type loadOptions struct {
	runFlags
	count     int
	duration  time.Duration
	warmup    time.Duration
	asJSON    bool
	record    string
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
(with --rate) could not be started in time.
The first Ctrl+C ends the load and prints the summary, the second ends at once.`,
		Example: `  rpcscope load -n 20000 -c 64 --servers 2
  rpcscope load --rate 200 --duration 30s --fib 20-30 --json
  rpcscope load -n 2000 --servers 2 --server-flag=--fault=duplicate=0.05`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	o.add(flags, usualFlags)
	flags.IntVarP(&o.count, "count", "n", 0, "how many requests (default 1000, if there is no --duration)")
	flags.DurationVar(&o.duration, "duration", 0, "for how long to start requests")
	flags.DurationVar(&o.warmup, "warmup", 0, "run for so long first, and leave it out of the summary")
	flags.BoolVar(&o.asJSON, "json", false, "print the summary as one JSON object")
	addRecord(flags, &o.record)
	flags.Uint64Var(&o.maxFailed, "max-failed", 0, "how many failed calls are still a success")
	return cmd
}

// validate checks what the flags' own types do not.
func (o *loadOptions) validate(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if err := checkRecord(cmd.Flags(), o.record); err != nil {
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
	broker, err := o.broker.Broker("rpcscope")
	if err != nil {
		return err
	}
	books := ledger.New(ledger.Config{})
	observers := ledger.NewTee(books)
	recorded, err := newRecording(o.record, "rpcscope load", o.config())
	if err != nil {
		return err
	}
	observers.Add(recorded.observer())
	defer func() {
		observers.Between(recorded.end)
		err = recorded.verdict(err)
	}()
	client, err := amqprpc.Dial(ctx, amqprpc.Config{
		Broker: broker, Queue: o.queue, Timeout: o.timeout, Observer: observers,
		MaxInFlight: load.MaxConcurrency, Backoff: cli.Backoff,
	})
	if err != nil {
		if ctx.Err() != nil {
			return cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return onBroker(err)
	}
	defer client.Close()
	servers, err := o.startServers(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return cli.Fail(cli.FellShort, err)
	}
	defer servers.close() //nolint:errcheck // the first close tells
	// From here on it is a run, and worth overwriting an old recording for.
	observers.Between(func() { err = recorded.begin() })
	if err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	var said tui.Tally
	l, err := load.New(client, load.Plan{
		Source: o.fibs.Request, Check: o.fibs.Check, Seed: o.seed,
		Rate: o.rate, Concurrency: o.concurrency,
		Count: o.count, Duration: o.duration, Warmup: o.warmup, Observer: observers,
		OnResult: func(c *load.Call) {
			// The outcome is counted anyway; what more there is to say is said here.
			if lab.SaysMore(c.Err) {
				said.Add(c.Err)
			}
		},
	})
	if err != nil {
		return err
	}
	result, runErr := watched(ctx, l, books)
	interrupted := ctx.Err() != nil
	if runErr != nil && !interrupted {
		return cli.Fail(cli.FellShort, runErr)
	}
	if err := servers.close(); err != nil {
		fmt.Fprintf(stderr, "rpcscope: %s\n", tui.Escape(err.Error(), 400))
	}
	settle(client)

	var s ledger.Snapshot
	observers.Between(func() { // a replay ends with the same numbers
		s = books.Snapshot(tui.SummaryQuery())
		recorded.end()
	})
	if err := s.Broken(); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	if o.asJSON {
		if err := cli.PrintJSON(stdout, s.Summary(o.config())); err != nil {
			return cli.Fail(cli.FellShort, err)
		}
	} else if err := o.summarize(stdout, s, result, &said, interrupted); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	servers.report(stderr)
	if o.asJSON { // its keys have no room for these, and they decide on the exit code
		for _, wrong := range result.Wrongs {
			fmt.Fprintf(stderr, "rpcscope: wrong answer: %s\n", tui.Escape(wrong.Error(), 400))
		}
		for _, n := range []struct {
			count int
			what  string
		}{{result.Wrong, "answered wrong"}, {result.Missed, "due and not started before the end"}, {result.Refused, "refused by the client"}} {
			if n.count > 0 {
				fmt.Fprintf(stderr, "rpcscope: %d calls %s\n", n.count, n.what)
			}
		}
	}
	switch {
	case interrupted:
		return &cli.ExitError{Code: cli.Interrupted}
	case s.Calls.Failed+uint64(result.Wrong)+uint64(result.Refused)+uint64(result.Missed) > o.maxFailed:
		return &cli.ExitError{Code: cli.FellShort}
	}
	return nil
}

// settle gives replies that are on their way a chance to be counted: a duplicate of
// the last answer, say. When the broker has answered a question that was put behind
// them, they are here.
func settle(client *amqprpc.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if queue := client.CallbackQueue(); queue != "" {
		client.QueueStats(ctx, queue) //nolint:errcheck // the answer does not matter
	}
}

// localServers are the servers that --servers started.
type localServers struct {
	pool  *pool.Pool
	mu    sync.Mutex
	ended map[string]int // unasked, by name
	once  sync.Once
	err   error
}

func (o *loadOptions) startServers(ctx context.Context) (_ *localServers, err error) {
	s := &localServers{ended: make(map[string]int)}
	s.pool = pool.New(pool.Config{
		Args:          append([]string{"--queue=" + o.queue, "--quiet"}, o.broker.ServerArgs()...),
		URL:           o.broker.Environment(),
		RestartOnExit: true,
		OnExit: func(status pool.Status) {
			if status.State == pool.Crashed {
				s.mu.Lock()
				s.ended[status.Name]++
				s.mu.Unlock()
			}
		},
	})
	defer func() {
		if err != nil {
			s.close() //nolint:errcheck // the error at hand matters more
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, o.servers)
	for i := range o.servers {
		// Servers of one seed would misbehave in step.
		args := append([]string{"--seed=" + strconv.FormatInt(int64(o.seed*mostServers+uint64(i)), 10)}, o.serverFlags...)
		if i == 0 {
			_, errs[i] = s.pool.Start(ctx, args...) // the first may have to build fibserver
			if errs[i] != nil {
				break
			}
			continue
		}
		wg.Go(func() { _, errs[i] = s.pool.Start(ctx, args...) })
	}
	wg.Wait()
	return s, errors.Join(errs...)
}

// close stops the servers and waits until they have ended.
func (s *localServers) close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.err = s.pool.Close(ctx)
	})
	return s.err
}

// report tells of servers that died on their own.
func (s *localServers) report(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.ended)) {
		times := "once"
		if n := s.ended[name]; n > 1 {
			times = fmt.Sprintf("%d times", n)
		}
		fmt.Fprintf(w, "rpcscope: %s died %s by itself and was started again\n", name, times)
	}
}
