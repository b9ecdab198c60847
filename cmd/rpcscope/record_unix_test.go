//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// breakingFifo returns the path of a named pipe whose reader closes it after 100 bytes, and then sends to read.
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

// A run whose recording fails in the middle says so.
func TestRecordingBreaksOff(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	read := make(chan error, 1)
	fifo := breakingFifo(t, read)
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n=3000", "--fib=3", "--timeout=1m", "--servers=1",
		"--json", "--record", fifo) // a busy machine must not make calls time out
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if s := o.summary(t); o.code != cli.FellShort || s.Calls.Completed != 3000 || !strings.Contains(o.stderr, "--record: write ") {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s.Calls)
	}
}

// A recording to a named pipe waits for its reader, and one signal ends that.
func TestRecordWaitsForAReader(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin.rpcscope, "load", "--record", fifo)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
	lines := bufio.NewScanner(stderr)
	if want := "rpcscope: waiting for a reader of " + fifo; !lines.Scan() || lines.Text() != want {
		t.Errorf("it says %q, want %q", lines.Text(), want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to its end
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != cli.Interrupted {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
}

// A terminal is refused: the recording would mix with the screen or the summary.
func TestRecordToATerminal(t *testing.T) {
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer terminal.Close()
	o := rpcscope(t, "amqp://127.0.0.1:1/", "load", "--record", terminal.Name())
	o.want(t, cli.Usage, "", "--record: "+terminal.Name()+" is a terminal")
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
