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

// A tourOptions is what the flags of tour say.
type tourOptions struct {
	broker      cli.BrokerFlags
	inProcess   bool
	check       bool
	only        string
	pace        float64
	asJSON      bool
	serverFlags []string

	scenarios []*tour.Scenario
}

// mostPace keeps what is in flight while a step is read within the timeout of calls.
const mostPace = 3

func tourCommand() *cobra.Command {
	var o tourOptions
	cmd := &cobra.Command{
		Use:   "tour",
		Short: "Scenarios with the screen, each with a claim that is checked",
		Long: `tour leads through what RPC over a broker does. Each scenario tells what will happen,
what to watch and why it matters, does it, and checks a claim by the numbers in the
books. All of it can be done by hand, with the keys of the screen and flags of fibserver.

` + tourContents() + `
It takes the broker of --url, of $AMQP_URL, or on localhost; if that does not answer,
one in this process takes its place. Queues have names of their own, which begin with
` + tour.QueuePrefix + `, and are deleted in the end.

--check plays the scenarios without a screen and prints a line for each. A broker that
was asked for has to be there then.

The exit code is 1 where a claim does not hold. On the screen the last time counts that a
scenario was played to its end: it may be repeated. A tour that was killed leaves a queue
behind, which the broker deletes after five minutes.`,
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
			if err := needTerminal(os.Stdout, "`rpcscope tour --check`"); err != nil {
				return err
			}
			return o.show(cmd.Context(), os.Stdout, cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.broker.Add(flags)
	flags.BoolVar(&o.inProcess, "in-process", false, "on a broker in this process, whatever others there are")
	flags.BoolVar(&o.check, "check", false, "without a screen: print a line for each scenario")
	flags.Float64Var(&o.pace, "pace", 1, "time to follow the screen, from 0 (none: no step waits) to 3 (thrice\nas much as usual); a key goes on at once, too")
	flags.StringVar(&o.only, "only", "", "some of the scenarios, such as 4,7")
	flags.BoolVar(&o.asJSON, "json", false, "with --check: print one JSON object a line")
	flags.StringArrayVar(&o.serverFlags, "server-flag", nil, "flag for all servers, such as --server-flag=--queue-type=classic;\nrepeatable")
	return cmd
}

// tourContents is a table of contents.
func tourContents() string {
	var b strings.Builder
	for _, s := range tour.Scenarios() {
		fmt.Fprintf(&b, "  %2d  %s\n", s.Number, s.Title)
	}
	return b.String()
}

// validate checks what the flags' own types do not. Errors are about usage.
func (o *tourOptions) validate(cmd *cobra.Command) (err error) {
	given := cmd.Flags().Changed
	switch {
	case o.asJSON && !o.check:
		return errors.New("--json is for --check")
	case o.inProcess && given("url"):
		return errors.New("--in-process and --url name two brokers")
	case o.check && given("pace"):
		return errors.New("--pace is for the screen; --check waits for nobody")
	case !(o.pace >= 0 && o.pace <= mostPace):
		return fmt.Errorf("--pace %v is not from 0 to %d", o.pace, mostPace)
	case given("only") && o.only == "":
		return errors.New("--only names no scenario")
	}
	if err := checkServerFlags(o.serverFlags); err != nil {
		return err
	}
	if o.scenarios, err = tour.Only(o.only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	return nil
}

// openBroker finds a broker. Where nobody asked for a certain one, or a person is to see
// the tour, one in this process will do. Call leave in the end.
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

// config is what the stages need.
func (o *tourOptions) config(standIn string) (tour.Config, error) {
	broker, err := o.broker.Broker("rpcscope tour")
	if err != nil {
		return tour.Config{}, err
	}
	return tour.Config{Broker: broker, StandIn: standInAdvice("tour", standIn), Backoff: cli.Backoff, Pool: localPool(&o.broker, o.serverFlags...)}, nil
}

// runCheck plays the scenarios and prints a line for each.
func (o *tourOptions) runCheck(ctx context.Context, stdout, stderr io.Writer) error {
	why, leave, err := o.openBroker(ctx, stderr)
	if err != nil {
		return err
	}
	defer leave()
	tellStandIn(stderr, why)
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
	case ctx.Err() != nil:
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	case err != nil:
		return onStage(err)
	case wrote != nil:
		return cli.Fail(cli.FellShort, wrote)
	case failed:
		return &cli.ExitError{Code: cli.FellShort}
	}
	return nil
}

// onStage gives an error of a stage its exit code: it was not opened, for want of a broker
// most likely, or it was not closed as it should be.
func onStage(err error) error {
	var dial *amqprpc.DialError
	if errors.As(err, &dial) || errors.Is(err, amqprpc.ErrInvalidConfig) {
		return onBroker(err)
	}
	return cli.Fail(cli.FellShort, err)
}

// tellStandIn says why it is not the broker that was asked for, where that is so.
func tellStandIn(stderr io.Writer, why string) {
	if why != "" {
		fmt.Fprintf(stderr, "rpcscope: on an in-process broker: %s\n", text.Escape(why, 400))
	}
}

// tourLine is a line of --check --json. Its keys are an API.
type tourLine struct {
	Scenario int         `json:"scenario"`
	Title    string      `json:"title"`
	OK       bool        `json:"ok"`
	Facts    []tour.Fact `json:"facts"`
	Error    string      `json:"error"` // why it could not be played to its end
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
