//go:build unix

package fibserver

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// A stdout that nobody reads holds up neither replies nor the end. Whoever reads it later finds
// the lines in their order, and where some are missing how many.
func TestNobodyReadsStdout(t *testing.T) {
	for name, later := range map[string]bool{"ever": false, "for a while": true} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			lines := bufio.NewReader(r)
			p := prepare(url, queue, "--prefetch=100")
			p.cmd.Stdout = w
			p.launch(t)
			w.Close()
			r.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // pipes have deadlines
			if line, err := lines.ReadString('\n'); line != " [x] Awaiting RPC requests\n" {
				t.Fatalf("%q, %v", line, err)
			}
			ch := channel(t, url)
			callback, answers := replies(t, ch)
			asked := 0
			ask := func(n int) {
				t.Helper()
				for range n {
					send(t, ch, queue, amqp.Publishing{ReplyTo: callback, Body: fmt.Appendf(nil, "no number %010d of so many", asked)})
					asked++
				}
				for range n {
					if d := next(t, answers); d.Type != amqprpc.TypeError {
						t.Fatalf("%+v", d)
					}
				}
			}
			ask(7000) // 300 kB: more than a pipe and the 4096 lines take

			var told atomic.Bool
			read := make(chan error, 1)
			expected := 0 // the number of the next request
			collect := func() error {
				r.SetReadDeadline(time.Now().Add(2 * patience)) //nolint:errcheck // pipes have deadlines
				for {
					line, err := lines.ReadString('\n')
					if err != nil {
						return nil // where it ends is for below
					}
					n := 0
					if _, err := fmt.Sscanf(line, " [!] %d lines lost\n", &n); err == nil {
						expected += n
						told.Store(true)
						continue
					}
					if _, err := fmt.Sscanf(line, " [.] fib(\"no number %d", &n); err != nil || n != expected {
						return fmt.Errorf("%q, want that of request %d (%v)", line, expected, err)
					}
					expected++
				}
			}
			if later {
				go func() { read <- collect() }()
				for late := time.Now().Add(patience); !told.Load(); ask(1) {
					if time.Now().After(late) {
						t.Fatal("nothing is said of lines that were lost")
					}
				}
			}
			p.signal(t, syscall.SIGTERM)
			if code := p.end(t); code != cli.OK {
				t.Errorf("exit code %d", code)
			}
			if !later {
				go func() { read <- collect() }()
			}
			select {
			case err := <-read:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(3 * patience):
				t.Fatal("stdout does not end")
			}
			if (expected == asked) != later || told.Load() != later {
				t.Errorf("%d of %d lines are accounted for, told: %t", expected, asked, told.Load())
			}
			if stderr := p.stderr.String(); !strings.Contains(stderr, logDrained) {
				t.Error("it does not say that it has drained")
			}
		})
	}
}
