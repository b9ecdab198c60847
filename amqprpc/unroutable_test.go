package amqprpc_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// Many requests to a queue that does not exist among many to one that does: each return finds its own call.
func TestReturnsAmongAnswers(t *testing.T) {
	for name, cfg := range map[string]amqprpc.Config{"with confirms": {}, "without confirms": {NoConfirms: true}} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue, Prefetch: 64})
			observed := newTally()
			cfg.URLs, cfg.Observer, cfg.Timeout = []string{url}, observed, time.Hour
			c := dial(t, cfg)
			var wg sync.WaitGroup
			for i := range 32 {
				wg.Go(func() {
					for range 20 {
						if i%2 == 0 {
							if _, err := c.Call(context.Background(), amqprpc.Request{Queue: queue}); err != nil {
								t.Error(err)
							}
							continue
						}
						_, err := c.Call(context.Background(), amqprpc.Request{Queue: queue + "-missing"})
						wantIs(t, err, amqprpc.ErrUnroutable, amqprpc.ErrNotExecuted)
						if failed := asCall(t, err); failed.To != fmt.Sprintf("queue %q", queue+"-missing") || !strings.Contains(err.Error(), failed.ID) || !strings.Contains(err.Error(), "NO_ROUTE") {
							t.Errorf("the error names no call, no queue, or not the broker's reason: %v", err)
						}
					}
				})
			}
			wg.Wait()
			observed.check(t)
			if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventReturned] }); n != 320 {
				t.Errorf("%d returns", n)
			}
		})
	}
}

// With NoMandatory a call to a missing queue times out.
func TestNoMandatoryTimesOut(t *testing.T) {
	c := dial(t, amqprpc.Config{ConnConfig: at(brokertest.Shared(t).URL()), Queue: brokertest.QueueName(t), NoMandatory: true})
	_, err := c.Call(context.Background(), amqprpc.Request{Timeout: 50 * time.Millisecond})
	wantIs(t, err, amqprpc.ErrTimeout)
	wantIsNot(t, err, amqprpc.ErrNotExecuted)
}

// With Retry a call waits for its queue to be declared, even if it is not idempotent: the returned attempts were not
// executed.
func TestRetryUntilTheQueueAppears(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	observed := newStoryTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed, Retry: amqprpc.Retry{Attempts: -1, Backoff: quick}})
	call := c.Go(context.Background(), amqprpc.Request{})
	observed.until(t, "three returns", seen(amqprpc.EventReturned, 3))
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	reply, err := call.Result()
	if err != nil || reply.Attempt < 4 {
		t.Errorf("attempt %d, error %v", reply.Attempt, err)
	}
	observed.check(t)
	checkAttempts(t, observed)

	// It ends at its deadline if the queue never appears, and is still safe to repeat. (No attempt is under way then:
	// the next is an hour off.)
	patient := dial(t, amqprpc.Config{ConnConfig: at(url), Retry: amqprpc.Retry{Attempts: -1, Backoff: amqprpc.Backoff{First: time.Hour}}})
	_, err = patient.Call(context.Background(), amqprpc.Request{Queue: queue + "-missing", Timeout: 2 * time.Second})
	wantIs(t, err, amqprpc.ErrTimeout, amqprpc.ErrNotExecuted)
}

// fullQueue declares a queue that takes one message and refuses more.
func fullQueue(t *testing.T, url string) string {
	t.Helper()
	queue := brokertest.QueueName(t)
	withChannel(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
		return err
	})
	return queue
}

func TestNackedCallIsRejected(t *testing.T) {
	t.Parallel()
	url := brokertest.OnRabbitMQ(t).URL()
	queue := fullQueue(t, url)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed, Retry: amqprpc.Retry{Attempts: 3, Backoff: quick}})
	c.Go(context.Background(), amqprpc.Request{})
	observed.until(t, "the queue is full", seen(amqprpc.EventConfirmed, 1))
	_, err := c.Call(context.Background(), amqprpc.Request{})
	wantIs(t, err, amqprpc.ErrRejected)
	wantIsNot(t, err, amqprpc.ErrNotExecuted)
	if e := asCall(t, err); e.Attempts != 1 {
		t.Errorf("%d attempts of a call that is not idempotent", e.Attempts)
	}
	_, err = c.Call(context.Background(), amqprpc.Request{Idempotent: true})
	wantIs(t, err, amqprpc.ErrRejected)
	if e := asCall(t, err); e.Attempts != 3 {
		t.Errorf("%d attempts of 3", e.Attempts)
	}
	observed.until(t, "four nacks", seen(amqprpc.EventNacked, 4))
	observed.check(t)
}

// A request that AMQP cannot carry never reaches the connection.
func TestInvalidRequests(t *testing.T) {
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{brokertest.Shared(t).URL()}, MaxMessage: 1000}, Observer: observed})
	long := strings.Repeat("x", 256)
	for name, req := range map[string]amqprpc.Request{
		"no queue":             {},
		"a long queue name":    {Queue: long},
		"a line break":         {Queue: "a\nb"},
		"no UTF-8":             {Queue: "a\xff"},
		"a long content type":  {Queue: "q", ContentType: long},
		"a long type":          {Queue: "q", Type: long},
		"a long header name":   {Queue: "q", Headers: amqp.Table{long: 1}},
		"an odd header":        {Queue: "q", Headers: amqp.Table{"a": struct{}{}}},
		"headers over a frame": {Queue: "q", Headers: amqp.Table{"a": strings.Repeat("x", 200_000)}},
		"a large body":         {Queue: "q", Body: make([]byte, 1001)},
		"a negative timeout":   {Queue: "q", Timeout: -1},
	} {
		call := c.Go(context.Background(), req)
		_, err := call.Result()
		wantIs(t, err, amqprpc.ErrInvalidRequest, amqprpc.ErrNotExecuted)
		if call.ID() != "" {
			t.Errorf("%s: the call has the ID %s", name, call.ID())
		}
	}
	if n := observed.count(func(t *tally) int { return len(t.kinds) }); n != 1 { // connected
		t.Errorf("events of %d kinds", n)
	}
	// The largest that is allowed goes through.
	_, err := c.Call(context.Background(), amqprpc.Request{
		Queue: long[:255], Type: long[:255], ContentType: long[:255], Body: make([]byte, 1000),
		Headers: amqp.Table{long[:255]: strings.Repeat("x", 60_000)},
	})
	wantIs(t, err, amqprpc.ErrUnroutable)
}
