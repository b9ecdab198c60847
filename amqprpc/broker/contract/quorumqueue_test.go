package contract

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Features of quorum queues only. Most of the suite runs on both types.
var quorumTests = []test{
	{"QuorumDeliveryCount", quorumDeliveryCount},
	{"QuorumTransientMessages", quorumTransientMessages},
}

// A quorum queue counts in a header how often a message was requeued.
func quorumDeliveryCount(t *T) {
	const header = "x-delivery-count"
	ch := t.open()
	queue := t.declare(ch, quorum)
	t.putMessage(ch, queue, amqp.Publishing{Headers: amqp.Table{"mine": "kept"}, Body: []byte("message")})
	look := func(d amqp.Delivery, want int) {
		t.Helper()
		n, there := d.Headers[header]
		if d.Redelivered != (want > 0) || d.Headers["mine"] != "kept" || there != (want > 0) || there && fmt.Sprint(n) != fmt.Sprint(want) {
			t.Errorf("redelivered %v with headers %v, want %s %d", d.Redelivered, d.Headers, header, want)
		}
	}
	deliveries := t.consume(ch, queue)
	d := t.next(deliveries)
	look(d, 0)
	t.must(d.Reject(true))
	d = t.next(deliveries)
	look(d, 1)
	t.must(d.Reject(true))
	d = t.next(deliveries)
	look(d, 2)
	t.must(d.Ack(false))

	c := t.cutter()
	other := t.channel(c.conn)
	t.putMessage(ch, queue, amqp.Publishing{Headers: amqp.Table{"mine": "kept"}, Body: []byte("message")})
	look(t.next(deliveries), 0)
	fromOther := t.consume(other, queue)
	t.must(ch.Close())
	d = t.next(fromOther)
	look(d, 1)
	ch = t.open()
	deliveries = t.consume(ch, queue)
	c.cut(t, true)
	look(t.next(deliveries), 2)
}

// A quorum queue keeps all messages, and does not change their delivery mode.
func quorumTransientMessages(t *T) {
	ch := t.open()
	queue := t.declare(ch, quorum)
	for _, mode := range []uint8{0, amqp.Transient, amqp.Persistent} {
		t.putMessage(ch, queue, amqp.Publishing{DeliveryMode: mode})
		if d := t.get(ch, queue); d.DeliveryMode != mode {
			t.Errorf("delivery mode %d comes as %d", mode, d.DeliveryMode)
		}
	}
}
