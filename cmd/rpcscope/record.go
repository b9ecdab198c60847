package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
)

// addRecord adds the flag --record.
func addRecord(flags *pflag.FlagSet, path *string) {
	flags.StringVar(path, "record", "", "write every event to this file, one JSON object a line, for\nrpcscope replay (the keys: go doc rpcscope/amqprpc/ledger)")
}

// checkRecord is a usage error where --record names no file, or what elsewhere is stdout:
// there are the screen and the summary.
func checkRecord(flags *pflag.FlagSet, path string) error {
	switch {
	case flags.Changed("record") && path == "":
		return errors.New("--record names no file")
	case path == "-":
		return errors.New("--record takes a file, not stdout (./- is a file of that name)")
	}
	return nil
}

// A recording is what --record writes. A nil one is of a run that is not recorded.
type recording struct {
	*ledger.Recorder
	file  *recordingFile
	ended error // what came of it
	over  bool
}

// newRecording opens the file of --record, if there is one. Errors are about usage.
func newRecording(path, by string, cfg ledger.RunConfig) (*recording, error) {
	if path == "" {
		return nil, nil
	}
	file, err := openRecording(path)
	if err != nil {
		return nil, err
	}
	return &recording{Recorder: ledger.NewRecorder(file, ledger.HeaderLine{By: by, Config: cfg}), file: file}, nil
}

// observer is who has to be told of events; nil for nobody.
func (r *recording) observer() amqprpc.Observer {
	if r == nil {
		return nil
	}
	return r.Recorder
}

// begin says that it is a run now, and worth overwriting an old recording for. No event may
// be told of meanwhile. broke, where it is not nil, is called when a later event cannot be
// written, which ends the recording: at that moment, in the way of every call.
func (r *recording) begin(broke func(error)) error {
	if r == nil {
		return nil
	}
	r.file.broke = broke
	return r.file.begin()
}

// end ends the recording: what is told of later is not in it. Further ends change nothing.
func (r *recording) end() {
	if r == nil || r.over {
		return
	}
	r.over = true
	r.ended = errors.Join(r.Recorder.Close(), r.file.close())
}

// verdict is err, or where that says nothing yet, that the recording is not whole.
func (r *recording) verdict(err error) error {
	if r == nil || r.ended == nil {
		return err
	}
	if code := (*cli.ExitError)(nil); err == nil || errors.As(err, &code) && code.Err == nil {
		return cli.Fail(cli.FellShort, fmt.Errorf("the recording is not whole: %w", r.ended))
	}
	return err
}

// A recordingFile is the file of --record. What was in it stays until begin: a run
// that never starts, for want of a broker say, must not cost an older recording.
type recordingFile struct {
	file    *os.File
	regular bool
	created bool
	begun   bool
	early   bytes.Buffer // what was written before begin
	broke   func(error)  // see recording.begin
}

// openRecording opens a file to record to, and refuses one that holds something else
// than a recording, or that somebody records to. Errors are about usage.
func openRecording(path string) (*recordingFile, error) {
	info, err := os.Stat(path)
	created := errors.Is(err, os.ErrNotExist)
	regular := created || err == nil && info.Mode().IsRegular()
	if regular && !created && info.Size() > 0 {
		if err := isRecording(path); err != nil {
			return nil, fmt.Errorf("--record: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	if regular && lockRecording(file) {
		file.Close()
		return nil, fmt.Errorf("--record: another program records to %s", path)
	}
	return &recordingFile{file: file, regular: regular, created: created}, nil
}

// isRecording returns an error where a file holds something else.
func isRecording(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := ledger.NewReader(file); errors.Is(err, ledger.ErrNotRecording) {
		return fmt.Errorf("%s exists and is no recording; it stays as it is", path)
	}
	return nil
}

// Write keeps p until begin, and writes it afterwards.
func (r *recordingFile) Write(p []byte) (int, error) {
	if !r.begun {
		return r.early.Write(p)
	}
	n, err := r.file.Write(p)
	if err != nil && r.broke != nil {
		r.broke(err)
	}
	return n, err
}

// begin empties the file and writes what was kept.
func (r *recordingFile) begin() error {
	if r.regular {
		if err := r.file.Truncate(0); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	r.begun = true
	if _, err := r.early.WriteTo(r.file); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

// close closes the file, and removes it where it was made for a run that never began.
func (r *recordingFile) close() error {
	err := r.file.Close()
	if r.created && !r.begun {
		return errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}
