package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A recording is of one run, so that of scale's runs each has a file of its own, named for the number of its
// servers.

// recordPath is where the run with so many servers is recorded: "run-2.ndjson" of "run.ndjson".
func recordPath(path string, servers int) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + strconv.Itoa(servers) + ext
}

// checkRecord is a usage error where runs cannot be told apart by the names of their files, or what is named is
// none.
func (o *scaleOptions) checkRecord() error {
	if o.record == "" {
		return nil
	}
	for i, n := range o.steps {
		if slices.Contains(o.steps[:i], n) {
			return fmt.Errorf("--record: --servers has %d twice, and both runs would be recorded to %s", n, recordPath(o.record, n))
		}
	}
	if info, err := os.Stat(o.record); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--record: scale writes a file for each run, and %s is not one", o.record)
	}
	return nil
}

// recordings opens a recording for each run; nil ones where nothing is recorded. Errors are about usage.
func (o *scaleOptions) recordings() (recordings, error) {
	all := make(recordings, len(o.steps))
	if o.record == "" {
		return all, nil
	}
	for i, n := range o.steps {
		var err error
		if all[i], err = newRecording(recordPath(o.record, n), "rpcscope scale", o.config()); err != nil {
			return nil, errors.Join(err, all.end(nil))
		}
	}
	return all, nil
}

type recordings []*recording

// end ends those that have not ended, and returns err, or where that says nothing yet, that one is not whole.
func (all recordings) end(err error) error {
	for _, r := range all {
		r.end()
		err = r.verdict(err)
	}
	return err
}
