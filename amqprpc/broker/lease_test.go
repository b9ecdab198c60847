package broker_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
)

func leased(ms int32) kind { return kind{durable: true, args: amqp.Table{"x-expires": ms}} }

// No queue expires while the broker is frozen or stopped. Its lease ends with Thaw, and begins anew with Restart.
func TestLeaseWhileFrozenOrStopped(t *testing.T) {
	const short = 100
	// If a queue of another broker that was declared later has expired, this one would have expired, too.
	clock := start(t, broker.Config{})
	pass := func() {
		t.Helper()
		queue := declare(t, channel(t, dial(t, clock)), "clock", leased(short))
		gone(t, clock, queue)
	}
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	frozen, hour := declare(t, ch, "frozen", leased(short)), declare(t, ch, "hour", leased(3600000))
	deliveries := consume(t, ch, frozen) // so that it does not expire before Freeze
	b.Freeze()
	b.DropConnections()
	for range deliveries { // until the client knows
	}
	pass()
	for _, q := range []string{frozen, hour} {
		if _, ok := queueInfo(b, q); !ok {
			t.Errorf("%s expired in a frozen broker", q)
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
		t.Error("it expired in a stopped broker")
	}
	must(t, b.Restart())
	gone(t, b, "kept")
	if _, ok := queueInfo(b, hour); !ok {
		t.Error("an hour is over")
	}
}

// gone waits until a queue is gone.
func gone(t *testing.T, b *broker.Broker, queue string) {
	t.Helper()
	eventually(t, queue+" gone", func() (any, bool) {
		info, there := queueInfo(b, queue)
		return info, !there
	})
}
