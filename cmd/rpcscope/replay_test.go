package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/tui/lab"
)

// recordLoad records a load with all kinds of failures, and returns its summary.
func recordLoad(t testing.TB, path string, args ...string) outcome {
	t.Helper()
	node := brokertest.Shared(t)
	args = append([]string{
		"load", "--queue", brokertest.QueueName(t), "--fib=3-9", "--servers=2", "--json", "--max-failed=100000", "--record", path,
		"--server-flag=--fault=duplicate=0.05,unknown=0.02,error=0.02,drop=0.01", "--timeout=1s", "--seed=7",
	}, args...)
	o := rpcscope(t, node.URL(), args...)
	if o.code != cli.OK {
		t.Fatalf("%+v", o)
	}
	return o
}

// The replay of a recording prints the same summary as the run.
func TestReplayIsTheRun(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	for what, args := range map[string][]string{
		"closed loop": {"-n=2000", "-c=16"},
		"open model":  {"--rate=500", "--duration=2s"},
		"warm-up":     {"-n=500", "-c=4", "--warmup=300ms"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "run.ndjson")
			live := recordLoad(t, file, args...)
			if s := live.summary(t); s.Calls.Completed == 0 || s.Replies.Duplicates == 0 || s.Replies.Unknown == 0 || s.Failures.Remote == 0 {
				t.Errorf("a poor run: %+v", s)
			}
			rpcscope(t, "", "replay", file, "--json").want(t, cli.OK, live.stdout)
		})
	}
}

func TestReplayOfStdin(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "run.ndjson")
	live := recordLoad(t, file, "-n=50", "-c=4")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin.rpcscope, "replay", "--json", "-")
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.Output(); err != nil || string(out) != live.stdout {
		t.Errorf("%v: %s\nnot\n%s", err, out, live.stdout)
	}
	rpcscope(t, "", "replay", "-").want(t, cli.Usage, "", "cannot seek in stdin", "--json")
}

func backwards(lines []string) string {
	lines = slices.Clone(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "")
}

func doubled(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + l)
	}
	return b.String()
}

// replay names the damaged line of a recording, and prints the summary of the lines before it.
func TestReplayOfDamage(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "run.ndjson")
	live := recordLoad(t, file, "-n=50", "-c=4")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	good := string(content)
	lines := strings.SplitAfter(good, "\n")
	half := strings.Join(lines[:100], "")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(content) //nolint:errcheck // into memory
	z.Close()        //nolint:errcheck // likewise

	for what, c := range map[string]struct {
		content string
		code    int
		want    string
		shown   bool
	}{
		"cut off":        {good[:len(good)-20], cli.FellShort, "the recording is cut off here", true},
		"a wrong line":   {half + "{\"t\":}\n" + strings.Join(lines[100:], ""), cli.FellShort, "line 101: damaged line", true},
		"an endless one": {half + "{\"x\":\"" + strings.Repeat("x", 10<<20) + "\"}\n", cli.FellShort, "line 101: line longer", true},
		"of the future":  {half + `{"t":1,"k":"teleported"}` + "\n", cli.FellShort, "line 101: damaged line", true},
		"the header":     {lines[0], cli.OK, "", true},
		"newer":          {strings.Replace(good, `"version":1`, `"version":2`, 1), cli.Usage, "line 1: a newer version", false},
		"empty":          {"", cli.Usage, "line 1: not an rpcscope recording: it is empty", false},
		"something else": {"hello\n", cli.Usage, "line 1: not an rpcscope recording", false},
		"no header":      {strings.Join(lines[1:], ""), cli.Usage, "line 1: not an rpcscope recording", false},
		"gzip":           {zipped.String(), cli.Usage, "gunzip", false},
		"zstd":           {"\x28\xb5\x2f\xfd" + good, cli.Usage, "unzstd", false},
		"xz":             {"\xfd7zXZ\x00", cli.Usage, "unxz", false},
		"ZIP":            {"PK\x03\x04", cli.Usage, "unzip", false},
		"a mark":         {"\xef\xbb\xbf" + good, cli.Usage, "byte order mark", false},
		"UTF-16":         {"\xff\xfe" + strings.Join(strings.Split(good, ""), "\x00") + "\x00", cli.Usage, "UTF-16", false},
		"CRLF":           {strings.ReplaceAll(good, "\n", "\r\n"), cli.OK, "", true},
		"zeros":          {half + strings.Repeat("\x00", 5000), cli.FellShort, "line 101: the recording is cut off here", true},
		"swapped lines":  {lines[0] + backwards(lines[1:]), cli.FellShort, "of its events cannot be true where they stand", true},
		"lines twice":    {lines[0] + doubled(lines[1:]), cli.FellShort, "of its events cannot be true where they stand", true},
		"two in one":     {good + good, cli.FellShort, fmt.Sprintf("line %d: damaged line", len(lines)), true},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.ndjson")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			o := rpcscope(t, "", "replay", "--json", path)
			if o.code != c.code || !strings.Contains(o.stderr, c.want) || (o.stderr == "") != (c.want == "") {
				t.Errorf("exit code %d, stderr %q", o.code, o.stderr)
			}
			if !c.shown {
				if o.stdout != "" {
					t.Errorf("stdout %q", o.stdout)
				}
			} else if s := o.summary(t); s.Config.Seed != 7 || s.Calls.Sent > live.summary(t).Calls.Sent {
				t.Errorf("%+v", s)
			} else if c.want != "" && s.Calls.Sent == 0 {
				t.Error("what came before the damage is not shown")
			}
		})
	}

	// Times that go back or are absurd, and IDs with control characters.
	hostile := lines[0] + strings.Join([]string{
		`{"t":9000000000000000000,"k":"sent","id":"\u001b]0;owned\u0007"}`,
		`{"t":-9000000000000000000,"k":"sent","id":"b"}`,
		`{"t":5,"k":"reply","id":"b","c":"answer","o":"completed","m":{"ai":"\u001b[2J\u202e"}}`,
		`{"t":6,"k":"reply","id":"nobody","c":"answer","o":"completed"}`,
	}, "\n") + "\n"
	path := filepath.Join(folder, "hostile.ndjson")
	if err := os.WriteFile(path, []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"--json", "--summary"} {
		o := rpcscope(t, "", "replay", form, path)
		if o.code != cli.FellShort || !strings.Contains(o.stderr, "1 of its events cannot be true") || strings.ContainsAny(o.stdout+o.stderr, "\x1b\a\u202e") || !strings.Contains(o.stdout, "owned") && !strings.Contains(o.stdout, "[2J") {
			t.Errorf("%s: %+v", form, o)
		}
	}

	for path, want := range map[string]string{
		folder: "is a directory", filepath.Join(folder, "nowhere"): "nowhere",
	} {
		for _, args := range [][]string{{"--json"}, {"--summary"}} {
			rpcscope(t, "", append([]string{"replay", path}, args...)...).want(t, cli.Usage, "", want)
		}
	}
	if secret := filepath.Join(folder, "secret"); runtime.GOOS != "windows" && os.Geteuid() != 0 {
		if err := os.WriteFile(secret, content, 0); err != nil {
			t.Fatal(err)
		}
		rpcscope(t, "", "replay", "--json", secret).want(t, cli.Usage, "", "permission denied")
	}
}

func TestReplayUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "needs the FILE"}, {[]string{"a", "b"}, "takes one FILE"}, {[]string{"a", "--json", "--summary"}, "give one"},
		{[]string{"a", "--speed=1000"}, "--speed"}, {[]string{"a", "--speed=NaN"}, "--speed"}, {[]string{"a", "--speed=-1"}, "--speed"},
		{[]string{put(t, "run.ndjson", oldRecording)}, "rpcscope replay --summary"}, // no terminal
		{[]string{"/no/such/file"}, "/no/such/file: no such file"}, {[]string{put(t, "thesis", "years of work\n")}, "thesis"},
	} {
		rpcscope(t, "", append([]string{"replay"}, c.args...)...).want(t, cli.Usage, "", c.want)
	}
}

// The notice about a part of a recording has the numbers of the screen.
func TestPartShown(t *testing.T) {
	part := &lab.Replay{Indexed: 1, Event: 13509, Events: 20000, Position: 208604 * time.Millisecond}
	if s := partShown("x", part); !strings.HasPrefix(s, "This is the recording up to event 13,509, after 3:28.604. ") {
		t.Error(s)
	}
}
