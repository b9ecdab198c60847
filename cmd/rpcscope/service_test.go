package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// A foreign server uses nothing of this repository. Its requests and replies are bytes.
type foreign struct {
	mu   sync.Mutex
	seen []amqp.Delivery
}

// newForeign starts a server that replies with the result of answer.
func newForeign(t *testing.T, url, queue string, answer func(body []byte) []byte) *foreign {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	requests, err := ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &foreign{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := range requests {
			f.mu.Lock()
			f.seen = append(f.seen, r)
			f.mu.Unlock()
			reply := amqp.Publishing{CorrelationId: r.CorrelationId, Body: answer(r.Body)}
			if err := ch.PublishWithContext(t.Context(), "", r.ReplyTo, false, false, reply); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		ch.QueueDelete(queue, false, false, false) //nolint:errcheck // the node goes anyway
		conn.Close()
		<-done
	})
	return f
}

// requests returns the requests so far.
func (f *foreign) requests() []amqp.Delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// forget drops the requests so far.
func (f *foreign) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = nil
}

// bodies returns the bodies of the requests, in order.
func (f *foreign) bodies() []string {
	var all []string
	for _, r := range f.requests() {
		all = append(all, string(r.Body))
	}
	slices.Sort(all)
	return all
}

func echo(body []byte) []byte { return body }

func TestLoadOfAForeignService(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	server := newForeign(t, node.URL(), queue, echo)
	const body = `{"id": {k}, "n": {n:1-100}, "key": "{uuid}"}`
	file := filepath.Join(t.TempDir(), "run.ndjson")
	args := []string{"load", "--queue", queue, "-n=20", "-c=4", "--seed=7", "--body", body, "--content-type=application/json", "--header=tenant=blue", "--header", "trace=a=b",
		"--expect", `(?s)\A\{"id": \d+, "n": \d+, "key": "[0-9a-f-]{36}"\}\z`, "--json", "--record", file}
	o := rpcscope(t, node.URL(), args...)
	live := o.summary(t)
	if o.code != cli.OK || !strings.HasPrefix(o.stderr, "recorded all ") || strings.Count(o.stderr, "\n") != 1 || live.Calls.Completed != 20 || live.Config.Body == nil || *live.Config.Body != body || live.Config.Fib != "" || live.Config.Expect == "" {
		t.Fatalf("exit code %d, stderr %q, %+v", o.code, o.stderr, live)
	}
	if !strings.Contains(o.stdout, `"fib":""`) {
		t.Errorf("no key may vanish: %s", o.stdout)
	}
	for _, r := range server.requests() {
		if r.ContentType != "application/json" || r.Headers["tenant"] != "blue" || r.Headers["trace"] != "a=b" {
			t.Errorf("a request of %q with %v", r.ContentType, r.Headers)
		}
	}
	first := server.bodies()
	for k := range 20 {
		if !slices.ContainsFunc(first, func(s string) bool { return strings.HasPrefix(s, fmt.Sprintf(`{"id": %d, "n": `, k)) }) {
			t.Errorf("call %d is missing in %q", k, first)
		}
	}

	if replayed := replayed(t, file); !reflect.DeepEqual(replayed, live) {
		t.Errorf("replayed %+v\nlive     %+v", replayed, live)
	}

	// A seed repeats the requests, another one does not.
	server.forget()
	args = append(args, "--overwrite")
	rpcscope(t, node.URL(), args...)
	if again := server.bodies(); !slices.Equal(again, first) {
		t.Errorf("asked for\n%q and\n%q", first, again)
	}
	rpcscope(t, node.URL(), append(args, "--seed=8")...)
	if all := server.bodies(); len(all) != 40 || slices.Equal(all[:20], first) && slices.Equal(all[20:], first) {
		t.Errorf("another seed asks for the same")
	}
}

func TestLoadOfAnUnexpectedReply(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	replies := []string{"right", "\x1b[2J\x1b]0;gotcha\a", "\x00\xff\xfe"}
	var mu sync.Mutex
	next := 0
	newForeign(t, node.URL(), queue, func([]byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		next++
		return []byte(replies[(next-1)%len(replies)])
	})
	args := []string{"load", "--queue", queue, "-n=30", "-c=1", "--body=ask {n}", "--fib=20-25", "--expect=^right$"}
	file := filepath.Join(t.TempDir(), "run.ndjson")
	o := rpcscope(t, node.URL(), append(args, "--json", "--record", file)...)
	if s := o.summary(t); o.code != cli.FellShort || s.Calls.Completed != 30 || s.Calls.Wrong != 20 || s.Config.Fib != "20-25" || !strings.Contains(o.stderr, "20 wrong of 30 calls") {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s)
	}
	rpcscope(t, "", "replay", file, "--json").want(t, cli.OK, o.stdout)
	summary := rpcscope(t, "", "replay", file, "--summary")
	if !strings.Contains(summary.stdout, "20 wrong of 30 calls") || !strings.Contains(summary.stdout, ` "\x1b[2J\x1b]0;gotcha\a" is no match for "^right$"`) {
		t.Errorf("of the recording:\n%s", summary.stdout)
	}
	mu.Lock()
	next = 0 // repeat
	mu.Unlock()
	o = rpcscope(t, node.URL(), args...)
	reasons := regexp.MustCompile(`"[^"]*" is no match .*|and \d+ more`)
	if told := reasons.FindAllString(o.stdout, -1); len(told) != 5 || !slices.Equal(told, reasons.FindAllString(summary.stdout, -1)) {
		t.Errorf("the run says\n%s\nand its recording\n%s", o.stdout, summary.stdout)
	}
	if o.code != cli.FellShort || !strings.Contains(o.stdout, "20 wrong") || !strings.Contains(o.stdout, "body ask {n}") || regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f]`).MatchString(o.stdout+o.stderr) {
		t.Errorf("exit code %d, stdout\n%s", o.code, o.stdout)
	}
	if o := rpcscope(t, node.URL(), append(args, "--max-failed=20")...); o.code != cli.OK {
		t.Errorf("20 wrong of at most 20: exit code %d", o.code)
	}
	if o := rpcscope(t, node.URL(), "load", "--queue", queue, "-n=3", "--body=x"); o.code != cli.OK {
		t.Errorf("nothing is expected: exit code %d, %s", o.code, o.stderr)
	}
}

// An empty --body is sent as an empty body.
func TestLoadOfEmptyBodies(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	server := newForeign(t, node.URL(), queue, echo)
	file := filepath.Join(t.TempDir(), "run.ndjson")
	args := []string{"load", "--queue", queue, "-n=5", "--body", "", "--header=a=b", `--expect=\A\z`}
	o := rpcscope(t, node.URL(), append(args, "--json", "--record", file)...)
	if s := o.summary(t); o.code != cli.OK || s.Calls.Completed != 5 || s.Config.Fib != "" || !strings.Contains(o.stdout, `"body":""`) {
		t.Errorf("%+v", o)
	}
	for _, r := range server.requests() {
		if len(r.Body) != 0 || r.Headers["a"] != "b" {
			t.Errorf("a request of %q with %v", r.Body, r.Headers)
		}
	}
	rpcscope(t, "", "replay", file, "--json").want(t, cli.OK, o.stdout)
	for _, o := range []outcome{rpcscope(t, node.URL(), args...), rpcscope(t, "", "replay", file, "--summary")} {
		if o.code != cli.OK || !strings.Contains(o.stdout, "body (empty)") || strings.Contains(o.stdout, "fib") {
			t.Errorf("%+v", o)
		}
	}
}

// --body also works with fibservers, which answer a body that is not a number with an error.
func TestLoadOfRubbishToFibservers(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n=5", "--servers=1", "--body=abc", "--json")
	if s := o.summary(t); o.code != cli.FellShort || s.Failures.Remote != 5 {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s)
	}
	o = rpcscope(t, node.URL(), "load", "--queue", brokertest.QueueName(t), "-n=5", "--servers=1", "--body={n}", "--fib=10", "--expect=^55$", "--json")
	if s := o.summary(t); o.code != cli.OK || s.Calls.Completed != 5 {
		t.Errorf("exit code %d, stderr %q, %+v", o.code, o.stderr, s)
	}
}

func TestServiceUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"--body={foo}"}, "{foo}"},
		{[]string{"--body={n:9-1}"}, "{n:9-1}"},
		{[]string{"--body={k"}, "closing brace"},
		{[]string{"--body=x", "--fib=30"}, "--fib is the range of {n}"},
		{[]string{"--body={n}", "--fib=x"}, "--fib"},
		{[]string{"--expect=x"}, "needs --body"},
		{[]string{"--header=a=b"}, "needs --body"},
		{[]string{"--content-type=text/html"}, "needs --body"},
		{[]string{"--body=x", "--expect=("}, "--expect is not a regular expression"},
		{[]string{"--body=x", "--expect=" + strings.Repeat("x", maxExpect+1)}, "--expect"},
		{[]string{"--body=x", "--header=a"}, `--header "a" is not NAME=VALUE`},
		{[]string{"--body=x", "--header=x-rpc-attempt=1"}, "x-rpc-"},
		{[]string{"--body=x", "--header=a=1", "--header=a=2"}, "twice"},
		{[]string{"--body=x", "--content-type=" + strings.Repeat("x", 256)}, "--content-type"},
	} {
		for _, command := range [][]string{{"load"}, {"scale"}, {}, {"demo"}} {
			o := rpcscope(t, "amqp://127.0.0.1:1/", append(slices.Clone(command), test.args...)...)
			if o.code != cli.Usage || o.stdout != "" || !strings.Contains(o.stderr, test.says) {
				t.Errorf("%q %q: %+v", command, test.args, o)
			}
		}
	}
}
