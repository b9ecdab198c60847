package contract

import (
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var consumeTests = []test{
	{"ConsumeOrder", consumeOrder},
	{"ConsumeRoundRobin", consumeRoundRobin},
	{"ConsumeOkBeforeDeliveries", consumeOkBeforeDeliveries},
	{"ConsumerTags", consumerTags},
	{"ConsumerTagTwice", consumerTagTwice},
	{"ConsumeMissing", consumeMissing},
	{"ConsumeExclusive", consumeExclusive},
	{"ConsumeNoLocal", consumeNoLocal},
	{"CancelStopsDeliveries", cancelStopsDeliveries},
	{"CancelUnknown", cancelUnknown},
	{"CancelNotifyUnwanted", cancelNotifyUnwanted},
	{"AutoAck", autoAck},
	{"Get", get},
}

func consumeOrder(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 20)...)
		deliveries := t.consumeAs(ch, queue, "tag")
		for i, d := range t.wantNext(deliveries, false, bodies(1, 20)...) {
			if d.DeliveryTag != uint64(i+1) || d.ConsumerTag != "tag" || d.Exchange != "" || d.RoutingKey != queue {
				t.Errorf("delivery %d: tag %d to %q from exchange %q by %q", i+1, d.DeliveryTag, d.ConsumerTag, d.Exchange, d.RoutingKey)
			}
		}
		t.put(ch, queue, bodies(21, 25)...)
		t.wantNext(deliveries, false, bodies(21, 25)...)
	}
}

// Messages are delivered round-robin, to consumers of one channel or of several.
func consumeRoundRobin(t *T) {
	conn := t.connect()
	ch, other := t.channel(conn), t.open()
	queue := t.declare(ch, durable)
	consumers := []<-chan amqp.Delivery{t.consume(ch, queue), t.consume(other, queue), t.consume(ch, queue)}
	for range 4 {
		t.put(ch, queue, bodies(1, len(consumers))...)
		for _, deliveries := range consumers {
			d := t.next(deliveries) // one for each consumer
			t.must(d.Ack(false))
		}
	}
	t.wantReady(ch, queue, 0)
}

// No delivery comes before consume-ok.
func consumeOkBeforeDeliveries(t *T) {
	p := t.login()
	queue := p.declare(1)
	for range 5 {
		p.publish(1, queue, "message")
	}
	call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, NoAck: true})
	for range 5 {
		expect[*wire.BasicDeliver](p, 1)
		p.content(1, int(modest.frameMax))
	}
	// With no-wait the first frame is a delivery.
	p = t.login()
	queue = p.declare(1)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	p.publish(1, queue, "message")
	expect[*wire.BasicAck](p, 1)
	p.send(1, &wire.BasicConsume{Queue: queue, ConsumerTag: "mine", NoAck: true, NoWait: true})
	if m := expect[*wire.BasicDeliver](p, 1); m.ConsumerTag != "mine" {
		t.Errorf("got %s, want it for mine", describe(m))
	}
	p.content(1, int(modest.frameMax))
}

// A consumer without a tag gets a unique one.
func consumerTags(t *T) {
	p := t.login()
	queue := p.declare(1)
	seen := map[string]bool{}
	for range 3 {
		m := call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue})
		if !strings.HasPrefix(m.ConsumerTag, "amq.ctag-") || seen[m.ConsumerTag] {
			t.Errorf("the server made tag %q; before: %v", m.ConsumerTag, seen)
		}
		seen[m.ConsumerTag] = true
	}
	for _, tag := range []string{"tag", strings.Repeat("t", 255), "☃ tag"} {
		if m := call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, ConsumerTag: tag}); m.ConsumerTag != tag {
			t.Errorf("tag %q became %q", tag, m.ConsumerTag)
		}
	}
	// The same tag on another channel is another consumer.
	call[*wire.ChannelOpenOk](p, 2, &wire.ChannelOpen{})
	call[*wire.BasicConsumeOk](p, 2, &wire.BasicConsume{Queue: queue, ConsumerTag: "tag"})
	call[*wire.BasicCancelOk](p, 2, &wire.BasicCancel{ConsumerTag: "tag"})
	// A tag can be used again after a cancel.
	call[*wire.BasicConsumeOk](p, 2, &wire.BasicConsume{Queue: queue, ConsumerTag: "tag"})
}

func consumerTagTwice(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, ConsumerTag: "tag"})
	p.send(1, &wire.BasicConsume{Queue: queue, ConsumerTag: "tag"})
	t.wantOutcome("a tag twice", p.outcomeOf(0, nil), closeWith(530, 60, 20))
}

func consumeMissing(t *T) {
	name := t.name()
	_, err := t.open().Consume(name, "", false, false, false, false, nil)
	t.wantError(err, amqp.NotFound, "NOT_FOUND - no queue '"+name+"' in vhost '")
	_, _, err = t.open().Get(name, false)
	t.wantError(err, amqp.NotFound, "NOT_FOUND - no queue '"+name+"' in vhost '")
}

// An exclusive consumer must be the only one.
func consumeExclusive(t *T) {
	conn := t.connect()
	ch := t.channel(conn)
	queue := t.declare(ch, durable)
	consume := func(ch *amqp.Channel, exclusive bool) error {
		_, err := ch.Consume(queue, "tag", false, exclusive, false, false, nil)
		return err
	}
	t.must(consume(ch, true))
	for _, exclusive := range []bool{true, false} {
		t.wantError(consume(t.channel(conn), exclusive), amqp.AccessRefused, "ACCESS_REFUSED - queue '"+queue+"' in vhost '", "' in exclusive use")
	}
	t.must(ch.Cancel("tag", false))
	t.must(consume(ch, false))
	t.wantError(consume(t.channel(conn), true), amqp.AccessRefused, "' in exclusive use")
	t.must(consume(t.channel(conn), false))
}

// RabbitMQ ignores no-local: a connection gets its own messages.
func consumeNoLocal(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, NoLocal: true, NoAck: true})
	p.publish(1, queue, "message")
	expect[*wire.BasicDeliver](p, 1)
}

// After cancel-ok nothing is delivered. Unacked messages stay unacked.
func cancelStopsDeliveries(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 2)...)
		deliveries := t.consumeAs(ch, queue, "tag")
		two := t.wantNext(deliveries, false, "1", "2")
		t.must(ch.Cancel("tag", false))
		t.put(ch, queue, "3")
		t.wantReady(ch, queue, 1)
		if d, ok := receive(t, deliveries); ok {
			t.Errorf("a delivery after the end of the consumer: %q", d.Body)
		}
		t.must(two[0].Ack(false))
		t.must(two[1].Nack(false, true))
		t.wantReady(ch, queue, 2)
	}
}

func cancelUnknown(t *T) {
	p := t.login()
	for range 2 {
		if m := call[*wire.BasicCancelOk](p, 1, &wire.BasicCancel{ConsumerTag: "nobody"}); m.ConsumerTag != "nobody" {
			t.Errorf("got %s", describe(m))
		}
	}
	p.send(1, &wire.BasicCancel{ConsumerTag: "nobody", NoWait: true})
	t.wantOutcome("cancel", p.outcome(), goesOn)
}

// The broker sends basic.cancel only to clients with the capability.
func cancelNotifyUnwanted(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	told := t.loginWith(modest, amqp.Table{"consumer_cancel_notify": true})
	untold := t.login()
	for _, p := range []*peer{told, untold} {
		call[*wire.BasicConsumeOk](p, 1, &wire.BasicConsume{Queue: queue, ConsumerTag: "tag"})
	}
	_, err := ch.QueueDelete(queue, false, false, false)
	t.must(err)
	if m := expect[*wire.BasicCancel](told, 1); m.ConsumerTag != "tag" || !m.NoWait {
		t.Errorf("got %s, want it about tag, with no-wait", describe(m))
	}
	// The next frame is the answer to this method.
	call[*wire.BasicQosOk](untold, 1, &wire.BasicQos{PrefetchCount: 1})
}

// With no-ack a message is acked when it is delivered.
func autoAck(t *T) {
	c := t.cutter()
	ch, other := t.channel(c.conn), t.open()
	queue := t.declare(other, durable)
	t.must(ch.Qos(1, 0, false)) // has no effect
	t.put(other, queue, bodies(1, 50)...)
	deliveries, err := ch.Consume(queue, "", true, false, false, false, nil)
	t.must(err)
	t.wantNext(deliveries, false, bodies(1, 50)...)
	c.cut(t, true)
	t.eventually("no consumer", func() (any, bool) {
		q, err := passive(other, queue)
		t.must(err)
		return q, q.Consumers == 0
	})
	t.wantEmpty(other, queue)

	p := t.login()
	own := p.declare(1)
	p.publish(1, own, "message")
	t.eventually("a message", func() (any, bool) {
		p.send(1, &wire.BasicGet{Queue: own, NoAck: true})
		m := p.method(1)
		if _, ok := m.(*wire.BasicGetOk); ok {
			p.content(1, int(modest.frameMax))
			return nil, true
		}
		return describe(m), false
	})
	p.send(1, &wire.BasicAck{DeliveryTag: 1})
	t.wantOutcome("an ack of what was acked automatically", p.outcomeOf(0, nil), "channel close 406 about 60.80")
}

func get(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.wantEmpty(ch, queue)
		t.put(ch, queue, bodies(1, 3)...)
		t.wantReady(ch, queue, 3)
		for i, autoAck := range []bool{true, false, false} {
			d, ok, err := ch.Get(queue, autoAck)
			t.must(err)
			if !ok || string(d.Body) != fmt.Sprint(i+1) || d.MessageCount != uint32(2-i) || d.DeliveryTag != uint64(i+1) ||
				d.Redelivered || d.Exchange != "" || d.RoutingKey != queue {
				t.Errorf("get %d: %v, %q with tag %d, %d more, redelivered %v, from exchange %q by %q",
					i+1, ok, d.Body, d.DeliveryTag, d.MessageCount, d.Redelivered, d.Exchange, d.RoutingKey)
			}
		}
		t.wantEmpty(ch, queue)
		t.must(ch.Nack(3, true, true))
		t.wantReady(ch, queue, 2)
	}
}
