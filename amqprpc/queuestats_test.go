package amqprpc_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// A dialer counts the connections and the channels that are opened, and refuses connections if it is told to.
type dialer struct {
	dialled, channels atomic.Int64
	refuse            atomic.Bool
}

var errRefused = errors.New("no more connections")

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.refuse.Load() {
		return nil, errRefused
	}
	d.dialled.Add(1)
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return channelCounter{conn, &d.channels}, err
}

type channelCounter struct {
	net.Conn
	channels *atomic.Int64
}

func (c channelCounter) Write(p []byte) (int, error) {
	const open = "\x00\x00\x00\x05\x00\x14\x00\x0a\x00" // the size of channel.open, its class and its method
	c.channels.Add(int64(bytes.Count(p, []byte(open))))
	return c.Conn.Write(p)
}

// A question opens no channel, but for the first one and one after an answer that has closed it.
func TestQueueStatsKeepsItsChannel(t *testing.T) {
	brokertest.NoLeaks(t)
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	var d dialer
	b := at(url)
	b.Dial = d.dial
	c := dial(t, amqprpc.Config{ConnConfig: b, Queue: queue})
	ask := func(want error, queue string, times int, connections, channels int64) {
		t.Helper()
		beforeConnections, beforeChannels := d.dialled.Load(), d.channels.Load()
		for range times {
			if _, err := c.QueueStats(t.Context(), queue); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", queue, err, want)
			}
		}
		if n := d.dialled.Load() - beforeConnections; n != connections {
			t.Errorf("%d questions about %s opened %d connections, want %d", times, queue, n, connections)
		}
		if n := d.channels.Load() - beforeChannels; n != channels {
			t.Errorf("%d questions about %s opened %d channels, want %d", times, queue, n, channels)
		}
	}
	ask(nil, callbackQueue(c), 10, 0, 0)
	ask(nil, queue, 10, 1, 1)
	ask(amqprpc.ErrUnroutable, queue+"-missing", 3, 0, 2)
	ask(nil, queue, 10, 0, 1)
}

// Of a queue that is exclusive to another connection it is known that it has an owner. A call to its server goes on
// meanwhile.
func TestQueueStatsOfAnExclusiveQueue(t *testing.T) {
	url := brokertest.Shared(t).URL()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: q.Name, Observer: observed})
	call := c.Go(t.Context(), amqprpc.Request{})
	for range 3 {
		_, err := c.QueueStats(t.Context(), q.Name)
		wantIs(t, err, amqprpc.ErrExclusive)
		wantIsNot(t, err, amqprpc.ErrUnroutable, amqprpc.ErrConnectionLost)
	}
	request, ok, err := ch.Get(q.Name, true)
	if err != nil || !ok {
		t.Fatalf("the request: %v, %v", ok, err)
	}
	if err := ch.Publish("", request.ReplyTo, false, false, amqp.Publishing{CorrelationId: request.CorrelationId}); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Result(); err != nil {
		t.Error(err)
	}
	observed.until(t, "no connection lost", func(t *tally) bool { return t.kinds[amqprpc.EventDisconnected] == 0 })
}

// If the connection for questions cannot be had, the error says why, and calls go on.
func TestQueueStatsWithoutAConnection(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	serve(t, &amqprpc.Server{ConnConfig: at(url), Queue: queue})
	var d dialer
	b := at(url)
	b.Dial = d.dial
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: b, Queue: queue, Observer: observed})
	d.refuse.Store(true)
	for range 3 {
		_, err := c.QueueStats(t.Context(), queue)
		wantIs(t, err, errRefused)
		wantIsNot(t, err, amqprpc.ErrConnectionLost, amqprpc.ErrUnroutable)
		if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
			t.Error(err)
		}
	}
	d.refuse.Store(false)
	if stats, err := c.QueueStats(t.Context(), queue); err != nil || stats.Consumers != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
}

// RabbitMQ closes a connection that opens a channel beyond the user's max-channels: that costs a question its
// answer, and no call.
func TestQueueStatsAtTheChannelLimit(t *testing.T) {
	t.Parallel()
	node := limitedNode(t)
	const queue, user = "channel limit", "dan"
	addUsers(t, node, map[string]permissions{user: {".*", ".*", ".*"}})
	serve(t, &amqprpc.Server{ConnConfig: at(node.URL()), Queue: queue})
	observed := newTally()
	c := dial(t, amqprpc.Config{ConnConfig: as(node, user), Queue: queue, Observer: observed})
	if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
		t.Fatal(err)
	}
	brokertest.Ctl(t, node, "set_user_limits", user, `{"max-channels": 1}`)
	for range 3 {
		_, err := c.QueueStats(t.Context(), queue)
		if err == nil || !strings.Contains(err.Error(), "maximum allowed user limit") {
			t.Errorf("at the limit: %v", err)
		}
		wantIsNot(t, err, amqprpc.ErrConnectionLost, amqprpc.ErrUnroutable)
		if _, err := c.QueueStats(t.Context(), callbackQueue(c)); err != nil {
			t.Errorf("the callback queue: %v", err)
		}
		if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
			t.Error(err)
		}
	}
	brokertest.Ctl(t, node, "clear_user_limits", user, "all")
	if stats, err := c.QueueStats(t.Context(), queue); err != nil || stats.Consumers != 1 {
		t.Errorf("without a limit: %+v, %v", stats, err)
	}
	if n := observed.count(func(t *tally) int { return t.kinds[amqprpc.EventDisconnected] }); n != 0 {
		t.Errorf("%d connections lost", n)
	}
}
