package contract

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/internal/wire"
)

// Queues with x-expires.
var leaseTests = []test{
	{"LeaseOfUnused", leaseOfUnused},
	{"LeaseInvalid", leaseInvalid},
	{"LeaseInequivalent", leaseInequivalent},
}

// shortLease is the lease that the tests wait for, in ms. RabbitMQ checks quorum queues every five seconds.
const shortLease = 500

// leased returns a kind with x-expires.
func (k kind) leased(ms any) kind {
	args := amqp.Table{"x-expires": ms}
	for key, value := range k.args {
		args[key] = value
	}
	k.args = args
	return k
}

// wantExpired waits until a queue is gone. Its passive declaration is a use and renews the lease, so the interval is
// longer than the lease. (Publishing is no use, but if a quorum queue expires at that moment, RabbitMQ 3.10 closes
// the connection.)
func (t *T) wantExpired(queue string) {
	t.Helper()
	for deadline := soon(); ; {
		time.Sleep(2 * shortLease * time.Millisecond)
		ch := t.channel(t.bystander)
		_, err := passive(ch, queue)
		_ = ch.Close() // closed by the 404
		switch {
		case code(err) == amqp.NotFound:
			return
		case time.Now().After(deadline):
			t.Fatalf("queue %s is still there after %v; %v", queue, patience, err)
		}
	}
}

// A queue expires if it had no consumer for that long, even if it holds messages.
func leaseOfUnused(t *T) {
	brokertest.SkipIfShort(t)
	for _, k := range kinds {
		t.Log(k.name)
		k := k.kind.leased(int32(shortLease))
		used, other := t.name(), t.open()
		p := t.login()
		p.send(1, // both at once, or it might expire before it has a consumer
			&wire.QueueDeclare{Queue: used, Durable: k.durable, Arguments: k.args},
			&wire.BasicConsume{Queue: used, ConsumerTag: "user"})
		expect[*wire.QueueDeclareOk](p, 1)
		expect[*wire.BasicConsumeOk](p, 1)
		t.wantExpired(t.declare(other, k)) // declared later
		t.wantThere(used)
		t.must(p.conn.Close())
		t.wantExpired(used)
	}
}

func leaseInvalid(t *T) {
	for _, k := range kinds {
		for value, words := range map[any]string{
			int32(0): "value_zero", int32(-1): "value_negative", int64(1) << 40: "value_too_large", "1000": "expected integer", 1000.0: "expected integer",
		} {
			t.Log(k.name, value)
			_, err := declareAs(t.open(), t.name(), k.kind.leased(value))
			t.wantError(err, amqp.PreconditionFailed, "invalid arg 'x-expires' for queue '", words)
		}
	}
}

func leaseInequivalent(t *T) {
	for _, k := range kinds {
		hour, again, two := k.kind.leased(int32(3600000)), k.kind.leased(int64(3600000)), k.kind.leased(int32(7200000))
		for _, c := range []struct {
			name          string
			first, second kind
			words         string // "": equivalent
		}{
			{"the same", hour, hour, ""},
			{"a wider field", hour, again, ""},
			{"another", hour, two, "received '7200000' but current is '3600000'"},
			{"none", hour, k.kind, "received none but current is the value '3600000' of type 'signedint'"},
			{"one for none", k.kind, hour, "received the value '3600000' of type 'signedint' but current is none"},
		} {
			t.Log(k.name, c.name)
			ch := t.open()
			queue := t.declare(ch, c.first)
			_, err := declareAs(ch, queue, c.second)
			if c.words == "" {
				t.must(err)
			} else {
				t.wantError(err, amqp.PreconditionFailed, "inequivalent arg 'x-expires' for queue '", c.words)
			}
		}
	}
}
