package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/report"
)

// put writes a file, and returns its path.
func put(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const oldRecording = `{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05Z","config":{}}` + "\n"

// A file that holds anything is not overwritten by mistake, and a refused run makes no calls.
func TestRecordKeepsWhatIsThere(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"old recording", oldRecording, "is an older recording: --overwrite replaces it"},
		{"recording of the future", strings.Replace(oldRecording, `"version":1`, `"version":99`, 1), "--overwrite"},
		{"recording that is cut off", oldRecording[:40], "--overwrite"},
		{"thesis", "years of work\n", "exists and is not a recording; it stays as it is"},
		{"thesis", "no newline", "exists and is not a recording"},
	} {
		path := put(t, "file", c.content)
		for _, args := range [][]string{{"load"}, {"load", "--overwrite"}} {
			if len(args) > 1 && strings.Contains(c.want, "--overwrite") {
				continue
			}
			// The broker, which does not exist, would be exit code 3.
			o := rpcscope(t, "amqp://127.0.0.1:1/", append(args, "--record", path)...)
			if o.code != cli.Usage || !strings.Contains(o.stderr, c.want) || !strings.Contains(o.stderr, path) {
				t.Errorf("%s, %q: exit code %d, %s", c.name, args, o.code, o.stderr)
			}
			if left, _ := os.ReadFile(path); string(left) != c.content {
				t.Errorf("%s, %q: the file now holds %q", c.name, args, left)
			}
		}
	}
}

func TestRecordRefusesFlags(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--record="}, "--record is empty"},
		{[]string{"--record=-"}, "stdout"},
		{[]string{"--overwrite"}, "there is none"},
		{[]string{"--record", folder}, "is a directory"},
		{[]string{"--record", filepath.Join(folder, "nowhere", "run.ndjson")}, "nowhere"},
		{[]string{"--record", filepath.Join(put(t, "file", "x"), "run.ndjson")}, "run.ndjson"},
	} {
		o := rpcscope(t, "amqp://127.0.0.1:1/", append([]string{"load"}, c.args...)...)
		if o.code != cli.Usage || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, o.code, o.stderr)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A recording may replace an older one if --overwrite is given, an empty file, and the file that a link names.
func TestRecordWrites(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	newForeign(t, node.URL(), queue, echo)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(put(t, "file", oldRecording+strings.Repeat("\n", 100_000)), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		args       []string
	}{
		{"a new file", filepath.Join(t.TempDir(), "run.ndjson"), nil},
		{"an empty file", put(t, "file", ""), nil},
		{"over an old one", put(t, "file", oldRecording), []string{"--overwrite"}},
		{"through a link", link, []string{"--overwrite"}},
		{"nothing to overwrite", filepath.Join(t.TempDir(), "run.ndjson"), []string{"--overwrite"}},
	} {
		o := rpcscope(t, node.URL(), append(c.args, "load", "--queue", queue, "--body=x", "-n=20", "--json", "--record", c.path)...)
		content, err := os.ReadFile(c.path)
		if err != nil || o.code != cli.OK || o.summary(t).Calls.Completed != 20 {
			t.Errorf("%s: %v, %+v", c.name, err, o)
		}
		events := bytes.Count(content, []byte("\n")) - 1
		if left, _ := filepath.Glob(c.path + ".*"); len(left) != 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
		if want := fmt.Sprintf("recorded all %d events of the run to %s\n", events, c.path); o.stderr != want {
			t.Errorf("%s: says %q, not %q", c.name, o.stderr, want)
		}
		books := ledger.New(ledger.Config{})
		if _, _, err := ledger.Replay(bytes.NewReader(content), books); err != nil || books.Snapshot(ledger.Query{}).Calls.Completed != 20 {
			t.Errorf("%s: the recording of %d bytes: %v", c.name, len(content), err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
}

// A run that is killed leaves its recording under the temporary name, and an older recording untouched.
func TestRecordingOfAKilledRun(t *testing.T) {
	path := put(t, "run.ndjson", oldRecording)
	r := begunRecording(t, path)
	r.Observe(amqprpc.Event{Kind: amqprpc.EventConnected, Time: time.Now()})
	if err := r.Flush(); err != nil { // the run is killed
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != oldRecording {
		t.Errorf("the older recording is now %q, %v", content, err)
	}
	if content, err := os.ReadFile(path + ".partial-1"); err != nil || bytes.Count(content, []byte("\n")) != 2 {
		t.Errorf("the new one is %q, %v", content, err)
	}
	if second := begunRecording(t, path); second.file.Name() != path+".partial-2" {
		t.Errorf("the next run records to %s", second.file.Name())
	}
}

// begunRecording begins a recording that may replace an older one.
func begunRecording(t *testing.T, path string) *recording {
	t.Helper()
	r, err := newRecording(t.Context(), recordFlags{path, true}, "test", report.RunConfig{}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.file.Close() })
	return r
}

// A file that appears during the run is not overwritten, and the recording stays under its temporary name.
func TestRecordKeepsWhatAppears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.ndjson")
	r := begunRecording(t, path)
	if err := os.WriteFile(path, []byte("years of work\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.end()
	if err := r.verdict(nil); err == nil || !strings.Contains(err.Error(), path+" was written by another program meanwhile; ") || !strings.Contains(err.Error(), path+".partial-1") {
		t.Errorf("the verdict is %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "years of work\n" {
		t.Errorf("the file is now %q, %v", content, err)
	}
	if content, err := os.ReadFile(path + ".partial-1"); err != nil || bytes.Count(content, []byte("\n")) != 1 {
		t.Errorf("the recording is %q, %v", content, err)
	}
}
