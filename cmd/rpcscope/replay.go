package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui"
	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

type replayOptions struct {
	asJSON  bool
	summary bool
	paused  bool
	speed   float64
}

func replayCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show a recording on the screen: play, pause, step, seek",
		Long: `replay shows a recording (--record of the screen, demo or load) on the screen: the same
lanes and stories, at any speed, forward and back, event by event, or from one
duplicate, orphan or failure to the next. ? shows the keys. It needs no broker.

--json and --summary print what load prints at the end of a run. They need no terminal,
and read stdin if FILE is -.

If a recording is damaged or cut off, replay shows the part before and names the line.
It leaves out events that contradict earlier ones. In both cases the exit code is 1.`,
		Example: `  rpcscope load -n 2000 --servers 2 --record run.ndjson
  rpcscope replay run.ndjson
  rpcscope replay run.ndjson --json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return errors.New("replay needs the FILE of a recording")
			case 1:
				return nil
			}
			return fmt.Errorf("replay takes one FILE, and there are %d", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			if o.asJSON || o.summary {
				return o.printSummary(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout())
			}
			if args[0] == "-" {
				return errors.New("the screen cannot seek in stdin: give a file, or --json or --summary")
			}
			if p, err := replay.Open(args[0]); err != nil {
				return err
			} else if err := p.Close(); err != nil {
				return err
			}
			return onScreen(os.Stdout, "`rpcscope replay --summary`, and `rpcscope replay --json`", func() error { return o.show(cmd.Context(), args[0], os.Stdout) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.asJSON, "json", false, "print the summary of the recording as one JSON object, as load does")
	flags.BoolVar(&o.summary, "summary", false, "print the summary of the recording")
	flags.BoolVar(&o.paused, "paused", false, "begin paused")
	flags.Float64Var(&o.speed, "speed", 1, "begin at this speed, from 0.1 to 100; 0 is as fast as possible")
	return cmd
}

func (o *replayOptions) validate(cmd *cobra.Command) error {
	switch {
	case o.asJSON && o.summary:
		return errors.New("--json and --summary are two forms of the summary: give one")
	case (o.asJSON || o.summary) && (cmd.Flags().Changed("speed") || cmd.Flags().Changed("paused")):
		return errors.New("--speed and --paused are for the screen; --json and --summary do not play")
	case o.speed != replay.FullSpeed && !(o.speed >= replay.MinSpeed && o.speed <= replay.MaxSpeed):
		return fmt.Errorf("--speed %v is neither 0 nor between %g and %g", o.speed, replay.MinSpeed, float64(replay.MaxSpeed))
	}
	return nil
}

// printSummary prints the summary of a recording, or of the part before a damage.
func (o *replayOptions) printSummary(ctx context.Context, path string, stdin io.Reader, stdout io.Writer) error {
	in := stdin
	if path == "-" {
		path = "stdin"
	} else {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a directory", path)
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	books := ledger.New(ledger.Config{})
	var cfg *report.RunConfig
	var damage error
	read := make(chan struct{})
	go func() { // reading from a terminal or a pipe cannot be interrupted
		defer close(read)
		cfg, damage = replay.Sum(in, books)
	}()
	select {
	case <-read:
	case <-ctx.Done():
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	}
	s := books.Snapshot(report.SummaryQuery())
	if damage = cmp.Or(damage, replay.Contradictions(&s)); damage != nil {
		damage = fmt.Errorf("%s: %w", path, damage)
	}
	if cfg == nil { // not even the first line is whole
		return damage
	}
	if err := s.Broken(); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	var err error
	if o.asJSON {
		err = report.PrintJSON(stdout, report.Summarize(&s, *cfg))
	} else {
		summary := report.Summary{Snapshot: s, Config: *cfg, Replayed: true, Fault: faultOf(damage)}
		err = summary.Write(stdout, summaryWidth(stdout))
	}
	return cli.Fail(cli.FellShort, errors.Join(err, damage))
}

// faultOf returns the words of a summary for a damaged recording, or "".
func faultOf(damage error) string {
	if damage == nil {
		return ""
	}
	return "the recording is damaged"
}

// show plays a recording on the screen, and prints a summary up to the event that was shown last.
func (o *replayOptions) show(ctx context.Context, path string, stdout *os.File) error {
	p, err := replay.Open(path)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // it was read only
	p.SetSpeed(o.speed)
	if !o.paused {
		p.Toggle()
	}
	defer context.AfterFunc(ctx, func() { exitIfStalled(func() {}) })()
	shown := tui.RunReplay(ctx, p)
	if shown != nil {
		return cli.Fail(cli.FellShort, shown)
	}
	look := p.Snapshot(lab.Query{Ledger: report.SummaryQuery()})
	summary := report.Summary{
		Snapshot: look.Ledger, Config: p.RunConfig(), Replayed: true, Notice: partShown(path, look.Replay), Interrupted: ctx.Err() != nil,
		Fault: faultOf(p.Err()),
	}
	if err := summary.Write(stdout, report.TerminalWidth(stdout)); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	if err := p.Err(); err != nil {
		return cli.Fail(cli.FellShort, fmt.Errorf("%s: %w", path, err))
	}
	return interrupted(ctx)
}

// partShown returns a notice of the part that a summary is of, or "" if it is of the whole recording.
func partShown(path string, r *lab.Replay) string {
	if r.Indexed == 1 && r.Event == r.Events {
		return ""
	}
	return fmt.Sprintf("This is the recording up to event %s, after %s. The summary of all of it: %s replay --summary %s",
		text.Count(r.Event), text.PlayClock(r.Position), cli.Program("rpcscope"), path)
}
