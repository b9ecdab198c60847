//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
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

func TestRecordThroughALinkToNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	o := rpcscope(t, "amqp://127.0.0.1:1/", "load", "--record", link)
	if o.code != cli.Usage || !strings.Contains(o.stderr, "is a symbolic link to nothing") {
		t.Errorf("%+v", o)
	}
}

// A pipe that nobody reads is waited for, that is said, and it can be interrupted.
func TestRecordToAPipeWithoutReader(t *testing.T) {
	brokertest.SkipIfShort(t)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	said, stderr := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := newRecording(ctx, recordFlags{path: path}, "test", report.RunConfig{}, stderr)
		ended <- err
	}()
	text := make([]byte, 200)
	n, err := said.Read(text)
	if err != nil || !strings.Contains(string(text[:n]), "waiting for somebody to read from "+path) {
		t.Errorf("said %q, %v", text[:n], err)
	}
	interrupt()
	select {
	case err := <-ended:
		if code := (*cli.ExitError)(nil); !errors.As(err, &code) || code.Code != cli.Interrupted {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("an interrupt does not end it")
	}
	reader, err := os.Open(path) // lets the waiting open go
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
}
