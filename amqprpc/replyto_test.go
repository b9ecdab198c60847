package amqprpc_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
)

// Calls with direct reply-to work as others: many at once, errors, timeouts, late and second replies, and a lost
// connection.
func TestCallsWithDirectReplyTo(t *testing.T) {
	url, queue := brokertest.OnRabbitMQ(t).URL(), brokertest.QueueName(t)
	brokertest.NoLeaks(t)
	held := make(chan struct{})
	s := serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 64,
		Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			switch req.Type {
			case "fail":
				return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeNotFound, "no such thing")
			case "hold":
				<-held
			}
			return amqprpc.Response{Body: []byte(req.ReplyTo)}, nil
		},
		Hooks: amqprpc.ServerHooks{Replies: func(req *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
			if req.Type == "twice" {
				return []amqprpc.Message{reply, reply}
			}
			return []amqprpc.Message{reply}
		}},
	})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, ReplyTo: amqprpc.ReplyToDirect, Observer: observed, Backoff: quick, Retry: amqprpc.Retry{Attempts: -1}})
	const direct = "amq.rabbitmq.reply-to"
	if q := callbackQueue(c); q != direct {
		t.Errorf("the callback queue is %q", q)
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 20 {
				reply, err := c.Call(t.Context(), amqprpc.Request{})
				if err != nil || !strings.HasPrefix(string(reply.Body), direct+".") || reply.Attempt != 1 {
					t.Errorf("the handler was to reply to %q; attempt %d, error %v", reply.Body, reply.Attempt, err)
				}
			}
		})
	}
	wg.Wait()
	_, err := c.Call(t.Context(), amqprpc.Request{Type: "fail"})
	if e := asCall(t, err); e.Outcome != amqprpc.Remote || e.Reason() != "NOT_FOUND: no such thing" {
		t.Errorf("an error: %v", err)
	}
	if _, err := c.Call(t.Context(), amqprpc.Request{Type: "twice"}); err != nil {
		t.Error(err)
	}
	observed.until(t, "a duplicate", replies(amqprpc.Duplicate, 1))
	_, err = c.Call(t.Context(), amqprpc.Request{Type: "hold", Timeout: 100 * time.Millisecond})
	wantIs(t, err, amqprpc.ErrTimeout)
	close(held)
	// A handler's deadline has passed by then, but not its reply's way.
	observed.until(t, "a late reply", replies(amqprpc.Late, 1))
	_, err = c.Call(t.Context(), amqprpc.Request{Queue: queue + "-missing", Timeout: 100 * time.Millisecond})
	// The call is retried, so its last attempt may be on its way at the deadline.
	if e := asCall(t, err); !strings.Contains(e.Error(), "NO_ROUTE") {
		t.Errorf("no queue: %v", err)
	}

	lost := c.Go(t.Context(), amqprpc.Request{Type: "hold"})
	c.DropConnection()
	if _, err := lost.Result(); err != nil {
		wantIs(t, err, amqprpc.ErrConnectionLost)
	}
	if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
		t.Errorf("after a reconnect: %v", err)
	}
	observed.check(t)
	if n := s.Stats(); n.Reconnects != 0 || n.Undeliverable != 0 {
		t.Errorf("%+v", n)
	}
}

// A broker without direct reply-to refuses it with a clear error.
func TestReplyToDirectIsRefused(t *testing.T) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: at(b.URL()), ReplyTo: amqprpc.ReplyToDirect})
	want := fmt.Sprintf("%s: consume the callback queue: ", b.Addr())
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "direct reply-to") {
		t.Errorf("%v, want %q and the broker's words", err, want)
	}
}

func TestReplyToUnknown(t *testing.T) {
	_, err := amqprpc.Dial(t.Context(), amqprpc.Config{ReplyTo: 2})
	wantIs(t, err, amqprpc.ErrInvalidConfig)
}
