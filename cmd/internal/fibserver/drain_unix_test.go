//go:build unix

package fibserver

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A drain lasts until the requests in progress are answered, or until a second signal or SIGKILL ends it. Then another
// server answers these requests, once.
func TestEndedInMidWork(t *testing.T) {
	for name, test := range map[string]struct {
		second syscall.Signal
		code   int
	}{
		"a second SIGTERM": {syscall.SIGTERM, 130},
		"SIGKILL":          {syscall.SIGKILL, -1},
	} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			slow := start(t, url, queue, "--name=slow", "--delay=1h", "--prefetch=3", "--workers=1")
			ch := channel(t, url)
			callback, answers := replies(t, ch)
			for _, id := range []string{"1", "2", "3"} {
				send(t, ch, queue, amqp.Publishing{CorrelationId: id, ReplyTo: callback, Headers: amqp.Table{amqprpc.HeaderRPC: "attempt=1"}, Body: []byte("10")})
			}
			slow.until(t, "the first request", func() bool { return slow.stdout.String() == " [x] Awaiting RPC requests\n [.] fib(10)\n" })
			slow.signal(t, syscall.SIGTERM)
			slow.logged(t, logDraining, 1)
			if d := of(slow.records(t), logDraining)[0]; d["signal"] != "terminated" || d.number(t, "running") != 1 {
				t.Errorf("%v", d)
			}

			// Another server gets the two requests that it has not begun at once.
			start(t, url, queue, "--name=quick")
			for range 2 {
				if d := next(t, answers); d.AppId != "quick" || d.CorrelationId == "1" {
					t.Errorf("%s was answered by %s", d.CorrelationId, d.AppId)
				}
			}
			select {
			case <-slow.exited:
				t.Fatal("it has ended, with work in hand")
			case d := <-answers:
				t.Fatalf("%s was answered by %s", d.CorrelationId, d.AppId)
			default:
			}
			// A second signal within 0.2 s counts as the first, so it may take several.
			for late := time.Now().Add(patience); ; {
				slow.signal(t, test.second)
				select {
				case <-slow.exited:
				case <-time.After(300 * time.Millisecond):
					if time.Now().Before(late) {
						continue
					}
				}
				break
			}
			if code := slow.end(t); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if len(of(slow.records(t), logDrained)) != 0 {
				t.Error("it says that it has drained")
			}
			if d := next(t, answers); d.AppId != "quick" || d.CorrelationId != "1" || !strings.HasSuffix(fmt.Sprint(d.Headers[amqprpc.HeaderRPC]), ";redelivered") || string(d.Body) != "55" {
				t.Errorf("%s was answered %q by %s: %v", d.CorrelationId, d.Body, d.AppId, d.Headers)
			}
			checkDocumented(t, slow)
		})
	}
}
