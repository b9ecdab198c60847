package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A published message is in its queue, with all its properties, when Publish returns.
func TestPublishReturnsWhenQueued(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Observer: observed})
	sent := amqprpc.Message{
		RoutingKey: queue, ContentType: "text/plain", ContentEncoding: "identity", Headers: amqp.Table{"k": "v"}, DeliveryMode: 2, Priority: 3,
		CorrelationID: "c", ReplyTo: "r", Expiration: "60000", MessageID: "m", Timestamp: time.Unix(1764513600, 0), Type: "t", AppID: "a", Body: []byte("body"),
	}
	if err := c.Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	d, ok, err := openChannel(t, url).Get(queue, true)
	if err != nil || !ok {
		t.Fatalf("it is not in the queue: %v", err)
	}
	got := amqprpc.Message{
		RoutingKey: d.RoutingKey, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode, Priority: d.Priority,
		CorrelationID: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageID: d.MessageId, Timestamp: d.Timestamp.Local(), Type: d.Type, AppID: d.AppId, Body: d.Body,
	}
	want := sent
	want.Headers = nil
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || len(d.Headers) != 1 || d.Headers["k"] != "v" {
		t.Errorf("received %+v, headers %v; sent %+v", got, d.Headers, sent)
	}
	if n := c.InFlight(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
	if n := observed.count(func(t *tally) int { return len(t.kinds) }); n != 1 {
		t.Errorf("the observer is told of %v, want the connection only", observed.kinds)
	}
}

// A message that no queue takes is ErrUnroutable. Each of many at once gets its own answer, also those that have
// the correlation ID and the headers of a call.
func TestPublishUnroutable(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue, Observer: observed})
	call := c.Go(t.Context(), amqprpc.Request{CorrelationID: "in flight"})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 10 {
				m := amqprpc.Message{RoutingKey: queue, MessageID: fmt.Sprint(i, " ", n)}
				switch i % 4 {
				case 1: // as a reply has it
					m.CorrelationID, m.Headers = "in flight", amqp.Table{amqprpc.HeaderRPC: "received=1;replied=2;attempt=1"}
				case 2: // all alike
					m.CorrelationID, m.MessageID = "", ""
				}
				missing := i%2 == n%2
				if missing {
					m.RoutingKey += "-missing"
				}
				err := c.Publish(t.Context(), m)
				if !missing && err != nil {
					t.Errorf("to a queue: %v", err)
				}
				if missing {
					wantIs(t, err, amqprpc.ErrUnroutable, amqprpc.ErrNotExecuted)
					if err == nil || !strings.Contains(err.Error(), "NO_ROUTE") {
						t.Errorf("the error has not the broker's reason: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if stats, err := c.QueueStats(t.Context(), queue); err != nil || stats.Ready != 321 {
		t.Errorf("%+v, %v; want 320 messages and the request", stats, err)
	}
	select {
	case <-call.Done():
		_, err := call.Result()
		t.Errorf("the call ended: %v", err)
	default:
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventReturned] }); n != 0 {
		t.Errorf("%d returns of requests", n)
	}
}

// Without confirms and mandatory Publish does not wait.
func TestPublishUnconfirmed(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	c := dial(t, amqprpc.Config{ConnConfig: at(url), NoConfirms: true})
	for _, key := range []string{queue, queue + "-missing"} {
		if err := c.Publish(t.Context(), amqprpc.Message{RoutingKey: key}); err != nil {
			t.Error(err)
		}
	}
	arrived := consume(t, openChannel(t, url), queue)
	if d := next(t, arrived); d.RoutingKey != queue {
		t.Errorf("%+v", d)
	}
}

// A message that the queue refuses is ErrRejected, and may be in another one.
func TestPublishRejected(t *testing.T) {
	url := brokertest.OnRabbitMQ(t).URL()
	queue := fullQueue(t, url)
	c := dial(t, amqprpc.Config{ConnConfig: at(url)})
	for range 3 { // the first may be taken
		err := c.Publish(t.Context(), amqprpc.Message{RoutingKey: queue})
		if err == nil {
			continue
		}
		wantIs(t, err, amqprpc.ErrRejected)
		wantIsNot(t, err, amqprpc.ErrNotExecuted)
		return
	}
	t.Error("a full queue took three messages")
}

// A message that cannot be sent is refused at once, and costs no connection.
func TestPublishInvalid(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	observed := newTally()
	cfg := amqprpc.Config{ConnConfig: at(url), Observer: observed}
	cfg.MaxMessage = 1000
	c := dial(t, cfg)
	long := strings.Repeat("x", 256)
	for name, m := range map[string]amqprpc.Message{
		"exchange": {Exchange: long}, "routing key": {RoutingKey: long}, "content type": {ContentType: long}, "content encoding": {ContentEncoding: long},
		"correlation ID": {CorrelationID: long}, "reply-to": {ReplyTo: long}, "message ID": {MessageID: long}, "type": {Type: long}, "app ID": {AppID: long},
		"user ID": {UserID: "somebody"}, "expiration": {Expiration: "1.5"}, "a negative expiration": {Expiration: "-1"}, "a long expiration": {Expiration: "4294967296"},
		"headers": {Headers: amqp.Table{"k": uint64(1)}}, "CC": {Headers: amqp.Table{"CC": "x"}}, "body": {Body: make([]byte, 1001)},
	} {
		if m.RoutingKey == "" {
			m.RoutingKey = queue
		}
		err := c.Publish(t.Context(), m)
		if !errors.Is(err, amqprpc.ErrInvalidRequest) || !errors.Is(err, amqprpc.ErrNotExecuted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Publish(t.Context(), amqprpc.Message{RoutingKey: queue, Body: make([]byte, 1000), Expiration: "4294967295"}); err != nil {
		t.Error(err)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
}

// Publish neither waits for a connection nor for the end of an alarm, and ends with its context.
func TestPublishThatCannotBeSent(t *testing.T) {
	t.Parallel()
	node := brokertest.Own(t)
	const queue = "alarm"
	declare(t, node.URL(), queue)
	m := amqprpc.Message{RoutingKey: queue}
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(node.URL()), Observer: observed, Backoff: quick, Timeout: time.Second})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Publish(ended, m)
	wantIs(t, err, context.Canceled, amqprpc.ErrNotExecuted)

	if err := node.RaiseMemoryAlarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The broker tells of the alarm when somebody publishes. It may still take that message.
	if err = c.Publish(t.Context(), m); err != nil {
		wantIs(t, err, context.DeadlineExceeded)
		wantIsNot(t, err, amqprpc.ErrNotExecuted)
	}
	observed.until(t, "blocked", seen(amqprpc.EventBlocked, 1))
	err = c.Publish(t.Context(), m)
	wantIs(t, err, amqprpc.ErrBlocked, amqprpc.ErrNotExecuted)
	if err := node.ClearMemoryAlarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	observed.until(t, "unblocked", seen(amqprpc.EventUnblocked, 1))
	if err := c.Publish(t.Context(), m); err != nil {
		t.Error(err)
	}

	node.Kill()
	observed.until(t, "disconnected", seen(amqprpc.EventDisconnected, 1))
	err = c.Publish(t.Context(), m)
	wantIs(t, err, amqprpc.ErrConnectionLost, amqprpc.ErrNotExecuted)
	c.Close()
	err = c.Publish(t.Context(), m)
	wantIs(t, err, amqprpc.ErrClosed, amqprpc.ErrNotExecuted)
}

// A connection that is lost, or a client that is closed, before the confirm leaves open whether the message arrived.
func TestPublishConnectionLost(t *testing.T) {
	for name, end := range map[string]func(*amqprpc.Client){
		"lost": (*amqprpc.Client).DropConnection, "closed": func(c *amqprpc.Client) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			declare(t, url, queue)
			var on atomic.Bool
			var beats atomic.Int64
			cfg := amqprpc.Config{ConnConfig: at(url), Backoff: quick}
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return &unconfirmedConn{Conn: conn, on: &on, beats: &beats}, err
			}
			c := dial(t, cfg)
			on.Store(true)
			result := make(chan error, 1)
			go func() { result <- c.Publish(context.Background(), amqprpc.Message{RoutingKey: queue}) }()
			next(t, consume(t, openChannel(t, url), queue))
			end(c)
			err := next(t, result)
			want := map[string]error{"lost": amqprpc.ErrConnectionLost, "closed": amqprpc.ErrClosed}[name]
			wantIs(t, err, want)
			wantIsNot(t, err, amqprpc.ErrNotExecuted)
		})
	}
}

// Many large messages at once are more than the connection takes at a time. They wait for each other.
func TestPublishManyAtOnce(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	c := dial(t, amqprpc.Config{ConnConfig: at(url)})
	const goroutines, each = 16, 5
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				if err := c.Publish(t.Context(), amqprpc.Message{RoutingKey: queue, Body: make([]byte, 300<<10)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if stats, err := c.QueueStats(t.Context(), queue); err != nil || stats.Ready != goroutines*each {
		t.Errorf("%+v, %v", stats, err)
	}
}
