package contract

import (
	"net"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// Auto-delete and exclusive queues.
var lifetimeTests = []test{
	{"AutoDelete", autoDelete},
	{"AutoDeleteWithoutConsumer", autoDeleteWithoutConsumer},
	{"ExclusiveGoesWithConnection", exclusiveGoesWithConnection},
	{"OthersStay", othersStay},
	{"SlowReader", slowReader},
}

// endings are the ways in which a channel or a connection ends.
var endings = []struct {
	name       string
	connection bool // the connection ends, too
	end        func(t *T, ch *amqp.Channel, c *cutter)
}{
	{"channel closed", false, func(t *T, ch *amqp.Channel, _ *cutter) { t.must(ch.Close()) }},
	{"channel error", false, func(t *T, ch *amqp.Channel, _ *cutter) {
		_, err := passive(ch, t.name())
		t.wantError(err, amqp.NotFound)
	}},
	{"connection closed", true, func(t *T, _ *amqp.Channel, c *cutter) { t.must(c.conn.CloseDeadline(soon())) }},
	{"connection error", true, func(t *T, ch *amqp.Channel, c *cutter) {
		closed := closing(c.conn)
		t.must(ch.PublishWithContext(t.Context(), "", "", false, true, amqp.Publishing{})) // immediate
		t.wantClosed(closed, amqp.NotImplemented)
	}},
	{"connection cut", true, func(t *T, _ *amqp.Channel, c *cutter) { c.cut(t, false) }},
	{"connection reset", true, func(t *T, _ *amqp.Channel, c *cutter) { c.cut(t, true) }},
}

// A cutter is a connection whose socket can be closed.
type cutter struct {
	conn *amqp.Connection
	tcp  *net.TCPConn
}

func (t *T) cutter() *cutter {
	t.Helper()
	c := &cutter{}
	cfg := clientConfig()
	dial := cfg.Dial
	cfg.Dial = func(network, addr string) (net.Conn, error) {
		conn, err := dial(network, addr)
		if err == nil {
			c.tcp = conn.(*net.TCPConn)
		}
		return conn, err
	}
	var err error
	c.conn, err = amqp.DialConfig(t.URL, cfg)
	t.must(err)
	t.Cleanup(func() { _ = c.conn.CloseDeadline(soon()) })
	return c
}

// cut closes the socket, by a reset (RST) or an end (FIN).
func (c *cutter) cut(t *T, reset bool) {
	t.Helper()
	if reset {
		t.must(c.tcp.SetLinger(0))
	}
	t.must(c.tcp.Close())
}

// An auto-delete queue is deleted with its last consumer.
func autoDelete(t *T) {
	type ending struct {
		name string
		end  func(t *T, ch *amqp.Channel, c *cutter)
	}
	all := []ending{{"consumer cancelled", func(t *T, ch *amqp.Channel, _ *cutter) { t.must(ch.Cancel("last", false)) }}}
	for _, e := range endings {
		all = append(all, ending{e.name, e.end})
	}
	for _, e := range all {
		t.Log(e.name)
		c := t.cutter()
		ch, other := t.channel(c.conn), t.open()
		queue := t.declare(ch, kind{durable: true, autoDelete: true})
		t.put(ch, queue, "message")
		t.consumeAs(ch, queue, "last")
		t.consumeAs(other, queue, "first")
		t.must(other.Cancel("first", false))
		t.wantThere(queue)
		e.end(t, ch, c)
		t.wantGone(queue)
	}
}

func autoDeleteWithoutConsumer(t *T) {
	conn := t.connect()
	ch := t.channel(conn)
	queue := t.declare(ch, kind{durable: true, autoDelete: true})
	t.put(ch, queue, "message")
	t.must(t.get(ch, queue).Ack(false)) // basic.get makes no consumer
	t.must(ch.Close())
	t.must(conn.CloseDeadline(soon()))
	t.wantThere(queue)
}

// An exclusive queue is deleted when its connection ends, in whatever way, but not when a channel ends.
func exclusiveGoesWithConnection(t *T) {
	for _, e := range endings {
		t.Log(e.name)
		c := t.cutter()
		ch, second := t.channel(c.conn), t.channel(c.conn)
		queue := t.declare(ch, exclusive)
		q, err := declareAs(ch, "", exclusive)
		t.must(err)
		e.end(t, ch, c)
		if e.connection {
			t.wantGone(queue)
			t.wantGone(q.Name)
			continue
		}
		t.put(second, queue, "still there")
		t.must(t.get(second, queue).Ack(false))
	}
}

func othersStay(t *T) {
	all := map[string]kind{"durable": durable, "quorum": quorum}
	if t.takesTransient() {
		all["transient"] = transient
	}
	for name, k := range all {
		t.Log(name)
		c := t.cutter()
		ch := t.channel(c.conn)
		queue := t.declare(ch, k)
		t.put(ch, queue, "message")
		t.must(c.conn.CloseDeadline(soon()))
		t.wantReady(t.channel(t.bystander), queue, 1)
	}
}

// A client that does not read does not disturb others. After its end, its unacked messages are delivered to them.
func slowReader(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	const n = 24 // MiB: more than the buffers between two sockets
	p := t.login()
	call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, ConsumerTag: "slow"})
	body := string(noise(1 << 20))
	for range n {
		t.put(ch, queue, body)
	}
	// RabbitMQ sends all of them. Another broker may limit its buffer for a connection.
	t.eventually("some are on their way", func() (any, bool) {
		ready := t.ready(ch, queue)
		return ready, ready < n
	})
	t.bystanderIsWell()
	t.must(p.conn.Close())
	t.wantReady(ch, queue, n)
	if d := t.get(ch, queue); string(d.Body) != body || !d.Redelivered {
		t.Errorf("got another body of %d octets, redelivered %v", len(d.Body), d.Redelivered)
	}
}
