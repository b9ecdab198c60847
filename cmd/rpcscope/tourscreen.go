package main

import (
	"context"
	"io"
	"os"
	"sync"

	"rpcscope/cmd/internal/cli"
	"rpcscope/tui"
	"rpcscope/tui/tour"
)

// show shows the tour on the screen, and prints its results at the end.
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
	cfg.Pace = o.pace
	guide, err := tour.NewGuide(ctx, cfg, o.scenarios)
	if err != nil {
		return sessionError(ctx, err)
	}
	end := sync.OnceValue(func() error { return guide.Close(context.Background()) })
	defer context.AfterFunc(ctx, func() { exitIfStalled(func() { end() }) })() //nolint:errcheck // reported below
	shown := tui.RunTour(ctx, guide)

	printStandIn(stderr, why)
	l, _ := guide.Snapshot()
	printStopping(l, stderr)
	short := false
	if err := end(); err != nil {
		short = true // a server or a queue was not removed
		warn(stderr, "%v", err)
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
