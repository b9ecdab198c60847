//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"testing"

	"rpcscope/cmd/internal/cli"
)

// Two runs do not write to one recording, from which neither could then be read. The first one's stays.
func TestOneRecordingAtATime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.ndjson")
	first, err := openRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.begin(); err != nil {
		t.Fatal(err)
	}
	rpcscope(t, "amqp://127.0.0.1:1/", "load", "--record", file).want(t, cli.Usage, "", "another program records to")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	rpcscope(t, "amqp://127.0.0.1:1/", "load", "--record", file).want(t, cli.NoBroker, "", "cannot connect")
}
