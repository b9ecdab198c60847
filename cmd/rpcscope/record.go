package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"rpcscope/amqprpc/ledger"
)

// A recordingFile is the file of --record. What was in it stays until begin: a run
// that never starts, for want of a broker say, must not cost an older recording.
type recordingFile struct {
	file    *os.File
	regular bool
	created bool
	begun   bool
	early   bytes.Buffer // what was written before begin
}

// openRecording opens a file to record to, and refuses one that holds something else
// than a recording. Errors are about usage.
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
	return r.file.Write(p)
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
