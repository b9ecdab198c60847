//go:build !linux && !darwin

package main

import (
	"context"
	"os"
)

// whileForeground is for terminals that have a foreground.
func whileForeground(ctx context.Context, _ *os.File) (context.Context, func()) {
	return ctx, func() {}
}
