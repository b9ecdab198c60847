package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// tourOptions are the flags of tour.
type tourOptions struct {
	broker      cli.BrokerFlags
	inProcess   bool
	check       bool
	only        []int
	pace        float64
	asJSON      bool
	serverFlags []string

	scenarios []*tour.Scenario
}

// maxPace keeps the calls that are in flight while a step is read within their timeout.
const maxPace = 3

func tourCommand() *cobra.Command {
	var o tourOptions
	cmd := &cobra.Command{
		Use:   "tour",
		Short: "Guided scenarios on the screen, each with a claim that is checked",
		Long: `tour explains RPC over a broker. Each scenario says what will happen, what to watch and
why it matters, does it, and checks a claim by the numbers of the ledger. You can do all
of it yourself, with the keys of the screen and flags of fibserver.

` + tourContents() + `
It uses the broker of --url, of $AMQP_URL, or on localhost. If that does not answer, it
uses one in this process. The names of its queues begin with ` + tour.QueuePrefix + `. It
deletes them at the end. If it is killed, the broker deletes them after five minutes.

--check runs the scenarios without a screen and prints a line for each. It needs the
broker of --url or $AMQP_URL, if one is given.

The exit code is 1 if a claim does not hold. If a scenario was repeated on the screen, the
last time that it was played to its end counts.`,
		Example: `  rpcscope tour
  rpcscope tour --check
  rpcscope tour --check --only 4,7 --url amqp://guest:guest@localhost:5672/`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			if o.check {
				return o.runCheck(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return onScreen(os.Stdout, "`rpcscope tour --check`", func() error { return o.show(cmd.Context(), os.Stdout, cmd.ErrOrStderr()) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.broker.Add(flags)
	flags.BoolVar(&o.inProcess, "in-process", false, "use a broker in this process, even if there is another one")
	flags.BoolVar(&o.check, "check", false, "without a screen: print a line for each scenario")
	flags.Float64Var(&o.pace, "pace", 1, "time for each step, from 0 (no step waits) to 3 (three times the usual\ntime); a key goes to the next step at once")
	flags.IntSliceVar(&o.only, "only", nil, "run only these scenarios, such as 4,7")
	flags.BoolVar(&o.asJSON, "json", false, "with --check: print one JSON object a line")
	flags.StringArrayVar(&o.serverFlags, "server-flag", nil, "flag for all servers, such as --server-flag=--queue-type=classic;\nrepeatable")
	return cmd
}

// tourContents returns the table of contents.
func tourContents() string {
	var b strings.Builder
	for _, s := range tour.Scenarios() {
		fmt.Fprintf(&b, "  %2d  %s\n", s.Number, s.Title)
	}
	return b.String()
}

// validate checks the values of the flags. Its errors are usage errors.
func (o *tourOptions) validate(cmd *cobra.Command) (err error) {
	given := cmd.Flags().Changed
	switch {
	case o.asJSON && !o.check:
		return errors.New("--json is for --check")
	case o.inProcess && given("url"):
		return errors.New("--in-process and --url name two brokers")
	case o.check && given("pace"):
		return errors.New("--pace is for the screen; --check does not wait")
	case !(o.pace >= 0 && o.pace <= maxPace):
		return fmt.Errorf("--pace %v is not from 0 to %d", o.pace, maxPace)
	}
	if err := checkServerFlags(o.serverFlags); err != nil {
		return err
	}
	if o.scenarios, err = tour.Only(o.only...); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	return nil
}

// openBroker finds a broker, or starts one in this process and returns the reason. Call leave at the end.
func (o *tourOptions) openBroker(ctx context.Context, stderr io.Writer) (why string, leave func(), err error) {
	switch {
	case o.inProcess:
		leave, err = ownBroker(&o.broker)
		return "", leave, cli.Fail(cli.NoBroker, err)
	case o.check && o.broker.Given():
		return "", func() {}, nil
	}
	return brokerOrOwn(ctx, &o.broker, stderr)
}

// config returns the configuration of the scenarios' sessions.
func (o *tourOptions) config(standIn string) (tour.Config, error) {
	broker, err := o.broker.Broker("rpcscope tour")
	if err != nil {
		return tour.Config{}, err
	}
	return tour.Config{Broker: broker, StandIn: standInAdvice("tour", standIn), Backoff: cli.Backoff, Pool: localPool(&o.broker, o.serverFlags...)}, nil
}

// runCheck runs the scenarios and prints a line for each.
func (o *tourOptions) runCheck(ctx context.Context, stdout, stderr io.Writer) error {
	why, leave, err := o.openBroker(ctx, stderr)
	if err != nil {
		return err
	}
	defer leave()
	printStandIn(stderr, why)
	cfg, err := o.config(why)
	if err != nil {
		return err
	}
	failed := false
	var wrote error
	err = tour.Check(ctx, cfg, o.scenarios, func(r tour.Result) {
		failed = failed || !r.OK()
		wrote = errors.Join(wrote, o.print(stdout, &r))
	})
	switch {
	case ctx.Err() != nil || err != nil:
		return sessionError(ctx, err)
	case wrote != nil:
		return cli.Fail(cli.FellShort, wrote)
	case failed:
		return &cli.ExitError{Code: cli.FellShort}
	}
	return nil
}

// sessionError returns an error of opening or closing a scenario's session with its exit code.
func sessionError(ctx context.Context, err error) error {
	var dial *amqprpc.DialError
	if ctx.Err() != nil || errors.As(err, &dial) || errors.Is(err, amqprpc.ErrInvalidConfig) {
		return dialError(ctx, err)
	}
	return cli.Fail(cli.FellShort, err)
}

// printStandIn prints the reason for using the in-process broker, if there is one.
func printStandIn(stderr io.Writer, why string) {
	if why != "" {
		warn(stderr, "on an in-process broker: %s", why)
	}
}

// tourLine is a line of --check --json. Its keys are an API.
type tourLine struct {
	Scenario int         `json:"scenario"`
	Title    string      `json:"title"`
	OK       bool        `json:"ok"`
	Facts    []tour.Fact `json:"facts"`
	Error    string      `json:"error"` // if it could not be played to its end
	Elapsed  float64     `json:"elapsed_s"`
}

func (o *tourOptions) print(w io.Writer, r *tour.Result) error {
	if !o.asJSON {
		_, err := fmt.Fprintln(w, text.Escape(r.Line(), 1000))
		return err
	}
	line := tourLine{Scenario: r.Scenario.Number, Title: r.Scenario.Title, OK: r.OK(), Facts: r.Facts, Elapsed: r.Elapsed.Seconds()}
	if line.Facts == nil {
		line.Facts = []tour.Fact{}
	}
	if r.Err != nil {
		line.Error = r.Err.Error()
	}
	return report.PrintJSON(w, line)
}
