package contract

import amqp "github.com/rabbitmq/amqp091-go"

var deletionTests = []test{
	{"Delete", deleteQueue},
	{"DeleteMissing", deleteMissing},
	{"DeleteIfUnused", deleteIfUnused},
	{"DeleteIfEmpty", deleteIfEmpty},
	{"DeleteNotifiesConsumers", deleteNotifiesConsumers},
	{"DeleteDropsUnacked", deleteDropsUnacked},
	{"Purge", purge},
	{"PurgeMissing", purgeMissing},
}

func deleteQueue(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 3)...)
		t.wantReady(ch, queue, 3)
		if n, err := ch.QueueDelete(queue, false, false, false); err != nil || n != 3 {
			t.Errorf("deleted with %d messages, %v, want 3", n, err)
		}
		t.wantGone(queue)
		// A new queue of the same name is empty.
		if q, err := declareAs(ch, queue, exclusive); err != nil || q.Messages != 0 {
			t.Errorf("declared again: %+v, %v", q, err)
		}
	}
}

func deleteMissing(t *T) {
	ch := t.open()
	for _, flag := range []bool{false, true} {
		if n, err := ch.QueueDelete(t.name(), flag, flag, false); err != nil || n != 0 {
			t.Errorf("if-unused, if-empty %v: %d, %v, want 0 and no error", flag, n, err)
		}
	}
}

func deleteIfUnused(t *T) {
	conn := t.connect()
	ch := t.channel(conn)
	queue := t.declare(ch, durable)
	t.put(ch, queue, "message")
	t.consumeAs(ch, queue, "tag")
	_, err := t.channel(conn).QueueDelete(queue, true, false, false)
	t.wantError(err, amqp.PreconditionFailed, "PRECONDITION_FAILED - queue '"+queue+"' in vhost '", "' in use")
	t.must(ch.Cancel("tag", false))
	if _, err := ch.QueueDelete(queue, true, false, false); err != nil {
		t.Errorf("delete without a consumer: %v", err)
	}
	t.wantGone(queue)
}

func deleteIfEmpty(t *T) {
	conn := t.connect()
	ch := t.channel(conn)
	queue := t.declare(ch, durable)
	t.put(ch, queue, "message")
	_, err := t.channel(conn).QueueDelete(queue, false, true, false)
	t.wantError(err, amqp.PreconditionFailed, "PRECONDITION_FAILED - queue '"+queue+"' in vhost '", "' not empty")
	t.must(t.get(ch, queue).Ack(false))
	t.wantReady(ch, queue, 0)
	if n, err := ch.QueueDelete(queue, false, true, false); err != nil || n != 0 {
		t.Errorf("delete an empty queue: %d, %v", n, err)
	}
	t.wantGone(queue)
}

// Deletion sends basic.cancel to the consumers. Their channels stay open.
func deleteNotifiesConsumers(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch, other := t.open(), t.open()
		queue := t.declare(ch, k.kind)
		cancelled := ch.NotifyCancel(make(chan string, 2))
		a, b := t.consumeAs(ch, queue, "a"), t.consumeAs(ch, queue, "b")
		_, err := other.QueueDelete(queue, false, false, false)
		t.must(err)
		tags := map[string]bool{}
		for range 2 {
			tag, _ := receive(t, cancelled)
			tags[tag] = true
		}
		if !tags["a"] || !tags["b"] {
			t.Errorf("cancelled: %v, want a and b", tags)
		}
		for _, deliveries := range []<-chan amqp.Delivery{a, b} {
			if d, ok := receive(t, deliveries); ok {
				t.Errorf("a delivery from a queue that was empty: %q", d.Body)
			}
		}
		queue = t.declare(ch, exclusive)
		t.put(ch, queue, "goes on")
		t.wantNext(t.consume(ch, queue), false, "goes on")
	}
}

// Deletion drops unacked messages, too. They may still be acked.
func deleteDropsUnacked(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	t.put(ch, queue, bodies(1, 3)...)
	one, two := t.get(ch, queue), t.get(ch, queue)
	if n, err := ch.QueueDelete(queue, false, false, false); err != nil || n != 1 {
		t.Errorf("deleted with %d messages, %v, want 1: the others are not ready", n, err)
	}
	_, err := declareAs(ch, queue, durable)
	t.must(err)
	t.must(one.Nack(false, true))
	t.must(two.Ack(false))
	if n := t.ready(ch, queue); n != 0 {
		t.Errorf("%d messages in a new queue", n)
	}
}

func purge(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 5)...)
		t.wantReady(ch, queue, 5)
		d := t.get(ch, queue)
		t.wantReady(ch, queue, 4)
		if n, err := ch.QueuePurge(queue, false); err != nil || n != 4 {
			t.Errorf("purged %d, %v, want 4", n, err)
		}
		t.wantReady(ch, queue, 0)
		t.must(d.Nack(false, true)) // unacked ones stay
		t.wantReady(ch, queue, 1)
		t.must(t.get(ch, queue).Ack(false))
		if n, err := ch.QueuePurge(queue, false); err != nil || n != 0 {
			t.Errorf("purged %d from an empty queue, %v", n, err)
		}
	}
}

func purgeMissing(t *T) {
	ch, name := t.open(), t.name()
	_, err := ch.QueuePurge(name, false)
	t.wantError(err, amqp.NotFound, "NOT_FOUND - no queue '"+name+"' in vhost '")
}
