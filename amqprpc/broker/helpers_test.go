package broker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"rpcscope/amqprpc/broker"
)

// patience bounds every wait. It is generous, since no test measures time.
const patience = 20 * time.Second

func soon() time.Time { return time.Now().Add(patience) }

// start starts a broker. When the test ends, its state must be consistent. After Close no goroutine and no message may
// be left.
func start(t *testing.T, cfg broker.Config) *broker.Broker {
	t.Helper()
	before := goleak.IgnoreCurrent()
	b, err := broker.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Check(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if n := b.Memory(); n != 0 || len(b.Queues()) != 0 {
			t.Errorf("a closed broker holds %d bytes and %d queues", n, len(b.Queues()))
		}
		if err := b.Check(); err != nil {
			t.Error("closed: ", err)
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dial connects a client until the end of the test.
func dial(t *testing.T, b *broker.Broker) *amqp.Connection {
	t.Helper()
	return dialWith(t, b, amqp.Config{})
}

func dialWith(t *testing.T, b *broker.Broker, cfg amqp.Config) *amqp.Connection {
	t.Helper()
	conn, err := amqp.DialConfig(b.URL(), cfg)
	must(t, err)
	t.Cleanup(func() { _ = conn.CloseDeadline(soon()) })
	return conn
}

func channel(t *testing.T, conn *amqp.Connection) *amqp.Channel {
	t.Helper()
	ch, err := conn.Channel()
	must(t, err)
	return ch
}

// A kind holds the properties of a queue.
type kind struct {
	durable, autoDelete, exclusive bool
	args                           amqp.Table
}

var (
	transient = kind{}
	durable   = kind{durable: true}
	exclusive = kind{exclusive: true}
	quorum    = kind{durable: true, args: amqp.Table{"x-queue-type": "quorum"}}
)

func declare(t *testing.T, ch *amqp.Channel, name string, k kind) string {
	t.Helper()
	q, err := ch.QueueDeclare(name, k.durable, k.autoDelete, k.exclusive, false, k.args)
	must(t, err)
	return q.Name
}

// publish publishes and returns the confirm, or nil if the channel has none.
func publish(t *testing.T, ch *amqp.Channel, queue string, p amqp.Publishing) *amqp.DeferredConfirmation {
	t.Helper()
	confirm, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", queue, false, false, p)
	must(t, err)
	return confirm
}

func text(body string) amqp.Publishing { return amqp.Publishing{Body: []byte(body)} }

func persistent(body string) amqp.Publishing {
	return amqp.Publishing{Body: []byte(body), DeliveryMode: amqp.Persistent}
}

// put publishes messages and waits for their confirms.
func put(t *testing.T, ch *amqp.Channel, queue string, messages ...amqp.Publishing) {
	t.Helper()
	must(t, ch.Confirm(false))
	for _, m := range messages {
		confirmed(t, publish(t, ch, queue, m))
	}
}

func confirmed(t *testing.T, c *amqp.DeferredConfirmation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ok, err := c.WaitContext(ctx); err != nil || !ok {
		t.Fatalf("confirmed: %v, %v", ok, err)
	}
}

// consume starts a consumer that needs acks.
func consume(t *testing.T, ch *amqp.Channel, queue string) <-chan amqp.Delivery {
	t.Helper()
	d, err := ch.Consume(queue, "", false, false, false, false, nil)
	must(t, err)
	return d
}

// receive waits for a value.
func receive[V any](t *testing.T, c <-chan V) V {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("no %T but the end", v)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("no %T within %v", *new(V), patience)
		panic("not reached")
	}
}

// ended waits for the end of f.
func ended(t *testing.T, what string, f func()) {
	t.Helper()
	endedWithin(t, patience, what, f)
}

func endedWithin(t *testing.T, max time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(max):
		t.Fatalf("%s does not end", what)
	}
}

// wantNext waits for a delivery with this body.
func wantNext(t *testing.T, deliveries <-chan amqp.Delivery, redelivered bool, body string) amqp.Delivery {
	t.Helper()
	d := receive(t, deliveries)
	if string(d.Body) != body || d.Redelivered != redelivered {
		t.Fatalf("got %q, redelivered %v, want %q, %v", d.Body, d.Redelivered, body, redelivered)
	}
	return d
}

// wantGet gets a message with this body, and does not ack it.
func wantGet(t *testing.T, ch *amqp.Channel, queue string, redelivered bool, body string) amqp.Delivery {
	t.Helper()
	d, ok, err := ch.Get(queue, false)
	must(t, err)
	if !ok || string(d.Body) != body || d.Redelivered != redelivered {
		t.Fatalf("got %v %q, redelivered %v, want %q, %v", ok, d.Body, d.Redelivered, body, redelivered)
	}
	return d
}

// watch returns a channel for the error that closes an AMQP channel or connection.
func watch(c interface {
	NotifyClose(chan *amqp.Error) chan *amqp.Error
}) <-chan *amqp.Error {
	return c.NotifyClose(make(chan *amqp.Error, 1))
}

// eventually waits until cond returns true. Its first result describes the current state.
func eventually(t *testing.T, what string, cond func() (state any, ok bool)) {
	t.Helper()
	for deadline := soon(); ; time.Sleep(time.Millisecond) {
		state, ok := cond()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v, but %+v", what, patience, state)
		}
	}
}

// wantQueue waits until a queue has these numbers of messages.
func wantQueue(t *testing.T, b *broker.Broker, name string, ready, unacked int) {
	t.Helper()
	eventually(t, name, func() (any, bool) {
		q, ok := queueInfo(b, name)
		return q, ok && q.Ready == ready && q.Unacked == unacked
	})
}

func queueInfo(b *broker.Broker, name string) (broker.QueueInfo, bool) {
	for _, q := range b.Queues() {
		if q.Name == name {
			return q, true
		}
	}
	return broker.QueueInfo{}, false
}

// code returns the reply code of an error, or 0.
func code(err error) int {
	var e *amqp.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: it takes about a second or longer")
	}
}
