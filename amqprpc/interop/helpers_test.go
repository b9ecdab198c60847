package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/server/pool"
)

// servers are processes of one server program.
type servers struct {
	*pool.Pool
	mu    sync.Mutex
	lines []string // that they wrote
}

// serve makes an empty pool of servers until the end of the test. If the test has failed by then, it logs their output.
func serve(t testing.TB, url, prefix string, command []string, args ...string) *servers {
	t.Helper()
	s := &servers{}
	s.Pool = pool.New(pool.Config{
		Command: command, Args: args, URL: url, NamePrefix: prefix, Env: []string{races},
		Output: func(server, line string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lines = append(s.lines, server+": "+line)
		},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%sN wrote:\n%.8000s", prefix, strings.Join(s.output(), "\n"))
		}
	})
	return s
}

// start starts one more server.
func (s *servers) start(t testing.TB, args ...string) *pool.Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	p, err := s.Start(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stop stops the servers and returns their output. None may have ended before.
func (s *servers) stop(t testing.TB) []string {
	t.Helper()
	for _, status := range s.List() {
		if status.State != pool.Running || status.Restarts != 0 {
			t.Errorf("%s is %v after %d restarts: %s", status.Name, status.State, status.Restarts, status.Reason)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	return s.output()
}

func (s *servers) output() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// drained is the last record in fibserver's JSON log.
type drained struct {
	Message                                                                            string `json:"msg"`
	Requests, Answered, Errors, Redelivered, Expired, Refused, Undeliverable, Replayed int64
}

// drainedOf finds that record among the lines.
func drainedOf(t testing.TB, lines []string) drained {
	t.Helper()
	for _, line := range lines {
		_, text, _ := strings.Cut(line, ": ")
		var d drained
		if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &d) == nil && d.Message == "drained" {
			return d
		}
	}
	t.Fatal("fibserver does not say that it has drained")
	return drained{}
}

// ready returns the number of ready messages in a queue.
func ready(t testing.TB, url, queue string) int {
	t.Helper()
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the answer is here
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclarePassive(queue, false, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Messages
}

// fib computes the right answer.
func fib(n int) string {
	a, b := new(big.Int), big.NewInt(1)
	for range n {
		a.Add(a, b)
		a, b = b, a
	}
	return a.String()
}

// conversation returns the output of the tutorial's client.
func conversation(ns ...int) string {
	var b strings.Builder
	for _, n := range ns {
		fmt.Fprintf(&b, " [x] Requesting fib(%d)\n [.] Got %s\n", n, fib(n))
	}
	return b.String()
}

// summary is a part of the output of `rpcscope load --json`.
type summary struct {
	Calls struct {
		Sent, Completed, Failed uint64
		InFlight                uint64 `json:"in_flight"`
	}
	Failures map[string]uint64
	Replies  struct{ Received, Answers, Duplicates, Late, Unknown uint64 }
	Servers  []struct {
		Name    string
		Replies uint64
	}
}

// load runs `rpcscope load` and checks that all answers were right, all calls have completed, and the counts are consistent.
func load(t testing.TB, url, queue string, calls uint64, args ...string) summary {
	t.Helper()
	out := succeed(t, url, ours(t, "rpcscope"), append([]string{
		"load", "--json", "--queue", queue, "-n", fmt.Sprint(calls), "--timeout", "30s"}, args...)...)
	var s summary
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&s); err != nil || d.More() {
		t.Fatalf("load --json is not one JSON object: %v: %s", err, out)
	}
	if err := s.broken(); err != nil {
		t.Error(err)
	}
	if s.Calls.Sent != calls || s.Calls.Completed != calls || s.Replies.Unknown != 0 || s.Replies.Late != 0 {
		t.Errorf("of %d calls: %s", calls, out)
	}
	return s
}

// broken returns an error if a law of the ledger does not hold.
func (s *summary) broken() error {
	var failed, replies uint64
	for _, n := range s.Failures {
		failed += n
	}
	for _, v := range s.Servers {
		replies += v.Replies
	}
	law := func(holds bool, text string) error {
		if holds {
			return nil
		}
		return fmt.Errorf("%s does not hold in %+v", text, *s)
	}
	c, r := s.Calls, s.Replies
	return errors.Join(
		law(c.Sent == c.Completed+c.Failed+c.InFlight, "sent = completed + failed + in flight"),
		law(c.InFlight == 0, "in flight = 0 at the end"),
		law(c.Failed == failed, "failed = the sum of failures"),
		law(r.Received == r.Answers+r.Duplicates+r.Late+r.Unknown, "received = answers + duplicates + late + unknown"),
		law(r.Answers == c.Completed+s.Failures["remote"], "answers = completed + failed[remote]"),
		law(r.Received == replies, "received = the sum of the servers' replies"))
}

// by returns the number of a server's replies.
func (s *summary) by(name string) uint64 {
	for _, v := range s.Servers {
		if pool.ShortNames(v.Name) == name {
			return v.Replies
		}
	}
	return 0
}
