package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// recordFlags say where a run is recorded to.
type recordFlags struct {
	path      string
	overwrite bool
}

func (f *recordFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "record", "", "write every event to this new file, one JSON object a line, for\nrpcscope replay")
	flags.BoolVar(&f.overwrite, "overwrite", false, "let --record replace an older recording")
}

// check is a usage error where the flags make no sense, as where they name what elsewhere
// is stdout: there are the screen and the summary.
func (f *recordFlags) check(flags *pflag.FlagSet) error {
	switch {
	case flags.Changed("record") && f.path == "":
		return errors.New("--record names no file")
	case f.path == "-":
		return errors.New("--record takes a file, not stdout (./- is a file of that name)")
	case f.overwrite && f.path == "":
		return errors.New("--overwrite is for the file of --record, and there is none")
	}
	return nil
}

// A recording is what --record writes. A nil one is of a run that is not recorded.
type recording struct {
	*ledger.Recorder
	file   *recordingFile
	stderr io.Writer
	ended  error // what came of it
	over   bool
}

// newRecording opens the file of --record, if there is one. Errors are about usage, unless
// ctx has ended. Of a named pipe it waits for the reader, and says so on stderr.
func newRecording(ctx context.Context, flags recordFlags, by string, cfg report.RunConfig, stderr io.Writer) (*recording, error) {
	if flags.path == "" {
		return nil, nil
	}
	file, err := openRecording(ctx, flags, stderr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, cli.Fail(cli.Interrupted, context.Cause(ctx))
		}
		return nil, fmt.Errorf("--record: %w", err)
	}
	return &recording{Recorder: ledger.NewRecorder(file, report.Header(by, cfg)), file: file, stderr: stderr}, nil
}

// observer is who has to be told of events; nil for nobody.
func (r *recording) observer() amqprpc.Observer {
	if r == nil {
		return nil
	}
	return r.Recorder
}

// begin says that it is a run now, and worth overwriting an old recording for. The first
// lines are written at once, so that a full disk shows before the run. No event may be told
// of meanwhile.
func (r *recording) begin() error {
	if r == nil {
		return nil
	}
	err := r.Flush()
	if err == nil {
		err = r.file.begin()
	}
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

// onBreak has f told, once, of why the recording breaks off. It is called in the way of
// every call: it must be quick.
func (r *recording) onBreak(f func(error)) {
	if r != nil {
		r.file.onBreak = f
	}
}

// end ends the recording: what is told of later is not in it. Further ends change nothing.
func (r *recording) end() {
	if r == nil || r.over {
		return
	}
	r.over = true
	r.ended = errors.Join(r.Recorder.Close(), r.file.close())
}

// fault says that the recording has ended and is not whole; else "".
func (r *recording) fault() string {
	if r == nil || r.ended == nil {
		return ""
	}
	return "the recording is not whole"
}

// verdict is err, or if that says nothing yet, that the recording is not whole. If it is, it
// says on stderr how much was recorded, and to where. It is called once, when the run has
// printed what it had to say.
func (r *recording) verdict(err error) error {
	if r == nil {
		return err
	}
	if r.ended == nil {
		if r.file.begun {
			path, abs := filepath.Abs(r.file.path)
			if abs != nil {
				path = r.file.path
			}
			fmt.Fprintf(r.stderr, "recorded all %d events of the run to %s\n", r.Events(), text.Escape(path, 4096))
		}
		return err
	}
	if code := (*cli.ExitError)(nil); err == nil || errors.As(err, &code) && code.Err == nil {
		return cli.Fail(cli.FellShort, fmt.Errorf("the recording is not whole: %w", r.ended))
	}
	return err
}
