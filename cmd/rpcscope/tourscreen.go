package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"rpcscope/cmd/internal/cli"
	"rpcscope/tui"
	"rpcscope/tui/text"
	"rpcscope/tui/tour"
)

// show shows the tour on the screen, and leaves what came of it in the scrollback.
func (o *tourOptions) show(ctx context.Context, stdout *os.File, stderr io.Writer) error {
	why, leave, err := o.openBroker(ctx, stderr)
	if err != nil {
		return err
	}
	defer leave()
	cfg, err := o.config(why)
	if err != nil {
		return err
	}
	cfg.Pace = tour.DefaultPace.Scale(o.pace)
	guide, err := tour.NewGuide(ctx, cfg, o.scenarios)
	if err != nil {
		if ctx.Err() != nil {
			return cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return onStage(err)
	}
	ctx, release := takeTerminal(ctx, stdout)
	end := sync.OnceValue(func() error { return guide.Close(context.Background()) })
	left := make(chan struct{})
	defer close(left)
	defer context.AfterFunc(ctx, func() { endAnyway(func() { end() }, left) })() //nolint:errcheck // told below
	shown := tui.RunTour(ctx, guide)
	release()

	tellStandIn(stderr, why)
	l, _ := guide.Snapshot()
	tellEnding(l, stderr)
	short := false
	if err := end(); err != nil {
		short = true // something is left
		fmt.Fprintf(stderr, "rpcscope: %s\n", text.Escape(err.Error(), 400))
	}
	if shown != nil {
		return cli.Fail(cli.FellShort, shown)
	}
	for _, r := range guide.Results() {
		short = short || !r.OK()
		if err := o.print(stdout, &r); err != nil {
			return cli.Fail(cli.FellShort, err)
		}
	}
	if err := interrupted(ctx); err != nil || !short {
		return err
	}
	return &cli.ExitError{Code: cli.FellShort}
}
