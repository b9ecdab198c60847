package contract

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var publishTests = []test{
	{"PublishByName", publishByName},
	{"PublishRoutedWhenComplete", publishRoutedWhenComplete},
	{"PublishMandatory", publishMandatory},
	{"PublishReturnBeforeAck", publishReturnBeforeAck},
	{"PublishUnconfirmed", publishUnconfirmed},
	{"PublishUnknownExchange", publishUnknownExchange},
	{"PublishImmediate", publishImmediate},
	{"ConfirmTags", confirmTags},
	{"ConfirmSelectTwice", confirmSelectTwice},
	{"ConfirmsOfMany", confirmsOfMany},
}

// The default exchange routes by the queue's whole name.
func publishByName(t *T) {
	ch := t.open()
	a, b := t.declare(ch, exclusive), t.declare(ch, exclusive)
	t.put(ch, a, "for a", "for a too")
	t.put(ch, b, "for b")
	t.put(ch, a[:len(a)-1], "for nobody")
	t.put(ch, "", "for nobody") // the empty name does not stand for the queue declared last
	for queue, want := range map[string]struct {
		body string
		more uint32
	}{a: {"for a", 1}, b: {"for b", 0}} {
		d := t.get(ch, queue)
		if string(d.Body) != want.body || d.Exchange != "" || d.RoutingKey != queue || d.MessageCount != want.more {
			t.Errorf("got %q from exchange %q by %q, %d more, want %+v by %q", d.Body, d.Exchange, d.RoutingKey, d.MessageCount, want, queue)
		}
	}
}

// A message is routed when its last frame has arrived, to the queue that exists then.
func publishRoutedWhenComplete(t *T) {
	ch, p := t.open(), t.login()
	queue := t.name()
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	p.send(1, &wire.BasicPublish{RoutingKey: queue})
	p.write(headerFrame(contentHeader(wire.ClassBasic, uint64(len("message")))))
	call[*wire.ChannelOpenOk](p, 2, &wire.ChannelOpen{}) // everything written before has arrived
	_, err := declareAs(ch, queue, durable)
	t.must(err)
	p.write(bodyFrame("message"))
	expect[*wire.BasicAck](p, 1)
	if d := t.get(ch, queue); string(d.Body) != "message" {
		t.Errorf("got %q", d.Body)
	}
}

// A message that cannot be routed is returned with properties and body.
func publishMandatory(t *T) {
	ch := t.open()
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	want := everyProperty(t)
	name := t.name()
	t.must(ch.PublishWithContext(t.Context(), "", name, true, false, want))
	r, _ := receive(t, returns)
	if r.ReplyCode != amqp.NoRoute || r.ReplyText != "NO_ROUTE" || r.Exchange != "" || r.RoutingKey != name {
		t.Errorf("returned with %d %q from exchange %q by %q, want 312 NO_ROUTE by %q", r.ReplyCode, r.ReplyText, r.Exchange, r.RoutingKey, name)
	}
	t.wantSame(amqp.Publishing{
		ContentType: r.ContentType, ContentEncoding: r.ContentEncoding, Headers: r.Headers,
		DeliveryMode: r.DeliveryMode, Priority: r.Priority, CorrelationId: r.CorrelationId,
		ReplyTo: r.ReplyTo, Expiration: r.Expiration, MessageId: r.MessageId, Timestamp: r.Timestamp,
		Type: r.Type, UserId: r.UserId, AppId: r.AppId, Body: r.Body,
	}, want)
}

// A return precedes the confirm of the same message. Clients rely on it; amqp091-go hides the order.
func publishReturnBeforeAck(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	const n = 30
	var out []byte
	missing := map[uint64]string{} // messages that will be returned, by delivery tag
	for tag := uint64(1); tag <= n; tag++ {
		to := queue
		if tag%3 == 0 {
			to = t.name()
			missing[tag] = to
		}
		out = append(out, publication(1, wire.BasicPublish{RoutingKey: to, Mandatory: true}, nil, fmt.Append(nil, tag), modest.frameMax)...)
	}
	p.write(out)
	returned := 0
	for confirmed := (confirms{}); len(confirmed) < n; {
		switch m := p.method(1).(type) {
		case *wire.BasicReturn:
			_, body := p.content(1, int(modest.frameMax))
			var tag uint64
			if _, err := fmt.Sscan(string(body), &tag); err != nil || missing[tag] != m.RoutingKey {
				t.Fatalf("%s with body %q, not one of %v", describe(m), body, missing)
			}
			if confirmed[tag] {
				t.Fatalf("message %d comes back after its confirm", tag)
			}
			delete(missing, tag)
			returned++
		case *wire.BasicAck:
			for _, tag := range confirmed.add(t, m, n) {
				if missing[tag] != "" {
					t.Fatalf("message %d is confirmed before it comes back", tag)
				}
			}
		default:
			t.Fatalf("got %s, want basic.return or basic.ack", describe(m))
		}
	}
	if returned != n/3 {
		t.Errorf("%d of %d came back", returned, n/3)
	}
}

// confirms is a set of confirmed delivery tags.
type confirms map[uint64]bool

// add adds the tags of an ack and returns those that are new. Each may be confirmed once only.
func (c confirms) add(t *T, m *wire.BasicAck, last uint64) (tags []uint64) {
	t.Helper()
	if m.DeliveryTag == 0 || m.DeliveryTag > last || c[m.DeliveryTag] {
		t.Fatalf("%s, want a tag from 1 to %d that was not yet confirmed", describe(m), last)
	}
	first := m.DeliveryTag
	if m.Multiple {
		first = 1
	}
	for tag := first; tag <= m.DeliveryTag; tag++ {
		if !c[tag] {
			c[tag] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// Without confirm.select there are no confirms, and a message that is not mandatory and cannot be routed is dropped.
func publishUnconfirmed(t *T) {
	p := t.login()
	queue := p.declare(1)
	p.publish(1, queue, "1")
	p.publish(1, t.name(), "2")
	p.publish(1, queue, "3")
	// Each answer must be the next frame. RabbitMQ may answer before it has enqueued the messages.
	t.eventually("2 messages", func() (any, bool) {
		m := call[*wire.QueueDeclareOk](p, 1, &wire.QueueDeclare{Queue: queue, Passive: true})
		return m, m.MessageCount == 2
	})
	// confirm.select does not confirm earlier messages.
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	p.publish(1, queue, "4")
	if m := expect[*wire.BasicAck](p, 1); m.DeliveryTag != 1 {
		t.Errorf("got %s, want tag 1: the first since confirm.select", describe(m))
	}
}

func publishUnknownExchange(t *T) {
	ch := t.open()
	closed := closing(ch)
	t.must(ch.PublishWithContext(t.Context(), "contract-nowhere", "key", false, false, amqp.Publishing{Body: []byte("message")}))
	t.wantClosed(closed, amqp.NotFound, "NOT_FOUND - no exchange 'contract-nowhere' in vhost '")

	p := t.login()
	p.write(publication(1, wire.BasicPublish{Exchange: "contract-nowhere"}, nil, []byte("message"), modest.frameMax))
	if m := expect[*wire.ChannelClose](p, 1); m.ReplyCode != 404 || m.ClassID != 60 || m.MethodID != 40 {
		t.Errorf("got %s, want 404 about basic.publish", describe(m))
	}
}

func publishImmediate(t *T) {
	p := t.login()
	queue := p.declare(1)
	p.write(publication(1, wire.BasicPublish{RoutingKey: queue, Immediate: true}, nil, []byte("message"), modest.frameMax))
	t.wantOutcome("immediate", p.outcomeOf(0, nil), closeWith(540, 60, 40))
}

// Delivery tags of confirms start at 1 on each channel.
func confirmTags(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.ChannelOpenOk](p, 2, &wire.ChannelOpen{})
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	call[*wire.ConfirmSelectOk](p, 2, &wire.ConfirmSelect{})
	for tag := uint64(1); tag <= 5; tag++ {
		for channel := uint16(1); channel <= 2; channel++ {
			p.publish(channel, queue, "message")
			if m := expect[*wire.BasicAck](p, channel); m.DeliveryTag != tag {
				t.Fatalf("got %s on channel %d, want tag %d", describe(m), channel, tag)
			}
		}
	}
}

func confirmSelectTwice(t *T) {
	p := t.login()
	queue := p.declare(1)
	for tag := uint64(1); tag <= 3; tag++ {
		call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
		p.publish(1, queue, "message")
		if m := expect[*wire.BasicAck](p, 1); m.DeliveryTag != tag {
			t.Fatalf("got %s, want tag %d", describe(m), tag)
		}
	}
	p.send(1, &wire.ConfirmSelect{NoWait: true})
	p.publish(1, queue, "message")
	expect[*wire.BasicAck](p, 1)
}

// A confirm may be for one message or several. Each message is confirmed once.
func confirmsOfMany(t *T) {
	for _, k := range kinds {
		p, ch := t.login(), t.open()
		queue := t.declare(ch, k.kind)
		call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
		const n = 500
		var out []byte
		for i := range n {
			out = append(out, publication(1, wire.BasicPublish{RoutingKey: queue}, []byte{0x10, 0, 2}, fmt.Append(nil, i), modest.frameMax)...)
		}
		p.write(out)
		for confirmed := (confirms{}); len(confirmed) < n; {
			confirmed.add(t, expect[*wire.BasicAck](p, 1), n)
		}
		t.wantReady(ch, queue, n)
	}
}
