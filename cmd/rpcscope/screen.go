package main

import (
	"context"
	"errors"
	"fmt"
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
	"rpcscope/tui/text"
)

// A screenOptions is what the screen starts with. Nearly all of it can be changed there.
type screenOptions struct {
	runFlags
	paused bool
	wary   bool // it is for the lab to say whether the load begins paused
	record recordFlags
	// standIn says why the broker is the in-process one instead of the one that was
	// asked for; "" where it is not.
	standIn string
}

// screenCommand makes root show the screen.
func screenCommand(root *cobra.Command) {
	var o screenOptions
	o.add(root.Flags(), usualFlags)
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.validate(cmd.Flags()); err != nil {
			return err
		}
		if err := needTerminal(os.Stdout, "`rpcscope load`, and `rpcscope load --json`"); err != nil {
			return err
		}
		return o.run(cmd.Context(), os.Stdout, cmd.ErrOrStderr())
	}
}

func (o *screenOptions) validate(flags *pflag.FlagSet) error {
	if err := o.record.check(flags); err != nil {
		return err
	}
	if err := o.runFlags.validate(flags); err != nil {
		return err
	}
	o.wary = !flags.Changed("paused")
	if o.service != nil && o.servers > 0 && !o.force {
		return errors.New("--servers starts fibservers, which answer nothing but fib, and --body asks another service: give --servers 0, or --force")
	}
	return nil
}

func (o *screenOptions) add(flags *pflag.FlagSet, usual runFlags) {
	o.runFlags.add(flags, usual)
	flags.BoolVar(&o.paused, "paused", false, "begin with the load paused (default if somebody else consumes from\nthe queue, or with --body)")
	o.record.add(flags)
}

// needTerminal is a usage error where a screen cannot be shown on stdout. instead is what
// does as well without.
func needTerminal(stdout *os.File, instead string) error {
	switch {
	case !report.IsTerminal(stdout):
		return cli.Fail(cli.Usage, errors.New("the screen needs a terminal on stdout; without one there is "+instead))
	case report.IsDumb():
		return cli.Fail(cli.Usage, errors.New("the screen needs a terminal that can move its cursor, and TERM is dumb; without one there is "+instead))
	}
	return nil
}

func (o *screenOptions) run(ctx context.Context, stdout *os.File, stderr io.Writer) (err error) {
	broker, err := o.broker.Broker("rpcscope")
	if err != nil {
		return err
	}
	recorded, err := newRecording(ctx, o.record, "rpcscope", o.config(), stderr)
	if err != nil {
		return err
	}
	defer func() {
		recorded.end()
		err = recorded.verdict(err)
	}()
	l, err := lab.Open(ctx, lab.Config{
		Broker: broker, StandIn: standInAdvice("demo", o.standIn), Backoff: cli.Backoff, Queue: o.queue,
		Concurrency: o.concurrency, Rate: o.rate, Fib: o.fib, Timeout: o.timeout, Seed: o.seed, Paused: o.paused, PauseIfForeign: o.wary,
		Service:    o.service,
		Pool:       localPool(&o.broker, o.serverFlags...),
		ServerSeed: int64(o.seed * mostServers),
		Force:      o.force,
		Observer:   recorded.observer(),
	})
	if err != nil {
		if ctx.Err() != nil {
			return cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return onBroker(err)
	}
	if o.servers > 0 {
		if err := l.CheckStart(ctx); err != nil {
			l.Close(ctx) //nolint:errcheck // the error at hand matters more
			return notAlone(err)
		}
	}
	recorded.onBreak(func(err error) { l.Note(lab.Failure, "the recording breaks off: "+err.Error(), "") })
	var begun error
	l.SnapshotThen(ledger.Query{}, func() { begun = recorded.begin() })
	if begun != nil {
		l.Close(ctx) //nolint:errcheck // the error at hand matters more
		return cli.Fail(cli.FellShort, begun)
	}
	if o.standIn != "" {
		l.Note(lab.Info, "on an in-process broker: "+o.standIn, "")
	}
	ctx, release := takeTerminal(ctx, stdout)
	for range o.servers {
		go l.StartServer(ctx) //nolint:errcheck // the screen tells
	}
	end := sync.OnceValues(func() (lab.Snapshot, error) {
		last := l.Snapshot(lab.Query{})
		last.Ledger = l.SnapshotThen(report.SummaryQuery(), recorded.end)
		ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return last, l.Close(ending)
	})
	left := make(chan struct{})
	defer close(left)
	defer context.AfterFunc(ctx, func() { endAnyway(func() { end() }, left) })() //nolint:errcheck // leave tells, if it comes to that
	shown := tui.Run(ctx, l)
	release()
	return o.leave(ctx, l, end, shown, recorded, stdout, stderr)
}

// summarized is what a summary can say of an afternoon at the screen.
func (o *screenOptions) summarized() report.RunConfig {
	c := report.RunConfig{Queue: o.queue}
	if o.service != nil {
		c.Body, c.Seed = new(o.service.Body.String()), o.seed
	}
	return c
}

// leaveWait is how long a terminal has, once the lab is closed, to take the last of what
// is written to it.
const leaveWait = 3 * time.Second

// endAnyway ends the lab at once, and soon the process: a terminal that stands still lets
// neither the screen end nor anything be written. The guard sees to such a terminal.
func endAnyway(end func(), left <-chan struct{}) {
	end()
	select {
	case <-left:
	case <-time.After(leaveWait):
		os.Exit(cli.Interrupted)
	}
}

// leave ends what was started, and leaves a summary in the scrollback: of the calls as
// they were before the end, which cancels those in flight.
func (o *screenOptions) leave(ctx context.Context, l *lab.Lab, end func() (lab.Snapshot, error), shown error, recorded *recording, stdout *os.File, stderr io.Writer) error {
	tellEnding(l, stderr)
	look, err := end()
	if err != nil {
		fmt.Fprintf(stderr, "rpcscope: %s\n", text.Escape(err.Error(), 400))
	}
	if shown != nil {
		return cli.Fail(cli.FellShort, shown)
	}
	summary := report.Summary{
		Snapshot: look.Ledger, Notice: look.StandIn, Config: o.summarized(), Interrupted: ctx.Err() != nil,
		Fault: recorded.fault(),
	}
	if err := summary.Write(stdout, report.TerminalWidth(stdout)); err != nil {
		return cli.Fail(cli.FellShort, err)
	}
	return interrupted(ctx)
}

// tellEnding says what is waited for when a lab is about to be closed.
func tellEnding(l *lab.Lab, stderr io.Writer) {
	look := l.Snapshot(lab.Query{})
	alive := look.Starting
	for _, s := range look.Pool {
		if s.State.Alive() {
			alive++
		}
	}
	switch {
	case alive == 1:
		fmt.Fprintln(stderr, "rpcscope: ending a server")
	case alive > 1:
		fmt.Fprintf(stderr, "rpcscope: ending %d servers\n", alive)
	}
}
