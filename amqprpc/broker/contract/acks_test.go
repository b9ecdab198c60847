package contract

import (
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var ackTests = []test{
	{"Ack", ack},
	{"AckMultiple", ackMultiple},
	{"AckUnknown", ackUnknown},
	{"AckTagsArePerChannel", ackTagsArePerChannel},
	{"NackDrops", nackDrops},
}

func ack(t *T) {
	for _, k := range kinds {
		c := t.cutter()
		ch, other := t.channel(c.conn), t.open()
		queue := t.declare(other, k.kind)
		t.put(other, queue, bodies(1, 4)...)
		four := t.wantNext(t.consume(ch, queue), false, bodies(1, 4)...)
		t.must(four[2].Ack(false))
		t.must(four[0].Ack(false))
		t.must(ch.Close())
		t.wantReady(other, queue, 2)
		for _, want := range []string{"2", "4"} {
			if d := t.get(other, queue); string(d.Body) != want {
				t.Errorf("%s: got %q back, want %s", k.name, d.Body, want)
			}
		}
	}
}

func ackMultiple(t *T) {
	for _, k := range kinds {
		for _, c := range []struct {
			name  string
			first func(ch *amqp.Channel) error
			left  []string
		}{
			{"ack 3 multiple", func(ch *amqp.Channel) error { return ch.Ack(3, true) }, []string{"4", "5"}},
			{"ack 0 multiple", func(ch *amqp.Channel) error { return ch.Ack(0, true) }, nil},
			{"nack 3 multiple", func(ch *amqp.Channel) error { return ch.Nack(3, true, false) }, []string{"4", "5"}},
			{"nack 0 multiple", func(ch *amqp.Channel) error { return ch.Nack(0, true, false) }, nil},
			{"nack 4 multiple requeue", func(ch *amqp.Channel) error { return ch.Nack(4, true, true) }, bodies(1, 5)},
			{"ack 2, 4 multiple", func(ch *amqp.Channel) error {
				if err := ch.Ack(2, false); err != nil {
					return err
				}
				return ch.Ack(4, true)
			}, []string{"5"}},
		} {
			t.Log(k.name, c.name)
			ch, other := t.open(), t.open()
			queue := t.declare(other, k.kind)
			t.put(other, queue, bodies(1, 5)...)
			t.wantReady(other, queue, 5)
			for range 5 {
				t.get(ch, queue)
			}
			t.must(c.first(ch))
			t.must(ch.Close())
			t.wantReady(other, queue, len(c.left))
			var got []string
			for range c.left {
				got = append(got, string(t.get(other, queue).Body))
			}
			if k.name == "quorum" {
				slices.Sort(got) // the order of its requeued messages is undefined
			}
			if !slices.Equal(got, c.left) {
				t.Errorf("%s, %s: got %v back, want %v", k.name, c.name, got, c.left)
			}
		}
	}
	// Acking all of no messages is no error.
	ch := t.open()
	t.must(ch.Ack(0, true))
	t.must(ch.Nack(0, true, true))
	t.declare(ch, exclusive)
}

// An ack of an unknown tag, or a second ack, closes the channel.
func ackUnknown(t *T) {
	for _, c := range []struct {
		name   string
		tag    uint64
		method wire.Method
	}{
		{"ack of what never was", 5, &wire.BasicAck{DeliveryTag: 5}},
		{"ack 0, not multiple", 0, &wire.BasicAck{}},
		{"ack twice", 1, &wire.BasicAck{DeliveryTag: 1}},
		{"ack twice, multiple", 1, &wire.BasicAck{DeliveryTag: 1, Multiple: true}},
		{"ack above, multiple", 5, &wire.BasicAck{DeliveryTag: 5, Multiple: true}},
		{"nack", 5, &wire.BasicNack{DeliveryTag: 5}},
		{"nack twice", 1, &wire.BasicNack{DeliveryTag: 1, Requeue: true}},
		{"nack above, multiple", 5, &wire.BasicNack{DeliveryTag: 5, Multiple: true}},
		{"reject", 5, &wire.BasicReject{DeliveryTag: 5}},
		{"reject twice", 1, &wire.BasicReject{DeliveryTag: 1}},
	} {
		p := t.login()
		queue := p.declare(1)
		call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
		for range 2 {
			p.publish(1, queue, "message")
			expect[*wire.BasicAck](p, 1)
			call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue})
			p.content(1, int(modest.frameMax))
		}
		p.send(1, &wire.BasicAck{DeliveryTag: 1})
		m := call[*wire.ChannelClose](p, 1, c.method)
		class, method := wire.ID(c.method)
		if want := fmt.Sprintf("PRECONDITION_FAILED - unknown delivery tag %d", c.tag); m.ReplyCode != 406 ||
			m.ClassID != class || m.MethodID != method || m.ReplyText != want {
			t.Errorf("%s: got %s, want 406 %q about it", c.name, describe(m), want)
		}
		p.send(1, &wire.ChannelCloseOk{})
		// The other message was requeued.
		call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
		t.eventually(c.name+": 1 message", func() (any, bool) {
			m := call[*wire.QueueDeclareOk](p, 1, &wire.QueueDeclare{Queue: queue, Passive: true})
			return m, m.MessageCount == 1
		})
	}
}

func ackTagsArePerChannel(t *T) {
	conn := t.connect()
	a, b := t.channel(conn), t.channel(conn)
	queue := t.declare(a, durable)
	t.put(a, queue, bodies(1, 3)...)
	for _, ch := range []*amqp.Channel{a, b} {
		if d := t.get(ch, queue); d.DeliveryTag != 1 {
			t.Errorf("first delivery with tag %d", d.DeliveryTag)
		}
	}
	if d := t.get(a, queue); d.DeliveryTag != 2 {
		t.Errorf("second delivery with tag %d", d.DeliveryTag)
	}
	closed := closing(b)
	t.must(b.Ack(2, false))
	t.wantClosed(closed, amqp.PreconditionFailed, "unknown delivery tag 2")
	t.must(a.Ack(2, true))
	t.wantReady(a, queue, 1)
}

// Without requeue a message is dropped.
func nackDrops(t *T) {
	for _, k := range kinds {
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 3)...)
		t.wantReady(ch, queue, 3)
		t.must(t.get(ch, queue).Nack(false, false))
		t.must(t.get(ch, queue).Reject(false))
		t.must(t.get(ch, queue).Ack(false))
		t.wantEmpty(ch, queue)
		t.must(ch.Close())
		t.wantReady(t.channel(t.bystander), queue, 0)
	}
}
