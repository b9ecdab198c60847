package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// screenOptions are the flags of the screen.
type screenOptions struct {
	runFlags
	paused bool
	wary   bool // the load begins paused if the lab says so
	record recordFlags
	// standIn is the reason for using the in-process broker, or "".
	standIn string
}

// screenCommand makes the screen the command root.
func screenCommand(root *cobra.Command) {
	var o screenOptions
	o.add(root.Flags(), defaultFlags)
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.validate(cmd.Flags()); err != nil {
			return err
		}
		return onScreen(os.Stdout, "`rpcscope load`, and `rpcscope load --json`", func() error { return o.run(cmd.Context(), os.Stdout, cmd.ErrOrStderr()) })
	}
}

func (o *screenOptions) validate(flags *pflag.FlagSet) error {
	if err := o.record.check(); err != nil {
		return err
	}
	if err := o.runFlags.validate(flags); err != nil {
		return err
	}
	o.wary = !flags.Changed("paused")
	if o.service != nil && o.servers > 0 && !o.force {
		return errors.New("--servers starts fibservers, which only answer fib, and --body calls another service: give --servers 0, or --force")
	}
	return nil
}

func (o *screenOptions) add(flags *pflag.FlagSet, usual runFlags) {
	o.runFlags.add(flags, usual)
	flags.BoolVar(&o.paused, "paused", false, "begin with the load paused (default if others consume from the\nqueue, or with --body)")
	o.record.add(flags)
}

// onScreen calls show in a child process. If stdout cannot show a screen it returns a usage error that names the
// alternative.
func onScreen(stdout *os.File, alternative string, show func() error) error {
	switch {
	case !report.IsTerminal(stdout):
		return cli.Fail(cli.Usage, errors.New("the screen needs a terminal on stdout; without one there is "+alternative))
	case report.IsDumb():
		return cli.Fail(cli.Usage, errors.New("the screen needs a terminal that can move its cursor, and TERM is dumb; without one there is "+alternative))
	}
	return inChild(stdout, show)
}

func (o *screenOptions) run(ctx context.Context, stdout *os.File, stderr io.Writer) (err error) {
	recorded, err := newRecording(ctx, o.record, "rpcscope", o.config(), stderr)
	if err != nil {
		return err
	}
	defer func() {
		recorded.end()
		err = recorded.verdict(err)
	}()
	cfg, err := o.labConfig(recorded)
	if err != nil {
		return err
	}
	cfg.StandIn, cfg.Paused, cfg.PauseIfForeign = standInAdvice("demo", o.standIn), o.paused, o.wary
	l, err := lab.Open(ctx, cfg)
	if err != nil {
		return dialError(ctx, err)
	}
	if o.servers > 0 {
		if err := l.CheckStart(ctx); err != nil {
			l.Close(ctx) //nolint:errcheck // the error at hand matters more
			return foreignError(err)
		}
	}
	if recorded != nil {
		recorded.onError = func(err error) { l.Note(lab.Failure, "the recording failed: "+err.Error(), "") }
	}
	l.SnapshotThen(ledger.Query{}, func() { err = recorded.begin() })
	if err != nil {
		l.Close(ctx) //nolint:errcheck // the error at hand matters more
		return cli.Fail(cli.FellShort, err)
	}
	if o.standIn != "" {
		l.Note(lab.Info, "on an in-process broker: "+o.standIn, "")
	}
	for range o.servers {
		go l.StartServer(ctx) //nolint:errcheck // the screen shows it
	}
	end := sync.OnceValues(func() (lab.Snapshot, error) {
		last := l.Snapshot(lab.Query{})
		last.Ledger = l.SnapshotThen(report.SummaryQuery(), recorded.end)
		ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return last, l.Close(ending)
	})
	defer context.AfterFunc(ctx, func() { exitIfStalled(func() { end() }) })() //nolint:errcheck // leave reports it
	shown := tui.Run(ctx, l)
	return o.leave(ctx, l, end, shown, recorded, stdout, stderr)
}

// summaryConfig returns the part of the configuration that could not be changed on the screen.
func (o *screenOptions) summaryConfig() report.RunConfig {
	c := report.RunConfig{Queue: o.queue}
	if o.service != nil {
		c.Body, c.Seed = new(o.service.Body.String()), o.seed
	}
	return c
}

// interrupted returns the error of a screen whose context has ended, or nil if it has not.
func interrupted(ctx context.Context) error {
	if ctx.Err() != nil {
		return &cli.ExitError{Code: cli.Interrupted}
	}
	return nil
}

// writeTimeout bounds the time that a terminal has to take the last output of a screen.
const writeTimeout = 3 * time.Second

// exitIfStalled calls end, and ends the process if it still runs after a while: a terminal that takes no output, after
// Ctrl+S for example, blocks the screen. The parent process restores such a terminal.
func exitIfStalled(end func()) {
	end()
	time.Sleep(writeTimeout)
	os.Exit(cli.Interrupted)
}

// leave closes the lab and prints a summary of the calls before the end, which cancels those in flight.
func (o *screenOptions) leave(ctx context.Context, l *lab.Lab, end func() (lab.Snapshot, error), shown error, recorded *recording, stdout *os.File, stderr io.Writer) error {
	printStopping(l, stderr)
	look, err := end()
	if err != nil {
		warn(stderr, "%v", err)
	}
	if shown != nil {
		return cli.Fail(cli.FellShort, shown)
	}
	summary := report.Summary{
		Snapshot: look.Ledger, Notice: look.StandIn, Config: o.summaryConfig(), Interrupted: ctx.Err() != nil,
		Fault: recorded.fault(),
	}
	if err := summary.Write(stdout, report.TerminalWidth(stdout)); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	return interrupted(ctx)
}

// printStopping prints the number of servers that are stopped when a lab is closed.
func printStopping(l *lab.Lab, stderr io.Writer) {
	look := l.Snapshot(lab.Query{})
	alive := 0
	for _, s := range look.Pool {
		if s.State.Alive() {
			alive++
		}
	}
	if alive > 0 {
		warn(stderr, "stopping %s", servers(alive))
	}
}
