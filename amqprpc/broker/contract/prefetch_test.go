package contract

import (
	"rpcscope/amqprpc/internal/wire"
)

var prefetchTests = []test{
	{"Prefetch", prefetch},
	{"PrefetchIsPerConsumer", prefetchIsPerConsumer},
	{"PrefetchOfLaterConsumers", prefetchOfLaterConsumers},
	{"PrefetchUnlimited", prefetchUnlimited},
	{"PrefetchMultipleAck", prefetchMultipleAck},
	{"PrefetchSkips", prefetchSkips},
	{"PrefetchNotForGet", prefetchNotForGet},
	{"PrefetchSize", prefetchSize},
}

// A consumer has no more unacked messages than its prefetch count. Each ack, nack or reject allows another delivery.
func prefetch(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 10)...)
		t.must(ch.Qos(3, 0, false))
		deliveries := t.consume(ch, queue)
		first := t.wantNext(deliveries, false, bodies(1, 3)...)
		t.wantReady(ch, queue, 7)
		t.must(first[1].Ack(false)) // in any order
		t.wantNext(deliveries, false, "4")
		t.must(first[0].Nack(false, false))
		t.wantNext(deliveries, false, "5")
		t.must(first[2].Reject(false))
		t.wantNext(deliveries, false, "6")
		t.wantReady(ch, queue, 4)
	}
}

func prefetchIsPerConsumer(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.must(ch.Qos(2, 0, false))
		a, b := t.consume(ch, queue), t.consume(ch, queue)
		t.put(ch, queue, bodies(1, 10)...)
		for range 2 {
			t.next(a)
			t.next(b)
		}
		t.wantReady(ch, queue, 6)
	}
}

// basic.qos applies to consumers that start afterwards.
func prefetchOfLaterConsumers(t *T) {
	ch := t.open()
	first, second := t.declare(ch, durable), t.declare(ch, durable)
	t.must(ch.Qos(1, 0, false))
	a := t.consume(ch, first)
	t.must(ch.Qos(4, 0, false))
	b := t.consume(ch, second)
	t.must(ch.Qos(0, 0, false))
	t.put(ch, first, bodies(1, 6)...)
	t.put(ch, second, bodies(1, 6)...)
	t.wantNext(a, false, "1")
	t.wantNext(b, false, bodies(1, 4)...)
	t.wantReady(ch, first, 5)
	t.wantReady(ch, second, 2)
}

func prefetchUnlimited(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	t.must(ch.Qos(1, 0, false))
	t.must(ch.Qos(0, 0, false))
	deliveries := t.consume(ch, queue)
	t.put(ch, queue, bodies(1, 300)...)
	t.wantNext(deliveries, false, bodies(1, 300)...)
}

func prefetchMultipleAck(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 20)...)
		t.must(ch.Qos(5, 0, false))
		deliveries := t.consume(ch, queue)
		five := t.wantNext(deliveries, false, bodies(1, 5)...)
		t.wantReady(ch, queue, 15)
		t.must(five[3].Ack(true))
		t.wantNext(deliveries, false, bodies(6, 9)...)
		t.wantReady(ch, queue, 11)
		t.must(ch.Ack(0, true)) // all
		t.wantNext(deliveries, false, bodies(10, 14)...)
		t.wantReady(ch, queue, 6)
	}
}

// A consumer at its prefetch count is skipped.
func prefetchSkips(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		busy, idle, ch := t.open(), t.open(), t.open()
		queue := t.declare(ch, k.kind)
		t.must(busy.Qos(1, 0, false))
		t.must(idle.Qos(1, 0, false))
		fromBusy := t.consume(busy, queue)
		t.put(ch, queue, "slow")
		slow := t.wantNext(fromBusy, false, "slow")[0]
		fromIdle := t.consume(idle, queue)
		for range 5 {
			t.put(ch, queue, "quick")
			t.must(t.wantNext(fromIdle, false, "quick")[0].Ack(false))
		}
		t.put(ch, queue, "quick", "waits")
		t.wantNext(fromIdle, false, "quick")
		t.wantReady(ch, queue, 1)
		t.must(slow.Ack(false))
		t.wantNext(fromBusy, false, "waits")
	}
}

func prefetchNotForGet(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	t.put(ch, queue, bodies(1, 3)...)
	t.must(ch.Qos(1, 0, false))
	for range 3 {
		t.get(ch, queue)
	}
	// Messages of basic.get do not count for consumers.
	t.put(ch, queue, "4")
	t.wantNext(t.consume(ch, queue), false, "4")
	t.wantEmpty(ch, queue)
}

func prefetchSize(t *T) {
	p := t.login()
	p.send(1, &wire.BasicQos{PrefetchSize: 5})
	t.wantOutcome("prefetch size", p.outcomeOf(0, nil), closeWith(540, 60, 10))
}
