package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// A live ledger and a replayed one show the same, for any events. The recording is JSON and does not
// control a terminal.
func TestReplayGivesTheSameSnapshot(t *testing.T) {
	header := HeaderLine{By: "test", Config: []byte(`{"queue":"rpc_queue"}`)}
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		rec := NewRecorder(&file, header)
		cfg := rapid.SampledFrom([]Config{{}, small, {BodyBytes: -1, HeaderBytes: -1}, {BodyBytes: 1 << 20, HeaderBytes: 1 << 20}}).Draw(t, "bounds")
		live, replayed := New(cfg), New(cfg)
		n := rapid.IntRange(0, 40).Draw(t, "events")
		for range n {
			e := anyEvent(t)
			live.Observe(e)
			rec.Observe(e)
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		written := file.Bytes()
		for i, line := range bytes.Split(bytes.TrimSuffix(written, []byte("\n")), []byte("\n")) {
			if !json.Valid(line) {
				t.Fatalf("line %d is not JSON: %s", i+1, line)
			}
			if !utf8.Valid(line) || bytes.ContainsFunc(line, controlsTerminal) {
				t.Fatalf("line %d controls a terminal: %q", i+1, line)
			}
		}
		h, got, err := Replay(bytes.NewReader(written), replayed)
		if err != nil || got != n || h.By != header.By || !reflect.DeepEqual(h.Config, header.Config) {
			t.Fatalf("replayed %d of %d: %v\n%s", got, n, err, written)
		}
		a, b := live.Snapshot(everything()), replayed.Snapshot(everything())
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("live\n%+v\nreplayed\n%+v\n%s", a, b, written)
		}
		for _, id := range live.Find("", 1000) {
			a, _ := live.Inspect(id)
			b, _ := replayed.Inspect(id)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("live\n%+v\nreplayed\n%+v\n%s", a, b, written)
			}
		}
	})
}

// Times count by the monotonic clock, even if the wall clock is set meanwhile.
func TestReplayOfMonotonicTimes(t *testing.T) {
	var file bytes.Buffer
	rec, live, replayed := NewRecorder(&file, HeaderLine{}), New(Config{}), New(Config{})
	now := time.Now() // has a monotonic reading
	for i, e := range []amqprpc.Event{sent("id", 0), published("id", 0, "1"), answer("id", 0, "fib-1", "1")} {
		e.Time = now.Add(time.Duration(i) * 1234567)
		if i == 0 {
			e.Intended, e.Deadline = e.Time, e.Time.Add(time.Second).Round(0)
		}
		live.Observe(e)
		rec.Observe(e)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Replay(&file, replayed); err != nil {
		t.Fatal(err)
	}
	if a, b := live.Snapshot(everything()), replayed.Snapshot(everything()); !reflect.DeepEqual(a, b) {
		t.Errorf("live\n%+v\nreplayed\n%+v", a, b)
	}
}

// A recording has the events of a client.
func TestServerEventsAreNotRecorded(t *testing.T) {
	rec := NewRecorder(io.Discard, HeaderLine{})
	for _, k := range []amqprpc.EventKind{amqprpc.EventRequest, amqprpc.EventReplied, amqprpc.EventDropped} {
		if rec.Observe(amqprpc.Event{Kind: k, ID: "id"}); rec.Events() != 0 {
			t.Errorf("%v is recorded", k)
		}
	}
}

func TestDamagedRecordings(t *testing.T) {
	good := string(recording(2))
	lines := strings.SplitAfter(good, "\n")
	newer := `{"format":"rpcscope recording","version":2,"start":17,"config":[]}` + "\n"
	for _, c := range []struct {
		name, file string
		line, n    int
		want       error
	}{
		{"empty", "", 1, 0, ErrNotRecording},
		{"text", "hello\nworld\n", 1, 0, ErrNotRecording},
		{"other JSON", `{"calls":{}}` + "\n", 1, 0, ErrNotRecording},
		{"one endless line", strings.Repeat("x", 2*maxLine), 1, 0, ErrNotRecording},
		{"newer", newer + lines[1], 1, 0, ErrNewerVersion},
		{"bad header", `{"format":"rpcscope recording","version":1,"start":17}` + "\n", 1, 0, ErrSyntax},
		{"cut in the header", lines[0][:60], 1, 0, ErrCutOff},
		{"cut in an event", strings.Join(lines[:3], "") + lines[3][:30], 4, 2, ErrCutOff},
		{"damaged", strings.Join(lines[:3], "") + "{\"t\":}\n" + lines[3], 4, 2, ErrSyntax},
		{"not an event", lines[0] + "{}\n", 2, 0, ErrSyntax},
		{"an event of the future", lines[0] + lines[1] + `{"t":0,"k":"teleported"}` + "\n", 3, 1, ErrSyntax},
		{"an event of a server", lines[0] + lines[1] + `{"t":0,"k":"request"}` + "\n", 3, 1, ErrSyntax},
		{"endless event", lines[0] + lines[1] + `{"x":"` + strings.Repeat("x", 2*maxLine), 3, 1, ErrLineTooLong},
	} {
		l := New(Config{})
		_, n, err := Replay(strings.NewReader(c.file), l)
		var at *RecordingError
		if !errors.As(err, &at) || !errors.Is(err, c.want) || at.Line != c.line || n != c.n {
			t.Errorf("%s: %d events, then %v; want %d, then %v in line %d", c.name, n, err, c.n, c.want, c.line)
			continue
		}
		if strings.Contains(err.Error(), "json") {
			t.Errorf("%s: %v names a library", c.name, err)
		}
		if want := int64(len(strings.Join(strings.SplitAfter(c.file, "\n")[:c.line-1], ""))); at.Offset != want {
			t.Errorf("%s: offset %d, want %d", c.name, at.Offset, want)
		}
		if s := l.Snapshot(Query{}); c.n > 0 && s.Calls.Sent != 1 {
			t.Errorf("%s: what came before the damage cannot be seen", c.name)
		}
	}
	for name, file := range map[string]string{
		"no newline at the end": strings.TrimSuffix(good, "\n"),
		"empty lines, CRLF":     strings.ReplaceAll(good, "\n", "\r\n") + "\r\n\r\n",
		"unknown keys":          strings.ReplaceAll(good, `{"t":`, `{"new":[{"deep":[1.5e-3,null,"\u00e9",true]},{}],"t":`),
		"spaces":                strings.ReplaceAll(strings.ReplaceAll(good, ",", " , "), ":", " : "),
	} {
		if name == "spaces" { // only between tokens: the header line has colons in its time
			file = lines[0] + strings.SplitN(file, "\n", 2)[1]
		}
		if _, n, err := Replay(strings.NewReader(file), New(Config{})); n != 8 || err != nil {
			t.Errorf("%s: %d events, %v", name, n, err)
		}
	}
	broken := errors.New("disk on fire")
	_, _, err := Replay(io.MultiReader(strings.NewReader(good), iotest.ErrReader(broken)), New(Config{}))
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

// A resumed reader returns the same events, and errors with the same line and offset.
func TestResume(t *testing.T) {
	file := append(recording(3), "{\"t\":}\n"...)
	first, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var places []Place
	var want []Entry
	var end error
	for end == nil {
		places = append(places, first.Place())
		e, err := first.Next()
		if end = err; err == nil {
			want = append(want, *e)
		}
	}
	if len(want) != 12 || !errors.Is(end, ErrSyntax) {
		t.Fatalf("%d events, then %v", len(want), end)
	}
	for i, at := range places {
		r := first.Resume(bytes.NewReader(file[at.Offset:]), at)
		for j := i; ; j++ {
			e, err := r.Next()
			if err != nil {
				if j != len(want) || !reflect.DeepEqual(err, end) {
					t.Errorf("from event %d: at event %d: %v, want %v", i, j, err, end)
				}
				break
			}
			if !reflect.DeepEqual(e.Event, want[j].Event) {
				t.Errorf("from event %d: %+v, want %+v", i, e.Event, want[j].Event)
			}
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestRecorderKeepsTheFirstError(t *testing.T) {
	full := errors.New("disk full")
	r := NewRecorder(failingWriter{full}, HeaderLine{})
	observe(r, typical(1000)...)
	if !errors.Is(r.Flush(), full) || !errors.Is(r.Close(), full) {
		t.Error(r.Flush())
	}
	var buf bytes.Buffer
	r = NewRecorder(&buf, HeaderLine{})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	observe(r, sent("late", 0))
	if _, n, err := Replay(&buf, New(Config{})); n != 0 || err != nil {
		t.Errorf("an empty recording: %d, %v", n, err)
	}
}

// The format is an API.
func TestRecordingFormat(t *testing.T) {
	var file bytes.Buffer
	r := NewRecorder(&file, HeaderLine{By: "test", Config: []byte(`{"queue":"rpc_queue"}`)})
	e := sent("a\"\xff\u009b\u202e", 0)
	e.Attempt = 1
	p := published("id", 41023, "30")
	p.Message.Timestamp, p.Message.Redelivered, p.Message.UserID = time.Unix(1767366245, 0), true, "guest"
	d := discarded(amqprpc.Duplicate, "id", msec, "fib-2")
	d.Message.Body, d.Message.Headers, d.Message.CorrelationID = []byte{0xff, 0}, nil, "other"
	c := amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(msec), Epoch: 1, Connection: &amqprpc.ConnectionInfo{
		Address: "localhost:5672", Product: "RabbitMQ", Version: "4.2.1", Queue: "amq.gen-1"}}
	observe(r, e, p, d, c)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678901234Z","by":"test","config":{"queue":"rpc_queue"}}
{"t":0,"k":"sent","id":"a\"\udcff\u009b\u202e","a":1,"in":0,"dl":5000000000}
{"t":41023,"k":"published","id":"id","a":1,"ep":1,"m":{"rk":"rpc_queue","ct":"text/plain","rt":"amq.gen-JzTY20BRgKO-HjmUJj0wLg","xp":"5000","ui":"guest","dm":1,"ts":1767366245,"rd":true,"h":[["x-rpc","S","deadline=1767366250678901;attempt=1"]],"b":"30"}}
{"t":1000000,"k":"reply","id":"id","c":"duplicate","o":"completed","si":1200000000,"by":"fib-1","m":{"rk":"amq.gen-JzTY20BRgKO-HjmUJj0wLg","ct":"text/plain","ci":"other","ai":"fib-2","dm":1,"ts":1767366245,"b64":"/wA="}}
{"t":1000000,"k":"connected","ep":1,"cn":{"ad":"localhost:5672","pr":"RabbitMQ","ve":"4.2.1","qu":"amq.gen-1"}}
`
	if got := file.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// For any file there is no panic, the laws hold, and each accepted line is JSON.
func FuzzReadRecording(f *testing.F) {
	good := recording(3)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("{}\n"))
	head := good[:bytes.IndexByte(good, '\n')+1]
	for _, line := range []string{
		`{"t":-9223372036854775808,"k":"sent","id":"\ud83d\ude00\udcff\ud800","a":-1,"new":[[[{"a":1.5e3}]]]}`,
		`{"k":"reply","id":"x","c":"unknown","m":{"b64":"AAA=","n":5,"h":[["k","S","v",true]],"hn":100,"ci":""}}`,
		`{"k":"reply","c":"late","o":"timeout","m":{"b":"x","h":[["k","F"]]}}`,
		`{"k":"connected","cn":{"ad":"x"}} `,
		`{"k":"reset"}`,
		`[[[[[[[[`,
	} {
		f.Add(append(bytes.Clone(head), line+"\n"...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		l := New(small)
		_, n, err := Replay(bytes.NewReader(file), l)
		s := l.Snapshot(everything())
		if broken := s.Broken(); broken != nil {
			t.Error(broken)
		}
		if bad := l.check(); bad != nil {
			t.Error(bad)
		}
		var at *RecordingError
		if err != nil && !errors.As(err, &at) {
			t.Errorf("%T: %v", err, err)
		}
		if err == nil && n > 0 {
			for i, line := range bytes.Split(file, []byte("\n")) {
				if len(bytes.TrimSpace(line)) > 0 && !json.Valid(line) {
					t.Errorf("line %d was taken for JSON: %q", i+1, line)
				}
			}
		}
	})
}

// Recordings of earlier versions have a header for each field of x-rpc.
func TestMetaOfOldRecordings(t *testing.T) {
	const old = `{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678901234Z","by":"test","config":{"queue":"","concurrency":0,"rate":0,"fib":"","timeout_ms":0,"seed":0}}
{"t":1,"k":"sent","id":"id","in":0,"dl":5000000000}
{"t":2,"k":"reply","id":"id","c":"answer","o":"completed","m":{"ci":"id","h":[["x-rpc-attempt","I","2"],["x-rpc-received","l","1767366245688901"],["x-rpc-redelivered","t","true"],["x-rpc-replayed","t","true"],["x-rpc-replied","l","1767366245698901"]],"b":"1"}}
{"t":3,"k":"reply","id":"id","c":"duplicate","o":"completed","si":1,"m":{"ci":"id","h":[["x-rpc-redelivered","t","true"]],"b":"1"}}
`
	r, err := NewReader(strings.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	l := New(Config{})
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		l.Apply(e)
	}
	story, _ := l.Inspect("id")
	want := amqprpc.Meta{Received: time.UnixMicro(1767366245688901), Replied: time.UnixMicro(1767366245698901), Attempt: 2, Redelivered: true, Replayed: true}
	if got, ok := story.Events[1].Message().Meta(); !ok || got != want {
		t.Errorf("%+v, %t; want %+v", got, ok, want)
	}
	if d := l.Snapshot(Query{Duplicates: 1}).Duplicates; len(d) != 1 || !d[0].Redelivered {
		t.Errorf("duplicates %+v", d)
	}
}
