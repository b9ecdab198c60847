package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
)

// open opens the file. A recording is written under a temporary name beside its own, and renamed when the run has
// ended: a run that fails neither costs an older recording nor leaves a part of one in its place. A named pipe or a
// device is written to directly. open returns an error if the file may not be replaced.
func (r *recording) open(ctx context.Context) error {
	info, err := os.Stat(r.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory", r.path)
	case err == nil && !info.Mode().IsRegular():
		return r.openDevice(ctx)
	}
	if err := r.mayReplace(); err != nil {
		return err
	}
	r.target = r.path
	if real, err := filepath.EvalSymlinks(r.path); err == nil {
		r.target = real // a link stays a link
	}
	for n := 1; ; n++ {
		r.file, err = os.OpenFile(fmt.Sprintf("%s.partial-%d", r.target, n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && info != nil {
			err = r.file.Chmod(info.Mode().Perm())
		}
		return err
	}
}

// openDevice opens a named pipe, as soon as it has a reader, or a device.
func (r *recording) openDevice(ctx context.Context) error {
	opened := make(chan error, 1)
	go func() {
		var err error
		r.file, err = os.OpenFile(r.path, os.O_WRONLY, 0)
		opened <- err
	}()
	waiting := time.AfterFunc(time.Second, func() { warn(r.stderr, "waiting for a reader of %s", r.path) })
	defer waiting.Stop()
	select {
	case <-ctx.Done():
		return cli.Fail(cli.Interrupted, context.Cause(ctx))
	case err := <-opened:
		if err == nil && report.IsTerminal(r.file) {
			return fmt.Errorf("%s is a terminal", r.path)
		}
		return err
	}
}

// mayReplace returns an error if there is a file that is to stay.
func (f *recordFlags) mayReplace() error {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(f.path); err == nil {
			return fmt.Errorf("%s is a symbolic link to nothing", f.path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() == 0 { // mktemp creates such files
		return nil
	}
	if _, err := ledger.NewReader(file); errors.Is(err, ledger.ErrNotRecording) {
		return fmt.Errorf("%s exists and is not a recording; it stays as it is", f.path)
	}
	if !f.overwrite {
		return fmt.Errorf("%s is an older recording: --overwrite replaces it", f.path)
	}
	return nil
}

// Write writes p, and reports the first error to onError, in the way of calls.
func (r *recording) Write(p []byte) (int, error) {
	n, err := r.file.Write(p)
	if err != nil {
		r.onError(err)
		r.onError = func(error) {}
	}
	return n, err
}

// close closes the file. It renames it if the run began and was recorded without an error, and removes it if the run
// never began.
func (r *recording) close() error {
	err := errors.Join(r.Recorder.Close(), r.file.Close())
	switch {
	case r.target == "":
		return err
	case !r.begun:
		return errors.Join(err, os.Remove(r.file.Name()))
	}
	if err == nil && r.mayReplace() != nil {
		err = fmt.Errorf("%s was written by another program meanwhile", r.path)
	}
	if err == nil {
		err = os.Rename(r.file.Name(), r.target)
	}
	if err != nil {
		err = fmt.Errorf("%w; this recording is in %s", err, r.file.Name())
	}
	return err
}
