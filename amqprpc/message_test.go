package amqprpc

import (
	"math"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// The error of any reply is bounded and has the documented form.
func TestRemoteErrorOfHostileReplies(t *testing.T) {
	long := strings.Repeat("A", 65)
	for name, c := range map[string]struct {
		m    Message
		want *RemoteError
	}{
		"a result":               {Message{Body: []byte("55")}, nil},
		"another type":           {Message{Type: "Error"}, nil},
		"the whole form":         {Message{Type: "error", Headers: amqp.Table{HeaderError: "NOT_FOUND"}, Body: []byte("no")}, &RemoteError{"NOT_FOUND", "no"}},
		"the header alone":       {Message{Headers: amqp.Table{HeaderError: "ABORTED"}}, &RemoteError{"ABORTED", ""}},
		"the type alone":         {Message{Type: "error", Body: []byte("?")}, &RemoteError{"UNKNOWN", "?"}},
		"a code of another make": {Message{Type: "error", Headers: amqp.Table{HeaderError: "not found\x1b[2J"}}, &RemoteError{"UNKNOWN", ""}},
		"an empty code":          {Message{Headers: amqp.Table{HeaderError: ""}}, &RemoteError{"UNKNOWN", ""}},
		"a long code":            {Message{Headers: amqp.Table{HeaderError: long}}, &RemoteError{"UNKNOWN", ""}},
		"the longest code":       {Message{Headers: amqp.Table{HeaderError: long[:64]}}, &RemoteError{long[:64], ""}},
		"a code that is a table": {Message{Headers: amqp.Table{HeaderError: amqp.Table{"a": 1}}}, &RemoteError{"UNKNOWN", ""}},
		"a code that is bytes":   {Message{Headers: amqp.Table{HeaderError: []byte("ABORTED")}}, &RemoteError{"UNKNOWN", ""}},
		"a megabyte of text":     {Message{Type: "error", Body: make([]byte, 1<<20)}, &RemoteError{"UNKNOWN", string(make([]byte, 1024))}},
	} {
		got := c.m.remoteError()
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: got %.80v, want %.80v", name, got, c.want)
		}
	}
}

// The parsers of received messages do not panic, and return values within their bounds.
func FuzzHostileMessage(f *testing.F) {
	f.Add("error", "INVALID_ARGUMENT", "no", "deadline=1;attempt=1", uint8(0), "expired")
	f.Add("", "", "", "received=-1;replied=x;redelivered", uint8(1), "rejected\x1b[31m")
	f.Add("error", "\xff\x00", strings.Repeat("x", 5000), "attempt=99999999999999999999", uint8(2), strings.Repeat("é", 100))
	f.Add("ERROR", "A", "\u202e", ";;=;", uint8(3), "")
	f.Fuzz(func(t *testing.T, kind, code, body, meta string, form uint8, death string) {
		shaped := [...]any{meta, int32(1), code, amqp.Table{code: meta}, []any{meta, death}, nil}[form%6]
		headers := amqp.Table{HeaderError: code, HeaderRPC: shaped, "x-first-death-reason": death, kind: shaped}
		if form >= 128 {
			headers[HeaderError] = shaped
		}
		m := Message{Type: kind, Headers: headers, ReplyTo: kind, Body: []byte(body)}
		r := replyFrom(m, 0)
		if r.Attempt < 0 || r.Attempt > math.MaxInt32 {
			t.Errorf("attempt %d", r.Attempt)
		}
		read := ParseMeta(meta)
		for _, at := range []time.Time{r.Received, r.Replied, read.Received, read.Replied, read.Deadline} {
			if !at.IsZero() && (at.Year() < 1970 || at.Year() > 2200) {
				t.Errorf("time %v", at)
			}
		}
		if again := ParseMeta(read.String()); again != read {
			t.Errorf("%+v is written %q, which is read as %+v", read, read.String(), again)
		}
		if e := m.remoteError(); e != nil && (!validCode(e.Code) || len(e.Message) > 1024) {
			t.Errorf("remote error %q, %d bytes", e.Code, len(e.Message))
		}
		if o, reason := deadLettered(&m); o != InFlight && (!o.Failed() || len(reason) > 300) {
			t.Errorf("dead-lettered: %v, %d bytes", o, len(reason))
		}
		_ = checkMessage(&m, 1<<20)
	})
}
