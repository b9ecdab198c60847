//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// A session at the screen is recorded and replayed.
func TestScreenRecords(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "run.ndjson")
	term := demoShell(t, closedURL(t), screen.Size{Cols: 120, Rows: 40})
	term.Type("rpcscope demo --record "+file, "enter")
	shown(term, `Completed ([\d,]+)`)
	term.Type("d")
	shown(term, `Duplicate ([\d,]+)`)
	term.Type("u") // after the duplicate, as the replay below expects
	shown(term, `Orphaned ([\d,]+)`)
	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), "to use a RabbitMQ of yours.") })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	calls := regexp.MustCompile(`calls +\d.*`).FindString(term.Scrollback())
	term.WaitAlone()

	// The summary of the recording is that of the screen.
	o := rpcscope(t, "", "replay", "--summary", file)
	if o.code != cli.OK || calls == "" || !strings.Contains(o.stdout, strings.TrimSpace(calls)) {
		t.Errorf("the screen left\n%s\nand its recording\n%s%s", calls, o.stdout, o.stderr)
	}
	head, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(head[:400]), `"by":"rpcscope"`) {
		t.Errorf("%v: %.400s", err, head)
	}

	// On the screen: the duplicate, its story, back, the end.
	term = shell(t, "amqp://127.0.0.1:1/", screen.Size{Cols: 120, Rows: 40})
	before := term.Termios()
	term.Type("rpcscope replay --paused "+file, "enter")
	term.WaitFor("REPLAY of run.ndjson")
	term.WaitFor("■ paused 1x  0:00.000 of")
	term.Type("d", "enter")
	term.WaitFor(": duplicate ")
	term.WaitFor("Waterfall")
	term.WaitFor("sent by hand")
	term.Type("esc")
	term.WaitFor("Duplicate 1")
	term.Type(",")
	term.WaitFor("Duplicate 0")
	term.Type("u")
	term.WaitFor(": unknown ")
	term.WaitFor("Orphaned 1")
	term.Type("c")
	term.WaitFor("this is a recording, in which c")
	term.Type("?")
	term.WaitFor("next duplicate")
	if strings.Contains(term.Screen(), "kill -9 a server") {
		t.Errorf("the help has keys that do nothing:\n%s", term.Screen())
	}
	term.Type("esc")
	term.WaitFor("Orphaned 1")
	term.Type("0")
	term.WaitFor("event 1 of")
	term.Type("m", "space")
	term.WaitFor("■ the end, full speed")
	term.Resize(80, 24)
	term.WaitFor("■ the end, full speed")
	term.Type("q")
	term.Wait("the summary", func(string) bool { return strings.Contains(term.Scrollback(), strings.TrimSpace(calls)) })
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=0")
	if term.Termios() != before {
		t.Errorf("left behind: %+v", term.Termios())
	}
	term.WaitAlone()
}

// --record of the screen refuses the same files as that of load.
func TestScreenRecordRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	diary := filepath.Join(folder, "diary")
	if err := os.WriteFile(diary, []byte("Dear diary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(folder, "fresh.ndjson")
	term := shell(t, closedURL(t), screen.Size{Cols: 140, Rows: 30})
	for i, c := range []struct{ file, want string }{
		{diary, "exists and is not a recording"},
		{"", "--record is empty"},
		{folder, "is a directory"},
		{fresh, "cannot connect"}, // no empty file is left
	} {
		term.Type("clear; rpcscope --record '"+c.file+"'; echo over-"+string(rune('a'+i)), "enter")
		term.WaitFor("\nover-" + string(rune('a'+i)))
		if !strings.Contains(term.Screen(), c.want) {
			t.Errorf("--record %q says\n%s", c.file, term.Screen())
		}
	}
	if content, _ := os.ReadFile(diary); string(content) != "Dear diary\n" {
		t.Errorf("the diary reads %q", content)
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// A damaged recording is shown up to the damage, which is reported.
func TestReplayOfDamageOnScreen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "run.ndjson")
	recordLoad(t, file, "-n=50", "-c=4")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	term := shell(t, "amqp://127.0.0.1:1/", screen.Size{Cols: 120, Rows: 30})
	term.Type("rpcscope replay --speed 0 "+file, "enter")
	term.WaitFor("■ the end, full speed")
	term.WaitFor("✗ ends at line ")
	term.WaitFor("the recording is cut off here")
	shown(term, `Completed ([\d,]+)`)
	term.Type("q")
	term.WaitFor("run.ndjson: line ")
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=1")
	term.WaitAlone()
}

// A file that cannot be shown is an error without a screen.
func TestReplayRefusesOnScreen(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		empty: "it is empty", folder: "is a directory", "/dev/null": "not a regular file", "/nowhere": "no such file", "-": "cannot seek in stdin",
	} {
		term := shell(t, "amqp://127.0.0.1:1/", screen.Size{Cols: 140, Rows: 24})
		term.Type("rpcscope replay "+path+"; echo code=$?", "enter")
		term.WaitFor("code=2")
		if s := term.Screen(); !strings.Contains(s, want) || strings.Contains(term.Raw(), "\x1b[?1049h") {
			t.Errorf("replay %s says\n%s", path, s)
		}
	}
}

// The screen reports a recording that fails at once, and again at the end.
func TestScreenRecordBreaksOff(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	read := make(chan error, 1)
	fifo := breakingFifo(t, read)
	term := shell(t, node.URL(), screen.Size{Cols: 140, Rows: 30})
	term.Type("rpcscope --servers 1 --fib 5 "+slowServer+" --queue "+brokertest.QueueName(t)+" --record "+fifo, "enter")
	shown(term, `Completed ([\d,]+)`)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	term.Type("v") // all notes: the screen shows only the last ones
	term.WaitFor("the recording failed: write ")
	term.Type("esc")
	term.Type("q")
	term.WaitFor("rpcscope: --record: write ") // below the summary
	term.Type("echo code=$?", "enter")
	term.WaitFor("code=1")
	term.WaitAlone()
}
