package contract

import (
	amqp "github.com/rabbitmq/amqp091-go"
)

var expirationTests = []test{
	{"ExpiresAtHead", expiresAtHead},
	{"ExpiresOneByOne", expiresOneByOne},
	{"ExpiresBehindHead", expiresBehindHead},
	{"ExpiresAtOnce", expiresAtOnce},
	{"ExpiresNotWhileUnacked", expiresNotWhileUnacked},
	{"ExpiresNotForConsumer", expiresNotForConsumer},
}

// soonest is the shortest expiration in the tests, in ms.
const soonest = "60"

func expiring(body, expiration string) amqp.Publishing {
	return amqp.Publishing{Body: []byte(body), Expiration: expiration}
}

// passTime waits until a message with the expiration soonest that is published now, to another queue, has expired.
func (t *T) passTime(ch *amqp.Channel) {
	t.Helper()
	queue := t.declare(ch, durable)
	t.putMessage(ch, queue, expiring("clock", soonest))
	t.wantReady(ch, queue, 0)
}

// The message at the head of a queue expires on time.
func expiresAtHead(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.putMessage(ch, queue, expiring("message", soonest))
		t.wantReady(ch, queue, 0)
		t.wantEmpty(ch, queue)
	}
}

func expiresOneByOne(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.putMessage(ch, queue, expiring("1", "20"))
		t.putMessage(ch, queue, expiring("2", soonest))
		t.putMessage(ch, queue, expiring("3", "3600000"))
		t.put(ch, queue, "4")
		t.wantReady(ch, queue, 2)
		for _, want := range []string{"3", "4"} {
			if d := t.get(ch, queue); string(d.Body) != want {
				t.Errorf("%s: got %q, want %s", k.name, d.Body, want)
			}
		}
	}
}

// An expired message behind a live one stays and is counted, but is never delivered.
func expiresBehindHead(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, "head")
		t.putMessage(ch, queue, expiring("behind", soonest))
		t.passTime(ch)
		t.wantReady(ch, queue, 2)
		if d := t.get(ch, queue); string(d.Body) != "head" {
			t.Errorf("%s: got %q, want the head", k.name, d.Body)
		}
		t.wantEmpty(ch, queue)
		t.wantReady(ch, queue, 0)
	}
}

// A message with expiration 0 is only delivered to a consumer that waits.
func expiresAtOnce(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.putMessage(ch, queue, expiring("for nobody", "0"))
		t.wantReady(ch, queue, 0)
		t.wantEmpty(ch, queue)
	}
	ch := t.open()
	queue := t.declare(ch, classic)
	t.must(ch.Qos(1, 0, false))
	deliveries := t.consume(ch, queue)
	t.putMessage(ch, queue, expiring("1", "0"))
	d := t.wantNext(deliveries, false, "1")[0]
	t.putMessage(ch, queue, expiring("for nobody", "0")) // the consumer is busy
	t.wantReady(ch, queue, 0)
	t.must(d.Ack(false))
	t.putMessage(ch, queue, expiring("2", "0"))
	t.wantNext(deliveries, false, "2")
}

// An unacked message does not expire. If it is requeued after its time, it is dropped.
func expiresNotWhileUnacked(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch, other := t.open(), t.open()
		queue := t.declare(ch, k.kind)
		deliveries := t.consumeAs(ch, queue, "tag")
		t.putMessage(ch, queue, expiring("1", soonest))
		t.putMessage(ch, queue, expiring("2", soonest))
		two := t.wantNext(deliveries, false, "1", "2")
		t.passTime(ch)
		t.must(ch.Cancel("tag", false))
		t.must(two[1].Nack(false, true))
		t.wantReady(other, queue, 0)
		t.wantEmpty(other, queue)
		t.must(two[0].Ack(false))
		t.put(ch, queue, "3") // the channel is open, so the ack was valid
		if d := t.get(other, queue); string(d.Body) != "3" {
			t.Errorf("%s: got %q, want 3 alone", k.name, d.Body)
		}
	}
}

// A consumer that was started late, or was busy, gets no expired messages.
func expiresNotForConsumer(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.must(ch.Qos(1, 0, false))
		deliveries := t.consume(ch, queue)
		t.put(ch, queue, "work")
		work := t.wantNext(deliveries, false, "work")[0]
		t.putMessage(ch, queue, expiring("stale", soonest))
		t.put(ch, queue, "fresh")
		t.passTime(ch)
		t.must(work.Ack(false))
		t.wantNext(deliveries, false, "fresh")
	}
}
