package contract

import (
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
)

var requeueTests = []test{
	{"RequeuePosition", requeuePosition},
	{"RequeueToConsumer", requeueToConsumer},
	{"RequeueOnEnd", requeueOnEnd},
	{"RequeueGoesToOthers", requeueGoesToOthers},
	{"NotRedelivered", notRedelivered},
}

// Requeued messages return to their original positions, in whatever order they are requeued.
func requeuePosition(t *T) {
	ch := t.open()
	queue := t.declare(ch, classic)
	t.put(ch, queue, bodies(1, 6)...)
	var got []amqp.Delivery
	for range 4 {
		got = append(got, t.get(ch, queue))
	}
	t.must(got[2].Nack(false, true))
	t.must(got[0].Reject(true))
	t.must(got[3].Nack(false, true))
	t.put(ch, queue, "7")
	deliveries := t.consume(ch, queue)
	t.wantNext(deliveries, true, "1", "3", "4")
	t.wantNext(deliveries, false, "5", "6", "7")
	t.must(got[1].Nack(false, true))
	t.wantNext(deliveries, true, "2")
}

// A requeued message is redelivered.
func requeueToConsumer(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, "message")
		deliveries := t.consume(ch, queue)
		first := t.wantNext(deliveries, false, "message")[0]
		t.must(first.Nack(false, true))
		second := t.wantNext(deliveries, true, "message")[0]
		t.must(second.Reject(true))
		third := t.wantNext(deliveries, true, "message")[0]
		if first.DeliveryTag != 1 || second.DeliveryTag != 2 || third.DeliveryTag != 3 {
			t.Errorf("delivery tags %d, %d, %d, want 1, 2, 3", first.DeliveryTag, second.DeliveryTag, third.DeliveryTag)
		}
		t.must(third.Ack(false))
		t.wantEmpty(ch, queue)
	}
}

// Messages that are unacked when their channel or connection ends are requeued in order, before all newer ones.
func requeueOnEnd(t *T) {
	for _, k := range kinds {
		for _, e := range endings {
			t.Log(k.name, e.name)
			c := t.cutter()
			ch, other := t.channel(c.conn), t.open()
			queue := t.declare(other, k.kind)
			t.put(other, queue, bodies(1, 8)...)
			t.must(ch.Qos(5, 0, false))
			deliveries := t.consume(ch, queue)
			t.wantNext(deliveries, false, bodies(1, 5)...)
			t.wantReady(other, queue, 3)
			e.end(t, ch, c)
			t.wantReady(other, queue, 8)
			var got []string
			for range 8 {
				d := t.get(other, queue)
				got = append(got, string(d.Body))
				if was := string(d.Body) <= "5"; d.Redelivered != was {
					t.Errorf("%s, %s: %q with redelivered %v", k.name, e.name, d.Body, d.Redelivered)
				}
			}
			if k.name == "quorum" {
				slices.Sort(got) // the order of its requeued messages is undefined
			}
			if !slices.Equal(got, bodies(1, 8)) {
				t.Errorf("%s, %s: got %v back, want 1 to 8", k.name, e.name, got)
			}
		}
	}
}

// A requeued message goes to another consumer that waits.
func requeueGoesToOthers(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		c := t.cutter()
		dying, survivor := t.channel(c.conn), t.open()
		queue := t.declare(survivor, k.kind)
		t.put(survivor, queue, "message")
		t.wantNext(t.consume(dying, queue), false, "message")
		deliveries := t.consume(survivor, queue)
		c.cut(t, true)
		t.must(t.wantNext(deliveries, true, "message")[0].Ack(false))
	}
}

// Only messages that were delivered before are redelivered.
func notRedelivered(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		c := t.cutter()
		ch, other := t.channel(c.conn), t.open()
		queue := t.declare(other, k.kind)
		t.put(other, queue, bodies(1, 3)...)
		t.must(ch.Qos(1, 0, false))
		t.wantNext(t.consume(ch, queue), false, "1")
		c.cut(t, false)
		t.wantReady(other, queue, 3)
		for range 3 {
			d := t.get(other, queue)
			if d.Redelivered != (string(d.Body) == "1") {
				t.Errorf("%q with redelivered %v", d.Body, d.Redelivered)
			}
		}
	}
}
