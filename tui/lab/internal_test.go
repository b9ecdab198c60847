package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/report"
)

func TestParseFib(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for text, maxN := range map[string]int{"0": 0, "30": 30, "20-35": 35, "7-7": 7, "1000000": MaxFib} {
		f, err := ParseFib(text)
		if err != nil || f.String() != text || f.to != maxN {
			t.Errorf("%q: %+v, %v", text, f, err)
			continue
		}
		for range 100 {
			req := f.Request(0, rng)
			var n int
			if _, err := fmt.Sscan(string(req.Body), &n); err != nil || n < f.from || n > f.to || req.ContentType != "text/plain" {
				t.Errorf("%q: request %q", text, req.Body)
			}
		}
	}
	for _, text := range []string{"", "x", "-5", "5-", "35-20", "1-2-3", "1000001", "99999999999999999999", strings.Repeat("1", 9999)} {
		if _, err := ParseFib(text); !errors.Is(err, amqprpc.ErrInvalidConfig) || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	f, _ := ParseFib("10")
	for body, right := range map[string]bool{"55": true, " 55\n": true, "54": false, "": false, "\x1b[2J": false} {
		for range 2 { // the second time from the cache
			err := f.Check(amqprpc.Request{Body: []byte("10")}, amqprpc.Reply{Message: amqprpc.Message{Body: []byte(body)}})
			if (err == nil) != right {
				t.Errorf("%q: %v", body, err)
			}
		}
	}
	if f.Check(amqprpc.Request{Body: []byte("x")}, amqprpc.Reply{}) == nil {
		t.Error("no number was asked for")
	}
}

// The cache of answers is bounded in bytes; answers that do not fit are computed each time.
func TestAnswerCacheIsBounded(t *testing.T) {
	f, _ := ParseFib("1000")
	f.size = maxAnswers - 100
	for _, n := range []int{1000, 10, 2000} {
		if b, err := f.answer(n); err != nil || len(b) == 0 {
			t.Errorf("fib(%d): %q, %v", n, b, err)
		}
	}
	if len(f.answers) != 1 || string(f.answers[10]) != "55" || f.size > maxAnswers {
		t.Errorf("%d answers, %d bytes", len(f.answers), f.size)
	}
}

// The notes are the last ones in order, and a rewrite changes no other note.
func TestNotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n notes
		var all []string
		for range rapid.IntRange(0, 3*MaxNotes).Draw(t, "adds") {
			seq := n.add(Info, fmt.Sprint("note ", len(all)), "")
			all = append(all, fmt.Sprint("note ", len(all)))
			if seq != uint64(len(all)) {
				t.Fatalf("note %d has the number %d", len(all), seq)
			}
		}
		for range rapid.IntRange(0, 20).Draw(t, "rewrites") {
			seq := rapid.IntRange(1, len(all)+3).Draw(t, "seq")
			n.rewrite(uint64(seq), Success, "rewritten")
			if seq <= len(all) {
				all[seq-1] = "rewritten"
			}
		}
		maxRows := rapid.IntRange(-1, MaxNotes+5).Draw(t, "max")
		got := n.last(maxRows)
		if want := min(max(maxRows, 0), MaxNotes, len(all)); len(got) != want {
			t.Fatalf("%d notes, want %d", len(got), want)
		}
		for i, note := range got {
			seq := len(all) - len(got) + i + 1
			if note.Seq != uint64(seq) || note.Text != all[seq-1] {
				t.Fatalf("note %d is %+v, want %q", seq, note, all[seq-1])
			}
		}
	})
}

func TestClip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s") + string(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "bytes"))
		size := rapid.IntRange(3, 40).Draw(t, "max")
		got := clip(s, size)
		if len(got) > size || len(s) <= size && got != s || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("clip(%q, %d) = %q", s, size, got)
		}
	})
}

// A server joins once, even if it prints its ready line again, and leaves once. The last marks are kept.
func TestMarks(t *testing.T) {
	var s servers
	s.join("fib-1")
	s.join("fib-1")
	s.join("fib-2")
	if s.newest() != "fib-2" {
		t.Errorf("newest %q", s.newest())
	}
	s.leave("fib-2")
	s.leave("fib-2")
	if marks := s.allMarks(); len(marks) != 3 || !marks[0].Joined || !marks[1].Joined || marks[2].Joined || marks[2].Server != "fib-2" {
		t.Errorf("%+v", marks)
	}
	for range MaxMarks {
		s.join("fib-3")
		s.leave("fib-3")
	}
	if marks := s.allMarks(); len(marks) != MaxMarks || marks[0].Server != "fib-3" {
		t.Errorf("%d marks", len(marks))
	}
}

// The state of the queue is that of the last answer. A failed question leaves its reason.
func TestQueueUpdate(t *testing.T) {
	var q requestQueue
	q.wake, q.state.Name = make(chan struct{}, 1), "q"
	refused := &amqprpc.DialError{Address: "h:1", Err: &amqp.Error{Code: 530, Reason: "NOT_ALLOWED - enough"}}
	for _, c := range []struct {
		what   string
		stats  amqprpc.QueueStats
		err    error
		ours   int
		want   Queue
		failed int
	}{
		{"consumers", amqprpc.QueueStats{Ready: 3, Consumers: 2}, nil, 1, Queue{Known: true, Ready: 3, Consumers: 2, Others: 1}, 0},
		{"no answer", amqprpc.QueueStats{}, context.DeadlineExceeded, 1,
			Queue{Known: true, Ready: 3, Consumers: 2, Others: 1, Err: "no answer within 3s"}, 1},
		{"refused", amqprpc.QueueStats{}, refused, 1, Queue{Ready: 3, Consumers: 2, Others: 1, Err: "NOT_ALLOWED - enough"}, 2},
		{"connection lost", amqprpc.QueueStats{}, amqprpc.ErrConnectionLost, 1, Queue{Ready: 3, Consumers: 2, Others: 1, Err: "NOT_ALLOWED - enough"}, 0},
		{"missing", amqprpc.QueueStats{}, fmt.Errorf("%w: gone", amqprpc.ErrUnroutable), 0, Queue{Known: true, Missing: true}, 0},
		{"exclusive", amqprpc.QueueStats{}, fmt.Errorf("%w: q", amqprpc.ErrExclusive), 0, Queue{Known: true, Exclusive: true}, 0},
		{"the broker lags", amqprpc.QueueStats{Consumers: 1}, nil, 2, Queue{Known: true, Consumers: 1}, 0},
	} {
		now, failed := q.update(c.stats, c.err, c.ours)
		now.At = time.Time{}
		c.want.Name = "q"
		if now != c.want || failed != c.failed {
			t.Errorf("%s: %+v, %d failed; want %+v, %d", c.what, now, failed, c.want, c.failed)
		}
	}
	q.reset()
	if now := q.get(); now.Known {
		t.Errorf("after a reconnect: %+v", now)
	}
}

// hostileSnapshot returns a snapshot with hostile text in each field that others can write.
func hostileSnapshot() Snapshot {
	evil := "\x1b[2J\u009b31m\u202egnp\x7f\xff\" 漢字"
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	snap := Snapshot{Frozen: true, Queue: Queue{Name: evil, Known: true, Ready: 3, Consumers: 2, Err: evil}}
	snap.Ledger = ledger.Snapshot{
		Now: now, Calls: ledger.Calls{Sent: 3, Completed: 1, Failed: 1, InFlight: 1},
		Servers:    []ledger.Server{{Name: evil, Replies: 3, Share: 1}},
		Connection: ledger.Connection{Connected: true, Since: now, Epochs: 2, Reason: evil, Info: amqprpc.ConnectionInfo{Queue: evil, Address: "h:1"}},
		InFlight:   []ledger.Call{{ID: "a", Request: "30", Age: 41200 * time.Microsecond, Attempt: 1}},
		Completed:  []ledger.Call{{ID: "b", Outcome: amqprpc.Completed, Server: evil, Answer: evil, Age: time.Millisecond, Replies: 1}},
		Failed:     []ledger.Call{{ID: "c", Outcome: amqprpc.Timeout, Age: time.Second}, {ID: "d", Outcome: amqprpc.Remote, Server: "s"}},
		Duplicates: []ledger.Stray{{ID: "b", Class: amqprpc.Duplicate, Nth: 2, Outcome: amqprpc.Completed, Since: 1200 * time.Millisecond, Server: "fib-2", AnsweredBy: "fib-1", Redelivered: true, Body: "832040"}},
		Orphans:    []ledger.Stray{{ID: evil, Class: amqprpc.Unknown, Error: evil, Body: evil}},
	}
	snap.Pool = []pool.Status{{Name: "fib-1", PID: 4121, State: pool.Crashed, Reason: evil, Started: now}}
	return snap
}

func TestWriteJSON(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJSON(&out, hostileSnapshot(), report.RunConfig{Fib: "30"}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, `{"calls":{"sent":3,`) {
		t.Errorf("%q", text)
	}
	for _, r := range strings.TrimSuffix(text, "\n") {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Fatalf("%U in %q", r, text)
		}
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"in_flight": `[{"age_ms":41.2,"attempt":1,"id":"a","outcome":"in_flight","request":"30"}]`,
		"failed":    `[{"age_ms":1000,"id":"c","outcome":"timeout"},{"id":"d","outcome":"remote","server":"s","service_ms":0}]`,
		"duplicates": `[{"answered_by":"fib-1","body":"832040","class":"duplicate","id":"b","nth":2,"outcome":"completed",` +
			`"redelivered":true,"server":"fib-2","since_ms":1200}]`,
		"frozen": `true`, "time": `"2026-01-02T15:04:05Z"`,
	} {
		if have, _ := json.Marshal(got[key]); string(have) != want {
			t.Errorf("%s is %s, want %s", key, have, want)
		}
	}
	evil := "\x1b[2J\u009b31m\u202egnp\x7f\ufffd\" 漢字" // JSON has no invalid UTF-8
	if row := got["orphaned"].([]any)[0].(map[string]any); row["id"] != evil || row["error"] != evil || row["since_ms"] != nil || row["outcome"] != nil {
		t.Errorf("%q", row)
	}
	// An empty list is not null.
	out.Reset()
	if err := WriteJSON(&out, Snapshot{}, report.RunConfig{}); err != nil || strings.Contains(out.String(), "null") {
		t.Errorf("%s, %v", out.String(), err)
	}
	var keys map[string]any
	if err := json.Unmarshal(out.Bytes(), &keys); err != nil || len(keys) != 20 {
		t.Errorf("%d keys, %v: %s", len(keys), err, out.String())
	}
	if err := WriteJSON(broken{}, Snapshot{}, report.RunConfig{}); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestShortReason(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"EOF":                           "EOF",
		`Exception (501) Reason: "EOF"`: "EOF",
		`Exception (501) Reason: ""`:    `Exception (501) Reason: ""`,
		`Exception (501) Reason: "read tcp 127.0.0.1:5->127.0.0.1:6: connection reset by peer"`: "connection reset by peer",
		`Exception (501) Reason: "read tcp"`:                                                    "read tcp",
		`closed: Exception (320) Reason: "CONNECTION_FORCED - by \"me\": for a test"`:           `CONNECTION_FORCED - by "me": for a test`,
		`Exception (320) Reason: "a", and more`:                                                 `Exception (320) Reason: "a", and more`,
	} {
		if got := shortReason(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
