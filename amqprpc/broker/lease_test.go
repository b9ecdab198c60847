package broker_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
)

func leased(ms int32) kind { return kind{durable: true, args: amqp.Table{"x-expires": ms}} }

// While the broker stands still, or is down, no queue expires; afterwards its time begins anew after a restart,
// and is over after a thaw.
func TestLeaseStandsStill(t *testing.T) {
	const short = 100
	// When a queue of another broker has gone, which began later, so would this one.
	clock := start(t, broker.Config{})
	pass := func() {
		t.Helper()
		queue := declare(t, channel(t, dial(t, clock)), "clock", leased(short))
		gone(t, clock, queue)
	}
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	frozen, hour := declare(t, ch, "frozen", leased(short)), declare(t, ch, "hour", leased(3600000))
	deliveries := consume(t, ch, frozen) // so that it is there to be frozen
	b.Freeze()
	b.DropConnections()
	for range deliveries { // until the client knows
	}
	pass()
	for _, q := range []string{frozen, hour} {
		if _, ok := queueInfo(b, q); !ok {
			t.Errorf("%s expired in a broker that stands still", q)
		}
	}
	b.Thaw()
	gone(t, b, frozen)

	ch = channel(t, dial(t, b))
	deliveries = consume(t, ch, declare(t, ch, "kept", leased(short)))
	b.Kill()
	for range deliveries {
	}
	pass()
	if _, ok := queueInfo(b, "kept"); !ok {
		t.Error("it expired in a broker that is down")
	}
	must(t, b.Restart())
	gone(t, b, "kept") // with nobody to use it
	if _, ok := queueInfo(b, hour); !ok {
		t.Error("an hour is over")
	}
}

// gone waits until there is no such queue.
func gone(t *testing.T, b *broker.Broker, queue string) {
	t.Helper()
	eventually(t, queue+" gone", func() (any, bool) {
		info, there := queueInfo(b, queue)
		return info, !there
	})
}
