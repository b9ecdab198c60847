package tui

import (
	"os"
	"testing"

	"rpcscope/tui/internal/noquery"
)

// Nobody who comes later sees what was said of the terminal while libraries began.
func TestUnaskedIsOver(t *testing.T) {
	was, set := os.LookupEnv("TERM")
	t.Setenv("TERM", "anything") // puts back what was
	noquery.Restore()
	if now, still := os.LookupEnv("TERM"); now != was || still != set {
		t.Errorf("TERM=%q %t, was %q %t", now, still, was, set)
	}
}
