package amqprpc

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Whatever a reply claims, what is made of it is bounded and of the documented form.
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

func TestHeaderNumbers(t *testing.T) {
	now := time.Now().UnixMicro()
	for _, c := range []struct {
		value   any
		attempt int
		time    int64
	}{
		{nil, 0, 0}, {"1", 0, 0}, {1.0, 0, 0}, {true, 0, 0}, {amqp.Table{}, 0, 0}, {[]any{int32(1)}, 0, 0},
		{byte(7), 7, 7}, {int8(7), 7, 7}, {int16(7), 7, 7}, {int32(7), 7, 7}, {int64(7), 7, 7}, {uint16(7), 7, 7}, {uint32(7), 7, 7},
		{int64(0), 0, 0}, {int64(-1), 0, 0}, {int64(math.MinInt64), 0, 0}, {int64(math.MaxInt64), 0, 0},
		{int64(math.MaxInt32), math.MaxInt32, math.MaxInt32}, {int64(math.MaxInt32) + 1, 0, math.MaxInt32 + 1},
		{now, 0, now},
	} {
		headers := amqp.Table{HeaderAttempt: c.value, HeaderReplied: c.value}
		if got := headerAttempt(headers); got != c.attempt {
			t.Errorf("%T %v: attempt %d, want %d", c.value, c.value, got, c.attempt)
		}
		got := headerTime(headers, HeaderReplied)
		if got.IsZero() != (c.time == 0) || c.time != 0 && got.UnixMicro() != c.time {
			t.Errorf("%T %v: time %v, want %d", c.value, c.value, got, c.time)
		}
	}
	if headerAttempt(nil) != 0 || !headerTime(nil, HeaderReplied).IsZero() {
		t.Error("no headers hold something")
	}
}

// What amqp091-go or the broker would kill the connection for is refused before.
func TestCheckHeaders(t *testing.T) {
	long := strings.Repeat("k", 256)
	deep := amqp.Table{}
	for range 2000 {
		deep = amqp.Table{"in": deep}
	}
	wide := any("v") // 10^12 of them
	for range 12 {
		wide = slices.Repeat([]any{wide}, 10)
	}
	for name, c := range map[string]struct {
		headers amqp.Table
		fine    bool
	}{
		"none":                     {nil, true},
		"empty":                    {amqp.Table{}, true},
		"all types":                {amqp.Table{"a": nil, "b": true, "c": int64(1), "d": "s", "e": []byte("b"), "f": time.Now(), "g": 1.5, "h": amqp.Decimal{}}, true},
		"nested":                   {amqp.Table{"a": []any{amqp.Table{"b": []any{int32(1)}}}}, true},
		"a name of 255 bytes":      {amqp.Table{long[:255]: 1}, true},
		"a name of 256 bytes":      {amqp.Table{long: 1}, false},
		"a nested one":             {amqp.Table{"a": []any{amqp.Table{"b": amqp.Table{long: 1}}}}, false},
		"a type that AMQP lacks":   {amqp.Table{"a": struct{}{}}, false},
		"a nested type it lacks":   {amqp.Table{"a": []any{map[string]any{}}}, false},
		"uint64, which AMQP lacks": {amqp.Table{"a": uint64(1)}, false},
		"an int of 32 bits":        {amqp.Table{"a": math.MinInt32}, true},
		"an int that would be cut": {amqp.Table{"a": math.MaxInt32 + 1}, false},
		"as much as one frame":     {amqp.Table{"a": strings.Repeat("v", mostHeaders-11)}, true},
		"more than one frame":      {amqp.Table{"a": strings.Repeat("v", mostHeaders-10)}, false},
		"as many fields":           {amqp.Table{"a": make([]any, mostFields)}, true},
		"too many fields":          {amqp.Table{"a": make([]any, mostFields+1)}, false},
		"deep":                     {deep, false},
		"wide":                     {amqp.Table{"a": wide}, false},
	} {
		err := checkHeaders(c.headers)
		if (err == nil) != c.fine || err != nil && !errors.Is(err, ErrInvalidRequest) {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

// The parsers of what others sent must not panic, and hold what they promise.
func FuzzHostileMessage(f *testing.F) {
	f.Add("error", "INVALID_ARGUMENT", "no", int64(1), uint8(0), "expired")
	f.Add("", "", "", int64(-1), uint8(1), "rejected\x1b[31m")
	f.Add("error", "\xff\x00", strings.Repeat("x", 5000), int64(math.MaxInt64), uint8(2), strings.Repeat("é", 100))
	f.Add("ERROR", "A", "\u202e", int64(1<<40), uint8(3), "")
	f.Fuzz(func(t *testing.T, kind, code, body string, number int64, form uint8, death string) {
		var shaped any
		switch form % 6 {
		case 0:
			shaped = number
		case 1:
			shaped = int32(number)
		case 2:
			shaped = code
		case 3:
			shaped = amqp.Table{code: number}
		case 4:
			shaped = []any{number, death}
		case 5:
			shaped = nil
		}
		headers := amqp.Table{
			HeaderError: code, HeaderAttempt: shaped, HeaderReceived: shaped, HeaderReplied: number,
			HeaderRedelivered: shaped, HeaderDeadline: shaped, "x-first-death-reason": death, kind: shaped,
		}
		if form >= 128 {
			headers[HeaderError] = shaped
		}
		m := Message{Type: kind, Headers: headers, ReplyTo: kind, Body: []byte(body)}
		r := replyFrom(m, 0)
		if r.Attempt < 0 || r.Attempt > math.MaxInt32 {
			t.Errorf("attempt %d", r.Attempt)
		}
		for _, at := range []time.Time{r.Received, r.Replied, headerTime(headers, HeaderDeadline)} {
			if !at.IsZero() && (at.Year() < 1970 || at.Year() > 2200) {
				t.Errorf("time %v", at)
			}
		}
		if e := m.remoteError(); e != nil && (!validCode(e.Code) || len(e.Message) > 1024) {
			t.Errorf("remote error %q, %d bytes", e.Code, len(e.Message))
		}
		if o, reason := deadLettered(&m); o != InFlight && (!o.Failed() || len(reason) > 300) {
			t.Errorf("dead-lettered: %v, %d bytes", o, len(reason))
		}
		_ = checkHeaders(headers)
	})
}
