package broker_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// unsupported are the arguments of queue.declare that RabbitMQ knows and this broker does not.
var unsupported = []string{
	"x-consumer-timeout", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy",
	"x-delivery-limit", "x-max-age", "x-max-in-memory-bytes", "x-max-in-memory-length", "x-max-length",
	"x-max-length-bytes", "x-max-priority", "x-message-ttl", "x-overflow", "x-queue-leader-locator", "x-queue-master-locator",
	"x-queue-mode", "x-queue-version", "x-quorum-initial-group-size", "x-quorum-target-group-size", "x-single-active-consumer",
	"x-stream-filter-size-bytes", "x-stream-max-segment-size-bytes",
}

// Features that the broker lacks are refused by name, with the specification's code.
func TestRefusals(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	declare(t, ch, "queue", transient)
	raw := func(class, method uint16, arguments string) []byte {
		payload := []byte{byte(class >> 8), byte(class), byte(method >> 8), byte(method)}
		return wire.AppendFrame(nil, wire.FrameMethod, 1, append(payload, arguments...))
	}
	publishTo := func(exchange string) []byte {
		m := wire.AppendMethod(nil, 1, &wire.BasicPublish{Exchange: exchange, RoutingKey: "queue"})
		return wire.AppendContent(m, 1, wire.ClassBasic, []byte{0, 0}, []byte("body"), frameMax)
	}
	publishWith := func(p *amqp.Publishing) []byte {
		properties, err := wire.AppendProperties(nil, p)
		must(t, err)
		m := wire.AppendMethod(nil, 1, &wire.BasicPublish{RoutingKey: "queue"})
		return wire.AppendContent(m, 1, wire.ClassBasic, properties, []byte("body"), frameMax)
	}
	type refusal struct {
		what   string
		octets []byte
		want   string
	}
	all := []refusal{
		{"exchange.declare", raw(40, 10, "\x00\x00\x01x\x06direct\x00\x00\x00\x00\x00"), "connection 540 about 40.10"},
		{"exchange.delete", raw(40, 20, "\x00\x00\x01x\x00"), "connection 540 about 40.20"},
		{"exchange.bind", raw(40, 30, "\x00\x00\x01x\x01y\x00\x00\x00\x00\x00\x00"), "connection 540 about 40.30"},
		{"exchange.unbind", raw(40, 40, "\x00\x00\x01x\x01y\x00\x00\x00\x00\x00\x00"), "connection 540 about 40.40"},
		{"queue.bind", raw(50, 20, "\x00\x00\x05queue\x01x\x01k\x00\x00\x00\x00\x00"), "connection 540 about 50.20"},
		{"queue.unbind", raw(50, 50, "\x00\x00\x05queue\x01x\x01k\x00\x00\x00\x00"), "connection 540 about 50.50"},
		{"tx.select", raw(90, 10, ""), "connection 540 about 90.10"},
		{"tx.commit", raw(90, 20, ""), "connection 540 about 90.20"},
		{"tx.rollback", raw(90, 30, ""), "connection 540 about 90.30"},
		{"access.request", raw(30, 10, "\x01/\x00"), "connection 540 about 30.10"},
		{"basic.recover", frames(1, &wire.BasicRecover{Requeue: true}), "connection 540 about 60.110"},
		{"basic.recover-async", frames(1, &wire.BasicRecoverAsync{Requeue: true}), "connection 540 about 60.100"},
		{"basic.qos with a size", frames(1, &wire.BasicQos{PrefetchSize: 1}), "connection 540 about 60.10"},
		{"basic.qos global", frames(1, &wire.BasicQos{PrefetchCount: 1, Global: true}), "connection 540 about 60.10"},
		{"channel.flow", frames(1, &wire.ChannelFlow{}), "connection 540 about 20.20"},
		{"immediate", wire.AppendMethod(nil, 1, &wire.BasicPublish{RoutingKey: "queue", Immediate: true}), "connection 540 about 60.40"},
		{"a stream", frames(1, &wire.QueueDeclare{Queue: "x", Durable: true, Arguments: amqp.Table{"x-queue-type": "stream"}}), "connection 540 about 50.10"},
		{"header CC", publishWith(&amqp.Publishing{Headers: amqp.Table{"CC": []any{"queue"}}}), "connection 540 about 60.40"},
		{"header BCC", publishWith(&amqp.Publishing{Headers: amqp.Table{"BCC": []any{"queue"}}}), "connection 540 about 60.40"},
		{"direct reply-to", frames(1, &wire.BasicConsume{Queue: wire.DirectReplyTo, NoAck: true}), "connection 540 about 60.20"},
		{"passive declaration of direct reply-to", frames(1, &wire.QueueDeclare{Queue: wire.DirectReplyTo, Passive: true}), "connection 540 about 50.10"},
		// RabbitMQ has these exchanges from the start.
		{"amq.direct", publishTo("amq.direct"), "connection 540 about 60.40"},
		{"amq.fanout", publishTo("amq.fanout"), "connection 540 about 60.40"},
		{"amq.topic", publishTo("amq.topic"), "connection 540 about 60.40"},
		{"amq.headers", publishTo("amq.headers"), "connection 540 about 60.40"},
		{"amq.match", publishTo("amq.match"), "connection 540 about 60.40"},
		{"an exchange", publishTo("exchange"), "channel 404 about 60.40"},
	}
	for _, arg := range unsupported {
		m := &wire.QueueDeclare{Queue: "x", Durable: true, Arguments: amqp.Table{arg: int32(1)}}
		all = append(all, refusal{"declare with " + arg, frames(1, m), "connection 540 about 50.10"})
	}
	for _, arg := range []string{"x-priority", "x-credit", "x-stream-offset"} {
		m := &wire.BasicConsume{Queue: "queue", Arguments: amqp.Table{arg: int32(1)}}
		all = append(all, refusal{"consume with " + arg, frames(1, m), "connection 540 about 60.20"})
	}
	for _, r := range all {
		t.Run(r.what, func(t *testing.T) {
			p := login(t, b)
			p.write(r.octets)
			if got := p.outcome(); got != r.want {
				t.Errorf("%s, want %s", got, r.want)
			}
		})
	}
	if all := b.Queues(); len(all) != 1 || all[0].Ready != 0 || all[0].Consumers != 0 {
		t.Errorf("after all refusals there is %+v", all)
	}
	wantAlive(t, b)
}

// Arguments that RabbitMQ ignores are ignored.
func TestIgnoredArguments(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	args := amqp.Table{"x-whatever": "1", "note": amqp.Table{"x-expires": int32(1)}}
	queue := declare(t, ch, "queue", kind{durable: true, args: args})
	declare(t, ch, queue, durable)
	must(t, errorOf(ch.Consume(queue, "", false, false, false, false, args)))
}
