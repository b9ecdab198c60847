package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/server/pool"
)

// A hostileRequest is a line of input of testdata/hostile_client.py.
type hostileRequest struct {
	Body          []byte          `json:"body"`
	CorrelationID []byte          `json:"correlation_id"`     // nil: none
	ReplyTo       json.RawMessage `json:"reply_to,omitempty"` // omitted: the callback queue
	Headers       map[string]any  `json:"headers,omitempty"`
	Exotic        bool            `json:"exotic,omitempty"` // headers that JSON cannot represent
	Properties    map[string]any  `json:"properties,omitempty"`
	Replies       int             `json:"replies"` // to wait for
}

type hostileReply struct {
	CorrelationID []byte  `json:"correlation_id"`
	Type          *string `json:"type"`
	ContentType   string  `json:"content_type"`
	AppID         string  `json:"app_id"`
	Error         *string `json:"error"`
	Redelivered   bool    `json:"redelivered"`
	Body          []byte  `json:"body"`
}

// nested returns tables nested in a table.
func nested(depth int) map[string]any {
	t := map[string]any{"at": "the bottom"}
	for range depth {
		t = map[string]any{"x": t}
	}
	return t
}

// A foreign client gets an answer or an error with a canonical code for any request. The server survives, and nothing is redelivered.
func TestHostileRequests(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	quoted, err := json.Marshal(queue)
	if err != nil {
		t.Fatal(err)
	}
	var controls []byte // 255 bytes of UTF-8 with every control character
	for r := range rune(0xa0) {
		controls = utf8.AppendRune(controls, r)
	}
	controls = append(controls, bytes.Repeat([]byte("x"), 255-len(controls))...)
	var allBytes []byte // except one: AMQP allows 255
	for b := range 255 {
		allBytes = append(allBytes, byte(254-b))
	}
	const (
		invalid = "INVALID_ARGUMENT"
		tooHigh = "OUT_OF_RANGE"
		silence = "" // no reply
	)
	ok := func(n int) string { return "ok " + fib(n) }
	id := func(s string) []byte { return []byte(s) }
	ten := []byte("10")
	cases := []struct {
		name    string
		want    string // a code, or "ok RESULT"
		request hostileRequest
	}{
		{"a word", invalid, hostileRequest{Body: []byte("abc"), CorrelationID: id("1")}},
		{"negative", invalid, hostileRequest{Body: []byte("-5"), CorrelationID: id("2")}},
		{"ten digits", tooHigh, hostileRequest{Body: []byte("10000000000"), CorrelationID: id("3")}},
		{"empty", invalid, hostileRequest{CorrelationID: id("4")}},
		{"a megabyte of digits", tooHigh, hostileRequest{Body: bytes.Repeat([]byte("7"), 1<<20), CorrelationID: id("5")}},
		{"a megabyte of zeros", ok(0), hostileRequest{Body: bytes.Repeat([]byte("0"), 1<<20), CorrelationID: id("6")}},
		{"a megabyte of spaces", invalid, hostileRequest{Body: bytes.Repeat([]byte(" "), 1<<20), CorrelationID: id("7")}},
		{"a megabyte of NULs", invalid, hostileRequest{Body: make([]byte, 1<<20), CorrelationID: id("8")}},
		{"invalid UTF-8", invalid, hostileRequest{Body: []byte("\xff\xfe\x80"), CorrelationID: id("9")}},
		{"terminal escapes", invalid, hostileRequest{Body: []byte("\x1b]0;owned\a\x1b[2J\u009b31m"), CorrelationID: id("10")}},
		{"surrounded by space", ok(30), hostileRequest{Body: []byte(" 30 "), CorrelationID: id("11")}},
		{"a line", ok(10), hostileRequest{Body: []byte("10\r\n"), CorrelationID: id("12")}},
		{"digits of another script", invalid, hostileRequest{Body: []byte("٣٠"), CorrelationID: id("13")}},
		{"underscores", invalid, hostileRequest{Body: []byte("1_0"), CorrelationID: id("14")}},
		{"hexadecimal", invalid, hostileRequest{Body: []byte("0x10"), CorrelationID: id("15")}},
		{"a float", invalid, hostileRequest{Body: []byte("1e1"), CorrelationID: id("16")}},
		{"JSON", invalid, hostileRequest{Body: []byte(`{"n":10}`), CorrelationID: id("17")}},

		{"no reply_to", silence, hostileRequest{Body: ten, CorrelationID: id("20"), ReplyTo: json.RawMessage(`null`)}},
		{"an empty reply_to", silence, hostileRequest{Body: ten, CorrelationID: id("21"), ReplyTo: json.RawMessage(`""`)}},
		{"a reply_to that is no queue", silence, hostileRequest{Body: ten, CorrelationID: id("22"), ReplyTo: json.RawMessage(`"no such queue"`)}},
		{"reply_to the request queue", silence, hostileRequest{Body: ten, CorrelationID: id("23"), ReplyTo: quoted}},
		{"an error for the request queue", silence, hostileRequest{Body: []byte("abc"), CorrelationID: id("24"), ReplyTo: quoted}},

		{"no correlation_id", ok(10), hostileRequest{Body: ten}},
		{"no correlation_id, an error", invalid, hostileRequest{Body: []byte("abc")}},
		{"255 bytes of correlation_id", ok(10), hostileRequest{Body: ten, CorrelationID: controls}},
		{"255 bytes of correlation_id, an error", invalid, hostileRequest{Body: []byte("abc"), CorrelationID: controls}},
		{"a correlation_id that is no UTF-8", ok(10), hostileRequest{Body: ten, CorrelationID: allBytes}},
		{"a correlation_id that was there before", ok(10), hostileRequest{Body: ten, CorrelationID: id("1")}},

		{"exotic headers", ok(10), hostileRequest{Body: ten, CorrelationID: id("30"), Exotic: true}},
		{"exotic headers, an error", invalid, hostileRequest{Body: []byte("abc"), CorrelationID: id("31"), Exotic: true}},
		{"deep headers", ok(10), hostileRequest{Body: ten, CorrelationID: id("32"), Headers: nested(30)}},
		{"a header of 100 kB", ok(10), hostileRequest{Body: ten, CorrelationID: id("33"), Headers: map[string]any{"x": strings.Repeat("\x1b", 100_000)}}},
		{"words for numbers", ok(10), hostileRequest{Body: ten, CorrelationID: id("34"), Headers: map[string]any{
			"x-rpc": "deadline=soon;attempt=;;=", "x-rpc-error": "OK", "x-death": "x"}}},
		{"numbers that are too great", ok(10), hostileRequest{Body: ten, CorrelationID: id("35"), Headers: map[string]any{
			"x-rpc": "deadline=9223372036854775807;attempt=9223372036854775807"}}},
		{"numbers that are too small", ok(10), hostileRequest{Body: ten, CorrelationID: id("36"), Headers: map[string]any{
			"x-rpc": "deadline=-9223372036854775808;attempt=-1"}}},
		{"a deadline in 1970", silence, hostileRequest{Body: ten, CorrelationID: id("37"), Headers: map[string]any{"x-rpc": "deadline=1"}}},
		{"all properties", ok(10), hostileRequest{Body: ten, CorrelationID: id("38"), Properties: map[string]any{
			"type": "error", "content_type": "application/x-python-pickle", "content_encoding": "gzip", "priority": 255, "delivery_mode": 2,
			"message_id": "\x00", "timestamp": uint64(1 << 62), "app_id": "\x1b[2J", "expiration": "60000", "user_id": "guest", "cluster_id": "?"}}},

		{"after all that, a good one", ok(20), hostileRequest{Body: []byte("20"), CorrelationID: id("last")}},
	}
	var want drained
	var stdin bytes.Buffer
	for i := range cases {
		c := &cases[i]
		switch {
		case c.want != silence:
			c.request.Replies = 1
		case c.name == "a deadline in 1970":
			want.Expired++
		case c.name == "a reply_to that is no queue":
			want.Answered++
			want.Undeliverable++
		case string(c.request.ReplyTo) == string(quoted):
			// The reply becomes the server's next request, which has no reply_to.
			want.Requests++
			want.Refused++
			if bytes.Equal(c.request.Body, ten) {
				want.Answered++
			} else {
				want.Errors++
			}
		default:
			want.Refused++
		}
		switch {
		case strings.HasPrefix(c.want, "ok "):
			want.Answered++
		case c.want != silence:
			want.Errors++
		}
		want.Requests++
		if err := json.NewEncoder(&stdin).Encode(c.request); err != nil {
			t.Fatal(err)
		}
	}

	server := serve(t, url, "fib-", ours(t, "fibserver"), "--queue", queue, "--log-format", "json")
	process := server.start(t)
	pid := process.Status().PID
	client := runWith(t, url, stdin.Bytes(), theirs(t, "hostile_client"), "--queue", queue)
	if client.code != 0 {
		t.Fatalf("the client ends with %d: %s\n%.4000s", client.code, client.stderr, client.stdout)
	}
	d := json.NewDecoder(strings.NewReader(client.stdout))
	for _, c := range cases {
		var got struct{ Replies []hostileReply }
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		t.Run(c.name, func(t *testing.T) {
			if len(got.Replies) != c.request.Replies {
				t.Fatalf("%d replies, want %d: %+v", len(got.Replies), c.request.Replies, got.Replies)
			}
			if len(got.Replies) == 0 {
				return
			}
			r := got.Replies[0]
			if err := checkReply(r, c.want); err != nil {
				t.Errorf("%v: body %.200q", err, r.Body)
			}
			if !bytes.Equal(r.CorrelationID, c.request.CorrelationID) || (r.CorrelationID == nil) != (c.request.CorrelationID == nil) {
				t.Errorf("correlation_id %q, want %q", r.CorrelationID, c.request.CorrelationID)
			}
			if r.ContentType != "text/plain" || pool.ShortNames(r.AppID) != "fib-1" || r.Redelivered {
				t.Errorf("content type %q, from %q, redelivered %v", r.ContentType, r.AppID, r.Redelivered)
			}
		})
	}

	if s := process.Status(); s.PID != pid || s.Restarts != 0 {
		t.Errorf("the server is not the one of before: %+v, pid was %d", s, pid)
	}
	lines := server.stop(t)
	want.Message = "drained"
	if got := drainedOf(t, lines); got != want {
		t.Errorf("the server has\n%+v, want\n%+v", got, want)
	}
	if n := ready(t, url, queue); n != 0 {
		t.Errorf("%d requests were given back", n)
	}
	for _, line := range lines {
		if strings.Contains(line, "redelivered request") || strings.Contains(line, "panicked") || strings.Contains(line, "panic:") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the server writes %.300q", line)
		}
	}
}

// checkReply checks a reply. want is a code, or "ok RESULT".
func checkReply(r hostileReply, want string) error {
	if result, ok := strings.CutPrefix(want, "ok "); ok {
		if string(r.Body) != result || r.Type != nil || r.Error != nil {
			return fmt.Errorf("no answer, or not %s", result)
		}
		return nil
	}
	switch {
	case r.Type == nil || *r.Type != "error":
		return fmt.Errorf("the type is not error")
	case r.Error == nil || *r.Error != want:
		return fmt.Errorf("x-rpc-error is not %s", want)
	case len(r.Body) == 0 || len(r.Body) > 300 || !utf8.Valid(r.Body) || bytes.ContainsFunc(r.Body, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return fmt.Errorf("this is no sentence for people")
	}
	return nil
}
