package tui

import (
	"os"
	"testing"

	"rpcscope/tui/internal/noquery"
)

// TERM is as before when main starts.
func TestUnaskedIsOver(t *testing.T) {
	was, set := os.LookupEnv("TERM")
	t.Setenv("TERM", "anything") // restores it
	noquery.Restore()
	if now, still := os.LookupEnv("TERM"); now != was || still != set {
		t.Errorf("TERM=%q %t, was %q %t", now, still, was, set)
	}
}
