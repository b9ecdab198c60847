package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// recordFlags say where a run is recorded.
type recordFlags struct {
	path      string
	overwrite bool
}

func (f *recordFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "record", "", "write every event to this new file, one JSON object a line, for\nrpcscope replay; until the run ends it is named FILE.partial-1")
	flags.BoolVar(&f.overwrite, "overwrite", false, "let --record replace an older recording")
}

// check returns a usage error if the flags make no sense.
func (f *recordFlags) check() error {
	switch {
	case f.path == "-":
		return errors.New("--record takes a file, not stdout (./- is a file of that name)")
	case f.overwrite && f.path == "":
		return errors.New("--overwrite is for the file of --record, and there is none")
	}
	return nil
}

// A recording is the recording of one run. A nil *recording is that of a run that is not recorded.
type recording struct {
	*ledger.Recorder
	recordFlags
	file    *os.File
	target  string // path without links; "" for a named pipe or a device
	stderr  io.Writer
	onError func(error) // receives the first error of Write
	begun   bool        // there is something to keep
	ended   bool
	err     error // of its end
}

// newRecording opens the file of --record, if there is one. Its errors are usage errors.
func newRecording(ctx context.Context, flags recordFlags, by string, cfg report.RunConfig, stderr io.Writer) (*recording, error) {
	if flags.path == "" {
		return nil, nil
	}
	r := &recording{recordFlags: flags, stderr: stderr, onError: func(error) {}}
	if err := r.open(ctx); err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	r.Recorder = ledger.NewRecorder(r, report.Header(by, cfg))
	return r, nil
}

// observer returns the observer that records, or nil.
func (r *recording) observer() amqprpc.Observer {
	if r == nil {
		return nil
	}
	return r.Recorder
}

// begin marks the begin of the run: from now on the recording is kept. It writes the first lines, so that a full disk
// is noticed before the run. No event may be recorded meanwhile.
func (r *recording) begin() error {
	if r == nil {
		return nil
	}
	if err := r.Flush(); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	r.begun = true
	return nil
}

// end ends the recording, the first time that it is called. Later events are not recorded.
func (r *recording) end() {
	if r == nil || r.ended {
		return
	}
	r.ended = true
	r.err = r.close()
}

// fault returns the words of a summary for a recording that failed, or "".
func (r *recording) fault() string {
	if r == nil || r.err == nil {
		return ""
	}
	return "the recording failed"
}

// verdict returns err, or, if err is only an exit code, the error of the recording. If there is no error it prints
// where the recording is. Call it once, after the run has printed its results.
func (r *recording) verdict(err error) error {
	if r == nil {
		return err
	}
	if r.err == nil {
		if r.begun {
			path, abs := filepath.Abs(r.path)
			if abs != nil {
				path = r.path
			}
			fmt.Fprintf(r.stderr, "recorded all %s events of the run to %s\n", text.Count(r.Events()), text.Escape(path, 4096))
		}
		return err
	}
	if code := (*cli.ExitError)(nil); err == nil || errors.As(err, &code) && code.Err == nil {
		return cli.Fail(cli.FellShort, fmt.Errorf("--record: %w", r.err))
	}
	return err
}
