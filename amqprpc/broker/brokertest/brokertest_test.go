package brokertest_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open connects and opens a channel.
func open(t *testing.T, url string) (*amqp.Connection, *amqp.Channel) {
	t.Helper()
	conn, err := amqp.Dial(url)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	must(t, err)
	return conn, ch
}

func TestShared(t *testing.T) {
	n := brokertest.Shared(t)
	if other := brokertest.Shared(t); other != n {
		t.Errorf("%v and %v", n, other)
	}
	conn, _ := open(t, n.URL())
	if conn.Properties["product"] != n.Product() || conn.Properties["version"] != n.Version() {
		t.Errorf("it says %v %v, the node is %s %s", conn.Properties["product"], conn.Properties["version"], n.Product(), n.Version())
	}
	example, err := brokertest.ForExamples()
	if err != nil || example != n {
		t.Errorf("for examples: %v, %v", example, err)
	}
	if all := brokertest.All(t); all[len(all)-1] != n {
		t.Errorf("%v is not the last of %v", n, all)
	}
}

// A test's own node can be alarmed, stopped, killed and started again at the same URL.
func TestOwn(t *testing.T) {
	ctx := t.Context()
	n := brokertest.Own(t)
	brokertest.NoLeaks(t)
	if n.URL() == brokertest.Shared(t).URL() {
		t.Fatal("it is the shared node")
	}
	url := n.URL()
	conn, ch := open(t, url)
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	must(t, n.RaiseMemoryAlarm(ctx))
	must(t, ch.PublishWithContext(ctx, "", "nowhere", false, false, amqp.Publishing{}))
	if b := <-blocked; !b.Active {
		t.Errorf("after RaiseMemoryAlarm: %+v", b)
	}
	must(t, n.ClearMemoryAlarm(ctx))
	if b := <-blocked; b.Active {
		t.Errorf("after ClearMemoryAlarm: %+v", b)
	}
	for name, c := range map[string]struct {
		lose func()
		code int // for clients; or 501, if the broker has gone before they answer
	}{
		"closed":  {func() { must(t, n.CloseConnections(ctx, "for a test")) }, amqp.ConnectionForced},
		"stopped": {func() { must(t, n.Stop(ctx)); must(t, n.Start(ctx)) }, amqp.ConnectionForced},
		"killed":  {func() { n.Kill(); must(t, n.Start(ctx)) }, amqp.FrameError},
	} {
		conn, _ := open(t, url)
		closed := conn.NotifyClose(make(chan *amqp.Error, 1))
		c.lose()
		if e := <-closed; e == nil || e.Code != c.code && e.Code != amqp.FrameError {
			t.Errorf("%s: %v", name, e)
		}
		if n.URL() != url {
			t.Errorf("%s: now at %s", name, n.URL())
		}
	}
}

func TestQueueName(t *testing.T) {
	valid := regexp.MustCompile(`^[A-Za-z0-9._-]{1,120}$`)
	n := brokertest.Shared(t)
	var queue string
	for _, name := range []string{"plain", "a b/c#é", strings.Repeat("long", 60)} {
		t.Run(name, func(t *testing.T) {
			queue = brokertest.QueueName(t)
			if other := brokertest.QueueName(t); !valid.MatchString(queue) || other == queue || !strings.HasPrefix(queue, "TestQueueName.") {
				t.Errorf("%q, %q", queue, other)
			}
			_, ch := open(t, n.URL())
			_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
			must(t, err)
		})
		_, ch := open(t, n.URL())
		var refused *amqp.Error
		if _, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil); !errors.As(err, &refused) || refused.Code != amqp.NotFound {
			t.Errorf("after its test, the queue: %v", err)
		}
	}
}

func TestCtl(t *testing.T) {
	t.Parallel()
	n := brokertest.Own(t)
	_, ch := open(t, n.URL())
	_, err := ch.QueueDeclare("listed", true, false, false, false, nil)
	must(t, err)
	if out := brokertest.Ctl(t, n, "list_queues", "name", "--no-table-headers"); out != "listed" {
		t.Errorf("%q", out)
	}
	if n.Product() != "RabbitMQ" {
		t.Errorf("rabbitmqctl on %s", n.Product())
	}
}
