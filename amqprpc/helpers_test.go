package amqprpc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

func TestMain(m *testing.M) {
	code := brokertest.Main(m)
	if err := closeLimitedNode(); err != nil {
		fmt.Fprintln(os.Stderr, "close the limited node:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// testTimeout bounds each wait for an event that must happen.
const testTimeout = 30 * time.Second

func echo(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	return amqprpc.Response{Body: req.Body, ContentType: req.ContentType}, nil
}

// onConnect returns an observer that calls f for each connection, and then passes all on to next, which may be nil.
func onConnect(next amqprpc.Observer, f func(amqprpc.ConnectionInfo)) amqprpc.Observer {
	return amqprpc.ObserverFunc(func(e amqprpc.Event) {
		if e.Kind == amqprpc.EventConnected {
			f(*e.Connection)
		}
		if next != nil {
			next.Observe(e)
		}
	})
}

// serve starts a server and waits until it consumes. The test's end shuts it down.
func serve(t testing.TB, s *amqprpc.Server) *amqprpc.Server {
	t.Helper()
	serving := make(chan struct{}, 100)
	s.Observer = onConnect(s.Observer, func(amqprpc.ConnectionInfo) { serving <- struct{}{} })
	ended := begin(t, s)
	select {
	case <-serving:
	case err := <-ended:
		t.Fatalf("serve: %v", err)
	case <-time.After(testTimeout):
		t.Fatal("the server does not consume")
	}
	return s
}

// begin starts a server and returns the result of Serve. The test's end shuts it down.
func begin(t testing.TB, s *amqprpc.Server) <-chan error {
	t.Helper()
	if s.Handler == nil {
		s.Handler = echo
	}
	if s.QueueType == "" {
		s.QueueType = amqprpc.QueueClassic
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return ended
}

func dial(t testing.TB, cfg amqprpc.Config) *amqprpc.Client {
	t.Helper()
	c, err := amqprpc.Dial(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func at(url string) amqprpc.ConnConfig { return amqprpc.ConnConfig{URLs: []string{url}} }

// A tally is an observer that checks the conservation laws after every event.
type tally struct {
	mu      sync.Mutex
	changed *sync.Cond
	kinds   map[amqprpc.EventKind]int
	classes map[amqprpc.Class]int
	ended   map[amqprpc.Outcome]int
	flying  map[string]bool
	events  []amqprpc.Event // of calls whose story is kept
	keep    bool
	broken  []string
}

func newTally() *tally {
	t := &tally{
		kinds: map[amqprpc.EventKind]int{}, classes: map[amqprpc.Class]int{},
		ended: map[amqprpc.Outcome]int{}, flying: map[string]bool{},
	}
	t.changed = sync.NewCond(&t.mu)
	return t
}

func (t *tally) Observe(e amqprpc.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.changed.Broadcast()
	t.kinds[e.Kind]++
	if t.keep {
		if e.Message != nil {
			m := *e.Message
			e.Message = &m
		}
		t.events = append(t.events, e)
	}
	end := func() {
		if !t.flying[e.ID] {
			t.broken = append(t.broken, fmt.Sprintf("%s ended, which was not in flight: %v %v", e.ID, e.Kind, e.Outcome))
		}
		delete(t.flying, e.ID)
		t.ended[e.Outcome]++
	}
	switch e.Kind {
	case amqprpc.EventSent:
		if t.flying[e.ID] {
			t.broken = append(t.broken, e.ID+" sent twice")
		}
		t.flying[e.ID] = true
	case amqprpc.EventFailed:
		end()
	case amqprpc.EventReply:
		t.classes[e.Class]++
		if e.Class == amqprpc.NoClass || e.Message == nil || e.Message.CorrelationID != e.ID {
			t.broken = append(t.broken, fmt.Sprintf("a reply of class %q, ID %q, message %v", e.Class, e.ID, e.Message))
		}
		if e.Class == amqprpc.Answer {
			end()
		}
	}
	total := 0
	for _, n := range t.ended {
		total += n
	}
	if t.kinds[amqprpc.EventSent] != total+len(t.flying) {
		t.broken = append(t.broken, fmt.Sprintf("sent %d, ended %d, in flight %d", t.kinds[amqprpc.EventSent], total, len(t.flying)))
	}
	if t.classes[amqprpc.Answer] != t.ended[amqprpc.Completed]+t.ended[amqprpc.Remote] {
		t.broken = append(t.broken, "answers are not completed + remote")
	}
}

// check fails the test if a law was broken.
func (t *tally) check(tb testing.TB) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, b := range t.broken {
		if i == 5 {
			break
		}
		tb.Errorf("law broken: %s", b)
	}
}

// until waits until the condition holds. It is checked after each event.
func (t *tally) until(tb testing.TB, what string, holds func(*tally) bool) {
	tb.Helper()
	late := false
	timer := time.AfterFunc(testTimeout, func() {
		t.mu.Lock()
		late = true
		t.mu.Unlock()
		t.changed.Broadcast()
	})
	defer timer.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for !holds(t) {
		if late {
			tb.Fatalf("never: %s; kinds %v, classes %v, outcomes %v", what, t.kinds, t.classes, t.ended)
		}
		t.changed.Wait()
	}
}

func (t *tally) count(f func(*tally) int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f(t)
}

func wantIs(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error %q (%T) is not %q", err, err, target)
		}
	}
}

func wantIsNot(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if errors.Is(err, target) {
			t.Errorf("error %q (%T) is %q", err, err, target)
		}
	}
}

// declare makes a classic durable queue.
func declare(t testing.TB, url, queue string) {
	t.Helper()
	withChannel(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
		return err
	})
}

func withChannel(t testing.TB, url string, f func(*amqp.Channel) error) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := f(ch); err != nil {
		t.Fatal(err)
	}
}

// openChannel opens a channel for messages of neither a Client nor a Server. It is closed with the test.
func openChannel(t testing.TB, url string) *amqp.Channel {
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
	shut := ch.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		if why := <-shut; why != nil {
			t.Errorf("the broker has closed the test's channel: %v", why)
		}
	}()
	return ch
}

// send publishes through the default exchange.
func send(t testing.TB, ch *amqp.Channel, key string, p amqp.Publishing) {
	t.Helper()
	if err := ch.PublishWithContext(context.Background(), "", key, false, false, p); err != nil {
		t.Fatal(err)
	}
}

// consume returns the messages of a queue, acked at once.
func consume(t testing.TB, ch *amqp.Channel, queue string) <-chan amqp.Delivery {
	t.Helper()
	deliveries, err := ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return deliveries
}

// next returns the next value of a channel.
func next[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("the channel of %T is closed", v)
		}
		return v
	case <-time.After(testTimeout):
		t.Fatalf("no %T came", *new(T))
	}
	panic("unreachable")
}

// within fails the test if f takes longer than testTimeout.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(testTimeout):
		t.Fatalf("%s is stuck", what)
	}
}

// story returns the events with this ID so far.
func (t *tally) story(id string) []amqprpc.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	var events []amqprpc.Event
	for _, e := range t.events {
		if e.ID == id {
			events = append(events, e)
		}
	}
	return events
}

// newStoryTally makes a tally that keeps events.
func newStoryTally() *tally {
	t := newTally()
	t.keep = true
	return t
}

func replies(class amqprpc.Class, n int) func(*tally) bool {
	return func(t *tally) bool { return t.classes[class] >= n }
}

func seen(kind amqprpc.EventKind, n int) func(*tally) bool {
	return func(t *tally) bool { return t.kinds[kind] >= n }
}

// asCall returns the CallError in err.
func asCall(t testing.TB, err error) *amqprpc.CallError {
	t.Helper()
	var e *amqprpc.CallError
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is no CallError", err, err)
	}
	return e
}

// callbackQueue returns the name of the client's callback queue, or "" while it is disconnected.
func callbackQueue(c *amqprpc.Client) string {
	info, _ := c.Connection()
	return info.Queue
}

// meta returns the content of a reply's header x-rpc.
func meta(d amqp.Delivery) amqprpc.Meta {
	value, _ := d.Headers[amqprpc.HeaderRPC].(string)
	return amqprpc.ParseMeta(value)
}
