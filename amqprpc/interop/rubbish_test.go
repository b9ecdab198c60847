package interop

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rpcscope/amqprpc/broker/brokertest"
)

// A rubbishReply is a reply of testdata/rubbish_server.py.
type rubbishReply map[string]any

func rubbish(body string, properties ...any) rubbishReply {
	r := rubbishReply{"body": []byte(body)} // in JSON, base64
	for i := 0; i < len(properties); i += 2 {
		r[properties[i].(string)] = properties[i+1]
	}
	return r
}

// fit reports whether text is safe for a terminal.
func fit(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	})
}

// `rpcscope call` prints any reply safely, discards replies that are no answer, and ends with the right exit code.
func TestTheirServerRepliesRubbish(t *testing.T) {
	const escapes = "\x1b]0;owned\a\x1b[2J\x9b31m\u009b31m\u202e5\r\n\x7f"
	errorHeader := func(code any) map[string]any { return map[string]any{"x-rpc-error": code} }
	for _, test := range []struct {
		name    string
		replies []rubbishReply // to each of two calls
		code    int
		// The output of both calls, and the fields in --json.
		stdout, stderr      string
		result, failureCode string
	}{
		{"right", []rubbishReply{rubbish("5")}, 0, "5", "", "5", ""},
		{"invalid UTF-8", []rubbishReply{rubbish("\xff\xfe5")}, 0, `\xff\xfe5`, "", "\ufffd\ufffd5", ""},
		{"terminal escapes", []rubbishReply{rubbish(escapes)}, 0, `\x1b]0;owned\a\x1b[2J\x9b31m\u009b31m\u202e5\r\n\x7f`, "", "\x1b]0;owned\a\x1b[2J\ufffd31m\u009b31m\u202e5\r\n\x7f", ""},
		{"a number and then some", []rubbishReply{rubbish("5\n\x1b[2J")}, 0, `5\n\x1b[2J`, "", "5\n\x1b[2J", ""},
		{"empty", []rubbishReply{rubbish("")}, 0, "", "", "", ""},
		{"a kilobyte of letters", []rubbishReply{rubbish(strings.Repeat("a", 1000))}, 0, strings.Repeat("a", 399) + "…", "", strings.Repeat("a", 1000), ""},
		{"a kilobyte of digits", []rubbishReply{rubbish(strings.Repeat("5", 1000))}, 0, strings.Repeat("5", 1000), "", strings.Repeat("5", 1000), ""},
		{"twice", []rubbishReply{rubbish("5"), rubbish("6")}, 0, "5", "", "5", ""},
		{"first to somebody else", []rubbishReply{rubbish("6", "correlation_id", "somebody else's"), rubbish("5")}, 0, "5", "", "5", ""},
		{"first to nobody", []rubbishReply{rubbish("6", "correlation_id", nil), rubbish("5")}, 0, "5", "", "5", ""},
		{"first an error to somebody else", []rubbishReply{rubbish("no", "type", "error", "correlation_id", "?"), rubbish("5")}, 0, "5", "", "5", ""},
		{"absurd properties", []rubbishReply{rubbish("5", "content_type", "application/x-python-pickle", "content_encoding", "gzip", "expiration", "60000", "priority", 255,
			"type", "result", "timestamp", int64(1<<62), "message_id", "\x00", "headers",
			map[string]any{"x-rpc": "received=early;replied=-1;redelivered=1;attempt=4611686018427387904", "x": nested(30)})},
			0, "5", "", "5", ""},

		{"an error", []rubbishReply{rubbish("not today", "type", "error", "headers", errorHeader("UNAVAILABLE"))}, 1, "", "UNAVAILABLE: not today", "", "UNAVAILABLE"},
		{"an error without a code", []rubbishReply{rubbish("not today", "type", "error")}, 1, "", "UNKNOWN: not today", "", "UNKNOWN"},
		{"an error with an absurd code", []rubbishReply{rubbish(escapes, "type", "error", "headers", errorHeader("\x1b[2J"))}, 1, "", `UNKNOWN: \x1b]0;owned\a\x1b[2J\x9b31m\u009b31m\u202e5\r\n\x7f`, "", "UNKNOWN"},
		{"an error with a number for its code", []rubbishReply{rubbish("", "type", "error", "headers", errorHeader(5))}, 1, "", "UNKNOWN: ", "", "UNKNOWN"},
		{"an error, and then the answer", []rubbishReply{rubbish("no", "type", "error"), rubbish("5")}, 1, "", "UNKNOWN: no", "", "UNKNOWN"},
		{"nothing", nil, 1, "", "timeout: no reply before the deadline", "", "timeout"},
		{"only to somebody else", []rubbishReply{rubbish("5", "correlation_id", "somebody else's")}, 1, "", "timeout: no reply before the deadline", "", "timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			if test.replies == nil {
				test.replies = []rubbishReply{}
			}
			replies, err := json.Marshal(test.replies)
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, url, "rubbish-", theirs(t, "rubbish_server"), "--queue", queue, "--replies", string(replies))
			server.start(t)
			args := []string{"call", "--queue", queue, "--timeout", "20s", "5", "5"}
			if test.failureCode == "timeout" {
				args[4] = "300ms"
			}

			got := run(t, url, ours(t, "rpcscope"), args...)
			const asking = " [x] Requesting fib(5)\n"
			stdout, stderr := strings.Repeat(asking+" [.] Got "+test.stdout+"\n", 2), ""
			if test.code != 0 {
				stdout, stderr = strings.Repeat(asking, 2), strings.Repeat("rpcscope: fib(5): "+test.stderr+"\n", 2)
			}
			if got.code != test.code || got.stdout != stdout || got.stderr != stderr {
				t.Errorf("exit code %d, stdout %q, stderr %q, want\n%d %q %q", got.code, got.stdout, got.stderr, test.code, stdout, stderr)
			}
			if !fit(got.stdout) || !fit(got.stderr) {
				t.Errorf("not fit for a terminal: %q, %q", got.stdout, got.stderr)
			}

			got = run(t, url, ours(t, "rpcscope"), append(args, "--json")...)
			if got.code != test.code || !fit(got.stdout) || got.stderr != stderr || strings.Count(got.stdout, "\n") != 2 {
				t.Errorf("--json: exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
			d := json.NewDecoder(strings.NewReader(got.stdout))
			for range 2 {
				var v struct {
					N      int
					Result *string
					Error  *struct{ Code, Message string }
				}
				switch err := d.Decode(&v); {
				case err != nil:
					t.Fatalf("%v: %s", err, got.stdout)
				case v.N != 5:
					t.Errorf("n is %d", v.N)
				case test.failureCode == "" && (v.Error != nil || v.Result == nil || *v.Result != test.result):
					t.Errorf("%s is no result %q", got.stdout, test.result)
				case test.failureCode != "" && (v.Result != nil || v.Error == nil || v.Error.Code != test.failureCode):
					t.Errorf("%s is no error %q", got.stdout, test.failureCode)
				}
			}
			server.stop(t)
		})
	}
}

// `rpcscope load` recognizes wrong answers, and its output is safe for a terminal.
func TestTheirServerRepliesRubbishToLoad(t *testing.T) {
	for _, test := range []struct{ name, reply, server string }{
		{"a wrong number", "6", "five"},
		{"nothing", "", "five"},
		{"the beginning of it", "832", "five"},
		{"terminal escapes", "\x1b[2J\u009b31m", "\x1b[2J\u009b31m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			replies, err := json.Marshal([]rubbishReply{rubbish(test.reply, "app_id", test.server)})
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, url, "rubbish-", theirs(t, "rubbish_server"), "--queue", queue, "--replies", string(replies))
			server.start(t)
			args := []string{"load", "--queue", queue, "-n", "20", "-c", "4", "--fib", "30"}
			for _, args := range [][]string{args, append(args[:len(args):len(args)], "--json")} {
				got := run(t, url, ours(t, "rpcscope"), args...)
				if got.code != 1 || !strings.Contains(got.stdout+got.stderr, "fib(30) is not") {
					t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, got.code, got.stdout, got.stderr)
				}
				if !fit(got.stdout) || !fit(got.stderr) {
					t.Errorf("%q is not fit for a terminal: %q, %q", args, got.stdout, got.stderr)
				}
			}
			server.stop(t)
		})
	}
}
