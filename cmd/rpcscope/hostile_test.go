package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

const escapes = "\x1b]0;owned\a\x1b[2J\x9b31m\u009b31m\u202e\r\n\x7f\u2066"

// wantEscaped checks that text holds no control characters but newlines.
func wantEscaped(t testing.TB, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	}) {
		t.Errorf("%s: %.2000q", what, text)
	}
}

// newHostile starts a server that replies with the messages that answer returns.
func newHostile(t *testing.T, url, queue string, answer func(amqp.Delivery) []amqp.Publishing) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	consuming, err := conn.Channel() // its own: a cancel must not come between the frames of a publish
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	requests, err := consuming.Consume(queue, queue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := range requests {
			for _, p := range answer(r) {
				if err := ch.PublishWithContext(context.Background(), "", r.ReplyTo, false, false, p); err != nil {
					t.Errorf("the hostile server: %v", err)
				}
			}
		}
	}()
	t.Cleanup(func() {
		// The last replies are sent before the server ends.
		if err := consuming.Cancel(queue, false); err != nil {
			t.Errorf("the hostile server: %v", err)
		}
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the hostile server is stuck in a reply")
		}
		conn.Close()
		<-done
	})
}

// call, load, load --json and the replay of a recording escape everything that servers send.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	url := brokertest.Shared(t).URL()
	deep := amqp.Table{}
	for range 28 {
		deep = amqp.Table{escapes: deep}
	}
	many := amqp.Table{}
	for i := range 1500 {
		many[strconv.Itoa(i)+escapes] = int32(i)
	}
	odd := func(v any) amqp.Table {
		headers := amqp.Table{escapes: escapes}
		for _, name := range []string{amqprpc.HeaderRPC, amqprpc.HeaderError, "x-death", "x-first-death-reason"} {
			headers[name] = v
		}
		return headers
	}
	for name, headers := range map[string]amqp.Table{
		"words": {escapes: escapes}, "deep": deep, "many": many, "strings": odd(escapes), "tables": odd(amqp.Table{escapes: nil}), "lists": odd([]any{escapes}),
		"huge": odd(int64(1<<63 - 1)), "negative": odd(int64(-1 << 63)), "floats": odd(-1e308), "bytes": odd([]byte(escapes)), "truth": odd(true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := brokertest.QueueName(t)
			newHostile(t, url, queue, func(r amqp.Delivery) []amqp.Publishing {
				p := amqp.Publishing{
					CorrelationId: r.CorrelationId, Headers: headers, ContentType: escapes, ContentEncoding: escapes, MessageId: escapes, Type: escapes,
					AppId: escapes, ReplyTo: escapes, Priority: 255, Body: []byte(escapes),
				}
				stray, failure := p, p
				stray.CorrelationId, failure.Type = escapes, amqprpc.TypeError
				return []amqp.Publishing{p, p, stray, failure}
			})
			file := filepath.Join(t.TempDir(), "run.ndjson")
			for what, args := range map[string][]string{
				"call": {"call", "1", "2"}, "call --json": {"call", "--json", "1", "2"},
				"load": {"load", "-n=20", "-c=4"}, "load --json": {"load", "-n=20", "-c=4", "--json", "--record=" + file},
			} {
				o := rpcscope(t, url, append(args, "--queue="+queue)...)
				wantEscaped(t, what+", stdout", o.stdout)
				wantEscaped(t, what+", stderr", o.stderr)
				if o.code != cli.OK && o.code != cli.FellShort || o.stdout == "" {
					t.Errorf("%s: exit code %d, %q", what, o.code, o.stderr)
				}
			}
			o := rpcscope(t, url, "replay", "--json", file)
			wantEscaped(t, "replay", o.stdout+o.stderr)
			recorded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			wantEscaped(t, "the recording", string(recorded))
			for line := range bytes.Lines(recorded) {
				if !json.Valid(line) {
					t.Errorf("a line of the recording: %.300q", line)
				}
			}
		})
	}
}

// Replies of 16 MiB arrive whole, also in recordings, and are shown shortened.
func TestHugeReplies(t *testing.T) {
	const size = 16 << 20
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	body := bytes.Repeat([]byte("\x1b[2J\xff"), size/5+1)[:size]
	newHostile(t, url, queue, func(r amqp.Delivery) []amqp.Publishing {
		return []amqp.Publishing{{CorrelationId: r.CorrelationId, Body: body}, {CorrelationId: r.CorrelationId, Type: amqprpc.TypeError, Body: body}}
	})
	args := []string{"--queue=" + queue, "--timeout=1m"}
	o := rpcscope(t, url, append(args, "call", "1")...)
	if wantEscaped(t, "call", o.stdout+o.stderr); o.code != cli.OK || len(o.stdout) > 2000 {
		t.Errorf("call: exit code %d, %d bytes, %q", o.code, len(o.stdout), o.stderr)
	}
	file := filepath.Join(t.TempDir(), "run.ndjson")
	o = rpcscope(t, url, append(args, "load", "--body=x", "-n=3", "-c=1", "--json", "--record="+file)...)
	if wantEscaped(t, "load", o.stdout+o.stderr); o.code != cli.OK || o.summary(t).Calls.Completed != 3 {
		t.Errorf("load: exit code %d, %q", o.code, o.stderr)
	}
	replayed := rpcscope(t, url, "replay", "--json", file)
	if replayed.code != cli.OK || replayed.stdout != o.stdout {
		t.Errorf("replay: %+v\nload: %s", replayed, o.stdout)
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 1<<20 {
		t.Errorf("the recording: %v, %v", info.Size(), err)
	}
}
