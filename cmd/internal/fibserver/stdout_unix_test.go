//go:build unix

package fibserver

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// A stdout that is not read delays neither replies nor the shutdown. Its first lines are in order when it is read later.
func TestNobodyReadsStdout(t *testing.T) {
	brokertest.SkipIfShort(t)
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := prepare(url, queue, "--prefetch=100")
	p.cmd.Stdout = w
	p.launch(t)
	w.Close()
	r.SetReadDeadline(time.Now().Add(3 * patience)) //nolint:errcheck // pipes have deadlines
	lines := bufio.NewScanner(r)
	if !lines.Scan() || lines.Text() != " [x] Awaiting RPC requests" {
		t.Fatalf("%q, %v", lines.Text(), lines.Err())
	}
	ch := channel(t, url)
	callback, answers := replies(t, ch)
	const requests = 7000 // 300 kB: more than a pipe and the waiting lines
	for i := range requests {
		send(t, ch, queue, amqp.Publishing{ReplyTo: callback, Body: fmt.Appendf(nil, "no number %010d of so many", i)})
	}
	for range requests {
		if d := next(t, answers); d.Type != amqprpc.TypeError {
			t.Fatalf("%+v", d)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != cli.OK {
		t.Errorf("exit code %d", code)
	}
	if stderr := p.stderr.String(); !strings.Contains(stderr, logDrained) {
		t.Error("it does not say that it has drained")
	}
	read := 0
	for ; lines.Scan(); read++ {
		n := 0
		if _, err := fmt.Sscanf(lines.Text(), " [.] fib(\"no number %d", &n); err != nil || n != read {
			t.Fatalf("%q, want the line of request %d", lines.Text(), read)
		}
	}
	if read == 0 || read == requests {
		t.Errorf("%d lines of %d are read: the pipe was never full", read, requests)
	}
}
