package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"rpcscope/amqprpc/ledger"
)

// A recordingFile is the file of --record. It is locked while it is open, so that no two runs
// write to one. What was in it stays until begin: a run that never starts, for want of a
// broker say, must not cost an older recording.
type recordingFile struct {
	file    *os.File
	path    string
	regular bool
	created bool
	begun   bool
	early   bytes.Buffer // what was written before begin
	onBreak func(error)  // nil where it has been told
}

var errLocked = errors.New("another run is recording to it")

// openRecording opens a file to record to. One that holds anything is refused, but for an
// older recording that may be overwritten.
func openRecording(ctx context.Context, flags recordFlags, stderr io.Writer) (*recordingFile, error) {
	r := &recordingFile{path: flags.path}
	info, err := os.Stat(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.regular, r.created = true, true
		r.file, err = os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if link, e := os.Lstat(r.path); errors.Is(err, fs.ErrExist) && e == nil && link.Mode()&fs.ModeSymlink != 0 {
			err = fmt.Errorf("%s is a symbolic link to nothing", r.path)
		}
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a directory", r.path)
	case info.Mode()&fs.ModeNamedPipe != 0:
		r.file, err = openPipe(ctx, r.path, stderr)
	default:
		r.regular = info.Mode().IsRegular()
		r.file, err = os.OpenFile(r.path, os.O_WRONLY, 0)
	}
	if err != nil || !r.regular {
		return r, err
	}
	if err = r.lock(); err == nil && !r.created {
		err = r.mayReplace(flags.overwrite)
	}
	if err != nil {
		return nil, errors.Join(err, r.file.Close()) // not removed: it may be another run's
	}
	return r, nil
}

// lock keeps other runs off the file, and makes sure that it is still the one at its path: the
// run that had it until now may have removed it.
func (r *recordingFile) lock() error {
	if err := lockFile(r.file); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	mine, err := r.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(r.path); err != nil || !os.SameFile(mine, there) {
		return fmt.Errorf("%s has just been removed by another run", r.path)
	}
	return nil
}

// mayReplace returns an error where a file holds something that is to stay.
func (r *recordingFile) mayReplace(overwrite bool) error {
	file, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer file.Close()
	switch _, err := ledger.NewReader(file); {
	case isEmpty(file): // mktemp makes such
		return nil
	case errors.Is(err, ledger.ErrNotRecording):
		return fmt.Errorf("%s exists and is no recording; it stays as it is", r.path)
	case !overwrite:
		return fmt.Errorf("%s is an older recording: --overwrite replaces it", r.path)
	}
	return nil
}

func isEmpty(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Size() == 0
}

// pipePatience is how long a pipe's reader is waited for before that is said.
const pipePatience = time.Second

// openPipe opens a named pipe, which blocks until somebody reads from it.
func openPipe(ctx context.Context, path string, stderr io.Writer) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			file.Close() //nolint:errcheck // nobody is interested any more
		}
	}()
	say := time.NewTimer(pipePatience)
	defer say.Stop()
	for {
		select {
		case o := <-done:
			return o.file, o.err
		case <-say.C:
			fmt.Fprintf(stderr, "rpcscope: --record: waiting for somebody to read from %s\n", path)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Write keeps p until begin, and writes it afterwards.
func (r *recordingFile) Write(p []byte) (int, error) {
	if !r.begun {
		return r.early.Write(p)
	}
	n, err := r.file.Write(p)
	if err != nil && r.onBreak != nil {
		r.onBreak(err)
		r.onBreak = nil
	}
	return n, err
}

// begin empties the file and writes what was kept.
func (r *recordingFile) begin() error {
	if r.regular {
		if err := r.file.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := r.early.WriteTo(r.file); err != nil {
		return err
	}
	r.begun = true
	return nil
}

// close closes the file, and removes it where it was made for a run that never began: before
// another run can have it, where the system lets an open file be removed.
func (r *recordingFile) close() error {
	remove := r.created && !r.begun
	if remove && os.Remove(r.path) == nil {
		remove = false
	}
	err := r.file.Close()
	if remove {
		err = errors.Join(err, os.Remove(r.path))
	}
	return err
}
