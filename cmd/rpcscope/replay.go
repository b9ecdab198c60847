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
		Long: `replay shows on the screen what --record of the screen, of demo or of load has written:
the same lanes and stories, at any speed, forward and back, event by event, or from one
duplicate, orphan or failure to the next. ? shows the keys. No broker is needed.

--json and --summary print what load would have printed at the end of the run, and need
no terminal. They read - as stdin.

A recording that is damaged or cut off is shown up to there: the line is named, and the
exit code is 1. So it is where events contradict those before them; they are left out.`,
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
				return o.sum(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout())
			}
			if args[0] == "-" {
				return errors.New("the screen cannot seek in stdin: give it a file, or --json or --summary")
			}
			if err := needTerminal(os.Stdout, "`rpcscope replay --summary`, and `rpcscope replay --json`"); err != nil {
				return err
			}
			return o.show(cmd.Context(), args[0], os.Stdout)
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
		return errors.New("--json and --summary are two forms of the same: give one")
	case o.speed != replay.FullSpeed && !(o.speed >= replay.MinSpeed && o.speed <= replay.MaxSpeed):
		return fmt.Errorf("--speed %v is neither 0 nor between %g and %g", o.speed, replay.MinSpeed, float64(replay.MaxSpeed))
	}
	return nil
}

// sum prints the summary of a recording, of what there is of it where it is damaged.
func (o *replayOptions) sum(ctx context.Context, path string, stdin io.Reader, stdout io.Writer) error {
	in, recording := stdin, func() bool { return beingRecorded(path) }
	if path == "-" {
		recording = func() bool { return false }
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
	go func() { // nothing interrupts reading from a terminal or a pipe
		defer close(read)
		cfg, damage = replay.Sum(in, books)
	}()
	select {
	case <-read:
	case <-ctx.Done():
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	}
	s := books.Snapshot(report.SummaryQuery())
	if damage = explained(cmp.Or(damage, replay.Contradictions(&s)), recording); damage != nil {
		damage = fmt.Errorf("%s: %w", path, damage)
	}
	if cfg == nil { // there is nothing to be seen
		return damage
	}
	if err := s.Broken(); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	var err error
	if o.asJSON {
		err = report.PrintJSON(stdout, report.Summarize(&s, *cfg))
	} else {
		summary := report.Summary{Snapshot: s, Config: *cfg, Fault: faultOf(damage)}
		err = summary.Write(stdout, summaryWidth(stdout))
	}
	return cli.Fail(cli.FellShort, errors.Join(err, damage))
}

// explained is the damage of a recording. Where a run is still recording, its last line need
// not be whole.
func explained(damage error, recording func() bool) error {
	if errors.Is(damage, ledger.ErrCutOff) && recording() {
		return fmt.Errorf("%w, since a run is still recording to it", damage)
	}
	return damage
}

// faultOf is what a summary says of a recording that is damaged.
func faultOf(damage error) string {
	if damage == nil {
		return ""
	}
	return "the recording is damaged"
}

// show plays a recording on the screen, and leaves a summary of what was shown last.
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
	ctx, release := takeTerminal(ctx, stdout)
	left := make(chan struct{})
	defer close(left)
	defer context.AfterFunc(ctx, func() { endAnyway(func() {}, left) })()
	shown := tui.RunReplay(ctx, p)
	release()
	if shown != nil {
		return cli.Fail(cli.FellShort, shown)
	}
	look := p.Snapshot(lab.Query{Ledger: report.SummaryQuery()})
	summary := report.Summary{
		Snapshot: look.Ledger, Config: p.RunConfig(), Notice: whereLeft(path, look.Replay), Interrupted: ctx.Err() != nil,
		Fault: faultOf(p.Err()),
	}
	if err := summary.Write(stdout, report.TerminalWidth(stdout)); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	if err := explained(p.Err(), func() bool { return beingRecorded(path) }); err != nil {
		return cli.Fail(cli.FellShort, fmt.Errorf("%s: %w", path, err))
	}
	return interrupted(ctx)
}

// beingRecorded reports whether a run records to a file at present. It holds the file's lock
// no longer than to see that: whoever asks meanwhile is told that a run has it.
func beingRecorded(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false // to open a pipe once more would wait for its writer
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(lockFile(file), errLocked)
}

// whereLeft says of which part of a recording a summary is; "" where it is of all.
func whereLeft(path string, r *lab.Replay) string {
	if r.Indexed == 1 && r.Event == r.Events {
		return ""
	}
	return fmt.Sprintf("Of the recording until event %d, %.3f s after its beginning. Of all of it: %s replay --summary %s",
		r.Event, r.Position.Seconds(), cli.Program("rpcscope"), path)
}
