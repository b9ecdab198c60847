//go:build unix

package fibserver

import (
	"context"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

const hostile = "a\x1b]0;owned\a\u009b31m\u202e\nlevel=ERROR\x7f\xff"

// documented returns the events in the documentation of this package and of amqprpc.LogObserver, each with its level and
// its attributes, in brackets if they may be absent.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	var text string
	for _, name := range []string{"doc.go", "../../../amqprpc/logobserver.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, comment := range file.Comments {
			text += comment.Text()
		}
	}
	words := map[string][]string{ // explained below the tables
		"REQUEST": strings.Fields("queue correlation_id reply_to app_id redelivered attempt bytes"),
		"COUNTS": strings.Fields("requests running answered errors panics redelivered expired refused undeliverable nacked replayed" +
			" given_back reconnects"),
	}
	events := map[string][]string{}
	for line := range strings.Lines(text) {
		var event, level string
		for _, l := range []string{" INFO ", " WARN ", " ERROR "} {
			if before, after, ok := strings.Cut(line, l); ok && strings.HasPrefix(line, "\t") {
				event, level, line = strings.TrimSpace(before), strings.TrimSpace(l), after
			}
		}
		if event == "" {
			continue
		}
		events[event] = []string{level}
		for _, word := range strings.Fields(line) {
			if these, ok := words[word]; ok {
				events[event] = append(events[event], these...)
			} else {
				events[event] = append(events[event], word)
			}
		}
	}
	return events
}

// checkDocumented checks that the events of a log are documented, and that it holds no control characters. It returns
// the names of the events.
func checkDocumented(t *testing.T, p *process) map[string]bool {
	t.Helper()
	table, seen := documented(t), map[string]bool{}
	for _, r := range p.records(t) {
		want, ok := table[r.event()]
		if !ok {
			t.Errorf("no table tells of the event %q", r.event())
			continue
		}
		seen[r.event()] = true
		if r["level"] != want[0] {
			t.Errorf("%s is logged as %v, documented as %s", r.event(), r["level"], want[0])
		}
		has := slices.Sorted(maps.Keys(r))
		for _, key := range append([]string{"time", "level", "msg"}, want[1:]...) {
			optional := strings.HasPrefix(key, "[")
			if i := slices.Index(has, strings.Trim(key, "[]")); i >= 0 {
				has = slices.Delete(has, i, i+1)
			} else if !optional {
				t.Errorf("%s has no %s: %v", r.event(), key, r)
			}
		}
		if len(has) > 0 {
			t.Errorf("%s has besides what is documented %q", r.event(), has)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(p.stderr.String()) {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Errorf("not fit for a terminal: %.300q", line)
		}
	}
	return seen
}

// The table has every event.
func TestTableIsWhole(t *testing.T) {
	want := []string{
		logStarted, logDraining, logDrained,
		"consuming", "connection lost", "connect failed", "blocked", "unblocked", "redelivered request", "request refused",
		"request expired", "error reply", "handler failed", "handler panicked", "undeliverable reply",
		"nacked reply", "unsendable reply",
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(documented(t))); !slices.Equal(got, want) {
		t.Errorf("the table has\n%q, want\n%q", got, want)
	}
}

// The fate of each request is logged, with the attributes that identify it.
func TestRequestsAreLogged(t *testing.T) {
	node := brokertest.Shared(t)
	url, queue := node.URL(), brokertest.QueueName(t)
	ch := channel(t, url)
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	callback, answers := replies(t, ch)

	// A request that a server has requeued.
	send(t, ch, queue, amqp.Publishing{CorrelationId: "again", ReplyTo: callback, Body: []byte("10"), AppId: hostile,
		Headers: amqp.Table{amqprpc.HeaderRPC: "attempt=3"}})
	taken := time.After(patience)
	for had := false; !had; {
		d, ok, err := ch.Get(queue, false)
		if err == nil && ok {
			err, had = d.Nack(false, true), true
		}
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-taken:
			t.Fatal("the request does not come to its queue")
		default:
		}
	}

	p := start(t, url, queue, "--name=events")
	if d := next(t, answers); d.CorrelationId != "again" || string(d.Body) != "55" {
		t.Errorf("%q was answered %q", d.CorrelationId, d.Body)
	}
	past := time.Now().Add(-time.Minute)
	for _, request := range []amqp.Publishing{
		{CorrelationId: hostile, Body: []byte("7"), AppId: "mute"},
		{CorrelationId: "forged", ReplyTo: "amq.rabbitmq.reply-to." + hostile, Body: []byte("7")},
		{CorrelationId: "past", ReplyTo: callback, Body: []byte("7"), Headers: amqp.Table{amqprpc.HeaderRPC: amqprpc.Meta{Deadline: past}.String()}},
		{CorrelationId: "gone", ReplyTo: "gone " + hostile, Body: []byte("7")},
		{CorrelationId: "bad", ReplyTo: callback, Body: []byte(hostile)},
		{CorrelationId: "good", ReplyTo: callback, Body: []byte("10")},
	} {
		send(t, ch, queue, request)
	}
	if d := next(t, answers); d.CorrelationId != "bad" || d.Headers[amqprpc.HeaderError] != amqprpc.CodeInvalidArgument {
		t.Errorf("%q was answered %v", d.CorrelationId, d.Headers)
	}
	if d := next(t, answers); d.CorrelationId != "good" || string(d.Body) != "55" {
		t.Errorf("%q was answered %q", d.CorrelationId, d.Body)
	}
	p.logged(t, "undeliverable reply", 1)
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}

	seen := checkDocumented(t, p)
	records := p.records(t)
	clean := strings.ToValidUTF8(hostile, "\ufffd")
	for _, want := range []struct {
		event string
		facts []record // some of the attributes of each event
	}{
		{logStarted, []record{{"name": "events", "queue": queue, "prefetch": 1.0, "workers": 1.0}}},
		{"consuming", []record{{"queue": queue, "product": node.Product(), "version": node.Version(), "connection": 1.0, "attempt": 1.0}}},
		{"redelivered request", []record{{"correlation_id": "again", "redelivered": true, "attempt": 3.0, "app_id": clean, "reply_to": callback, "bytes": 2.0}}},
		{"request refused", []record{
			{"correlation_id": clean, "reply_to": "", "app_id": "mute", "queue": queue, "reason": "no reply_to", "redelivered": false, "attempt": 0.0},
			{"correlation_id": "forged", "reply_to": "amq.rabbitmq.reply-to." + clean, "reason": "a forged reply_to"}}},
		{"request expired", []record{{"correlation_id": "past", "reply_to": callback}}},
		{"undeliverable reply", []record{{"correlation_id": "gone", "reply_to": "gone " + clean, "queue": queue, "code": 312.0, "reason": "NO_ROUTE"}}},
		{"error reply", []record{{"correlation_id": "bad", "code": amqprpc.CodeInvalidArgument, "bytes": float64(len(hostile))}}},
		{logDraining, []record{{"signal": "terminated"}}},
		{logDrained, []record{{"requests": 7.0, "running": 0.0, "answered": 3.0, "errors": 1.0, "redelivered": 1.0, "expired": 1.0, "refused": 2.0, "undeliverable": 1.0,
			"nacked": 0.0, "reconnects": 0.0, "given_back": 0.0}}},
	} {
		got := of(records, want.event)
		delete(seen, want.event)
		if len(got) != len(want.facts) {
			t.Errorf("%s is logged %d times, want %d: %v", want.event, len(got), len(want.facts), got)
			continue
		}
		for i, facts := range want.facts {
			for key, value := range facts {
				if got[i][key] != value {
					t.Errorf("%s: %s is %#v, want %#v", want.event, key, got[i][key], value)
				}
			}
		}
	}
	if len(seen) != 0 {
		t.Errorf("besides there is %v", seen)
	}
	if deadline, err := time.Parse(time.RFC3339Nano, of(records, "request expired")[0]["deadline"].(string)); err != nil || deadline.UnixMicro() != past.UnixMicro() {
		t.Errorf("the deadline is %v, %v; want %v", deadline, err, past)
	}
}

// A handler that panics is logged with its stack.
func TestPanicIsLogged(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	p := start(t, url, queue, "--fault=panic")
	ch := channel(t, url)
	callback, answers := replies(t, ch)
	send(t, ch, queue, amqp.Publishing{CorrelationId: "1", ReplyTo: callback, Body: []byte("7")})
	if d := next(t, answers); d.Headers[amqprpc.HeaderError] != amqprpc.CodeInternal {
		t.Errorf("answered %v", d.Headers)
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkDocumented(t, p)
	records := of(p.records(t), "handler panicked")
	if len(records) != 1 || records[0]["correlation_id"] != "1" || records[0]["panic"] != "injected panic" || !strings.Contains(records[0]["stack"].(string), "Handle") {
		t.Errorf("%v", records)
	}
}

// A reply that the broker refuses is logged. The request is requeued once and then dropped.
func TestNackedReplyIsLogged(t *testing.T) {
	url, queue := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t)
	full := brokertest.QueueName(t)
	ch := channel(t, url)
	if _, err := ch.QueueDeclare(full, true, false, false, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"}); err != nil {
		t.Fatal(err)
	}
	p := start(t, url, queue, "--confirm-replies")
	send(t, ch, queue, amqp.Publishing{CorrelationId: "fills", ReplyTo: full, Body: []byte("7")})
	send(t, ch, queue, amqp.Publishing{CorrelationId: "refused", ReplyTo: full, Body: []byte("7")})
	p.logged(t, "nacked reply", 2)
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkDocumented(t, p)
	nacked := of(p.records(t), "nacked reply")
	for i, r := range nacked {
		if r["correlation_id"] != "refused" || r["reply_to"] != full || r["redelivered"] != (i == 1) || r["requeued"] != (i == 0) {
			t.Errorf("nack %d: %v", i, r)
		}
	}
	d := of(p.records(t), logDrained)[0]
	if len(nacked) != 2 || d.number(t, "nacked") != 2 || d.number(t, "requests") != 3 || d.number(t, "given_back") != 1 {
		t.Errorf("%d nacks; %v", len(nacked), d)
	}
	if q, err := ch.QueueDeclarePassive(queue, false, false, false, false, nil); err != nil || q.Messages != 0 {
		t.Errorf("%d requests are left, %v", q.Messages, err)
	}
}

// A lost connection, each reconnect attempt and the reconnect are logged, with the reason.
func TestReconnectIsLogged(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Own(t)
	ctx := context.Background()
	p := start(t, node.URL(), "reconnect")
	if err := node.CloseConnections(ctx, "for "+hostile[:1]+" test"); err != nil {
		t.Fatal(err)
	}
	p.logged(t, "consuming", 2)
	if err := node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	p.logged(t, "connect failed", 2)
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	p.logged(t, "consuming", 3)
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkDocumented(t, p)

	var connection, attempt int
	for _, r := range p.records(t) {
		switch r.event() {
		case "consuming":
			connection++
			attempt++
			if r.number(t, "connection") != connection || r.number(t, "attempt") != attempt {
				t.Errorf("consuming: %v, want connection %d, attempt %d", r, connection, attempt)
			}
			attempt = 0
		case "connection lost":
			if r.number(t, "connection") != connection || !strings.Contains(r["error"].(string), "320") {
				t.Errorf("lost: %v, want connection %d and 320", r, connection)
			}
		case "connect failed":
			attempt++
			if r.number(t, "attempt") != attempt || r["error"] == "" {
				t.Errorf("failed: %v, want attempt %d", r, attempt)
			}
		}
	}
	if n := of(p.records(t), logDrained)[0].number(t, "reconnects"); n != 2 || connection != 3 {
		t.Errorf("%d reconnects, %d connections", n, connection)
	}
}

// A log that is not read delays neither requests nor the shutdown.
func TestNobodyReadsTheLog(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	url, queue := node.URL(), brokertest.QueueName(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := prepare(url, queue)
	p.cmd.Stderr = w
	p.begin(t)
	w.Close()
	ch := channel(t, url)
	callback, answers := replies(t, ch)
	// Each request logs about 1 kB. Together they exceed a pipe and the waiting lines.
	const requests = 5000
	long := strings.Repeat("\u009b", 127)
	for range requests {
		send(t, ch, queue, amqp.Publishing{CorrelationId: long, AppId: long, ReplyTo: callback, Body: []byte("x")})
	}
	for range requests {
		if d := next(t, answers); d.Type != amqprpc.TypeError {
			t.Errorf("%+v", d)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != cli.OK {
		t.Errorf("exit code %d", code)
	}
	left, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(left), "error reply") || strings.Contains(string(left), logDrained) {
		t.Errorf("the pipe was not full: %d bytes, %v", len(left), err)
	}
}
