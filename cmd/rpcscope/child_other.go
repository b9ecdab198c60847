//go:build !linux && !darwin

package main

import (
	"context"
	"os"
)

// inChild calls show in this process.
func inChild(_ *os.File, show func() error) error { return show() }

// whileForeground returns ctx: terminals have no foreground here.
func whileForeground(ctx context.Context, _ *os.File) (context.Context, func()) {
	return ctx, func() {}
}
