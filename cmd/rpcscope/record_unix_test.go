//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// breakingFifo is a file that takes the beginning of what is written to it. Then something
// is sent to read.
func breakingFifo(t *testing.T, read chan<- error) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		f, err := os.Open(path)
		if err == nil {
			_, err = io.ReadFull(f, make([]byte, 100))
			f.Close()
		}
		read <- err
	}()
	return path
}

// A recording that breaks off in the middle is not passed off as whole.
func TestRecordingBreaksOff(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	read := make(chan error, 1)
	fifo := breakingFifo(t, read)
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n=3000", "--fib=3", "--timeout=1m", "--servers=1",
		"--json", "--record", fifo) // a busy machine may stand still for longer than the 5 s of a call, and no call is to fail
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if s := o.summary(t); o.code != cli.FellShort || s.Calls.Completed != 3000 || !strings.Contains(o.stderr, "not whole") {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s.Calls)
	}
}
