package main

import (
	"context"
	"errors"
	"os"

	"rpcscope/cmd/internal/cli"
)

// takeTerminal is called before a screen is shown on the terminal: from then on it is put
// right whatever becomes of this process, and the context ends when it goes to another
// program. Call release when the screen is gone.
func takeTerminal(ctx context.Context, terminal *os.File) (_ context.Context, release func()) {
	ctx, unwatch := whileForeground(ctx, terminal)
	unguard, _ := startGuard(terminal) // where there is none, the screen does as well without
	return ctx, func() {
		unguard()
		unwatch()
	}
}

// errTakenOver ends a screen whose terminal reads and shows somebody else's.
var errTakenOver = errors.New("another program has taken over the terminal")

// interrupted is what a screen's command returns whose context has ended; nil where it has not.
func interrupted(ctx context.Context) error {
	switch {
	case errors.Is(context.Cause(ctx), errTakenOver):
		return cli.Fail(cli.Interrupted, errTakenOver)
	case ctx.Err() != nil:
		return &cli.ExitError{Code: cli.Interrupted}
	}
	return nil
}
