package contract

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// patience bounds every wait. It is generous, since no test measures time.
const patience = 20 * time.Second

func soon() time.Time { return time.Now().Add(patience) }

func clientConfig() amqp.Config {
	return amqp.Config{Heartbeat: 10 * time.Second, Dial: amqp.DefaultDial(patience)}
}

// must ends the test at an error.
func (t *T) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connect opens a connection until the end of the test.
func (t *T) connect() *amqp.Connection {
	t.Helper()
	conn, err := amqp.DialConfig(t.URL, clientConfig())
	t.must(err)
	t.Cleanup(func() { _ = conn.CloseDeadline(soon()) })
	return conn
}

// channel opens a channel.
func (t *T) channel(conn *amqp.Connection) *amqp.Channel {
	t.Helper()
	ch, err := conn.Channel()
	t.must(err)
	return ch
}

// open opens a channel on a new connection.
func (t *T) open() *amqp.Channel {
	t.Helper()
	return t.channel(t.connect())
}

var notInAName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// name returns a unique queue name. The queue is deleted at the end of the test.
func (t *T) name() string {
	t.Helper()
	_, own, _ := strings.Cut(t.Name(), "/")
	name := "contract." + notInAName.ReplaceAllString(own, ".") + "-" + rand.Text()
	t.Cleanup(func() {
		ch, err := t.bystander.Channel()
		if err != nil {
			t.Errorf("delete %s: %v", name, err)
			return
		}
		// If there is no such queue, that is no error. 405 is an exclusive queue of another connection.
		if _, err := ch.QueueDelete(name, false, false, false); err != nil && code(err) != amqp.ResourceLocked {
			t.Errorf("delete %s: %v", name, err)
		}
		_ = ch.Close() // closed by a 405
	})
	return name
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
	classic   = kind{durable: true, args: amqp.Table{"x-queue-type": "classic"}}
	quorum    = kind{durable: true, args: amqp.Table{"x-queue-type": "quorum"}}
)

// isTransient reports whether it is neither durable nor exclusive.
func (k kind) isTransient() bool { return !k.durable && !k.exclusive }

// kinds are the types that most tests are for.
var kinds = []struct {
	name string
	kind kind
}{{"classic", classic}, {"quorum", quorum}}

// declareAs declares a queue.
func declareAs(ch *amqp.Channel, name string, k kind) (amqp.Queue, error) {
	return ch.QueueDeclare(name, k.durable, k.autoDelete, k.exclusive, false, k.args)
}

// declare declares a queue with a unique name and returns the name.
func (t *T) declare(ch *amqp.Channel, k kind) string {
	t.Helper()
	name := t.name()
	if _, err := declareAs(ch, name, k); err != nil {
		t.Fatalf("declare %s: %v", name, err)
	}
	return name
}

// passive declares a queue passively.
func passive(ch *amqp.Channel, name string) (amqp.Queue, error) {
	return ch.QueueDeclarePassive(name, false, false, false, false, nil)
}

// ready returns the number of ready messages in a queue.
func (t *T) ready(ch *amqp.Channel, name string) int {
	t.Helper()
	q, err := passive(ch, name)
	t.must(err)
	return q.Messages
}

// eventually waits until cond returns true. Its first result describes the current state.
func (t *T) eventually(name string, cond func() (state any, ok bool)) {
	t.Helper()
	for deadline := soon(); ; time.Sleep(2 * time.Millisecond) {
		state, ok := cond()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v, but %v", name, patience, state)
		}
	}
}

// wantReady waits until a queue has this many ready messages.
func (t *T) wantReady(ch *amqp.Channel, name string, want int) {
	t.Helper()
	t.eventually("ready messages", func() (any, bool) {
		got := t.ready(ch, name)
		return got, got == want
	})
}

// wantGone waits until there is no queue of this name.
func (t *T) wantGone(name string) {
	t.Helper()
	t.eventually("queue "+name+" gone", func() (any, bool) {
		ch := t.channel(t.bystander)
		_, err := passive(ch, name)
		_ = ch.Close() // closed by the 404
		return err, code(err) == amqp.NotFound
	})
}

// wantThere fails unless there is a queue of this name.
func (t *T) wantThere(name string) {
	t.Helper()
	ch := t.channel(t.bystander)
	defer ch.Close()
	if _, err := passive(ch, name); err != nil && code(err) != amqp.ResourceLocked {
		t.Fatalf("queue %s: %v", name, err)
	}
}

// code returns the reply code of an error that the broker sent, or 0.
func code(err error) int {
	var e *amqp.Error
	if errors.As(err, &e) && e.Server {
		return e.Code
	}
	return 0
}

// wantError fails unless err is the broker's, with this code and these words in its text.
func (t *T) wantError(err error, want int, words ...string) {
	t.Helper()
	if code(err) != want {
		t.Fatalf("got error %v, want one of the broker with code %d", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %v does not say %q", err, w)
		}
	}
}

// closing returns a channel for the error that closes an AMQP channel or connection.
func closing(c interface {
	NotifyClose(chan *amqp.Error) chan *amqp.Error
}) <-chan *amqp.Error {
	return c.NotifyClose(make(chan *amqp.Error, 1))
}

// wantClosed waits for an error from closing with this code and these words.
func (t *T) wantClosed(closed <-chan *amqp.Error, want int, words ...string) {
	t.Helper()
	err, ok := receive(t, closed)
	if !ok {
		t.Fatalf("closed without an error, want %d", want)
	}
	t.wantError(err, want, words...)
}

// receive waits for one value, or for the end of c.
func receive[V any](t *T, c <-chan V) (V, bool) {
	t.Helper()
	select {
	case v, ok := <-c:
		return v, ok
	case <-time.After(patience):
		t.Fatalf("no %T within %v", *new(V), patience)
		panic("not reached")
	}
}

// put publishes bodies to a queue and waits until they are confirmed. It puts the channel into confirm mode.
func (t *T) put(ch *amqp.Channel, queue string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		t.putMessage(ch, queue, amqp.Publishing{Body: []byte(body)})
	}
}

// putMessage publishes a message as put does.
func (t *T) putMessage(ch *amqp.Channel, queue string, m amqp.Publishing) {
	t.Helper()
	t.must(ch.Confirm(false))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", queue, false, false, m)
	t.must(err)
	if ok, err := c.WaitContext(ctx); err != nil || !ok {
		t.Fatalf("publish to %s: confirmed %v, %v", queue, ok, err)
	}
}

// consume starts a consumer that needs acks.
func (t *T) consume(ch *amqp.Channel, queue string) <-chan amqp.Delivery {
	t.Helper()
	return t.consumeAs(ch, queue, "")
}

// consumeAs is consume with this tag.
func (t *T) consumeAs(ch *amqp.Channel, queue, tag string) <-chan amqp.Delivery {
	t.Helper()
	deliveries, err := ch.Consume(queue, tag, false, false, false, false, nil)
	t.must(err)
	return deliveries
}

// next waits for a delivery.
func (t *T) next(deliveries <-chan amqp.Delivery) amqp.Delivery {
	t.Helper()
	d, ok := receive(t, deliveries)
	if !ok {
		t.Fatal("the consumer ended, want a delivery")
	}
	return d
}

// wantNext waits for deliveries with these bodies, in this order, and returns them.
func (t *T) wantNext(deliveries <-chan amqp.Delivery, redelivered bool, bodies ...string) []amqp.Delivery {
	t.Helper()
	var got []amqp.Delivery
	for i, body := range bodies {
		d := t.next(deliveries)
		got = append(got, d)
		if string(d.Body) != body || d.Redelivered != redelivered {
			t.Fatalf("delivery %d of %d: %q, redelivered %v, want %q, %v", i+1, len(bodies), d.Body, d.Redelivered, body, redelivered)
		}
	}
	return got
}

// get gets a message, which stays unacked.
func (t *T) get(ch *amqp.Channel, queue string) amqp.Delivery {
	t.Helper()
	d, ok, err := ch.Get(queue, false)
	t.must(err)
	if !ok {
		t.Fatalf("basic.get from %s: empty", queue)
	}
	return d
}

// wantEmpty fails unless a queue has nothing to get.
func (t *T) wantEmpty(ch *amqp.Channel, queue string) {
	t.Helper()
	d, ok, err := ch.Get(queue, false)
	t.must(err)
	if ok {
		t.Fatalf("basic.get from %s: %q, want nothing", queue, d.Body)
	}
}

// bodies returns the numbers from first to last as message bodies.
func bodies(first, last int) (all []string) {
	for i := first; i <= last; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return all
}
