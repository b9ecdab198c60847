package contract

import (
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var channelTests = []test{
	{"ChannelReuse", channelReuse},
	{"ChannelErrorIsItsOwn", channelErrorIsItsOwn},
	{"ChannelErrorHandshake", channelErrorHandshake},
	{"ChannelCloseCrossing", channelCloseCrossing},
	{"ChannelNotOpen", channelNotOpen},
	{"ChannelOpenTwice", channelOpenTwice},
	{"ChannelAboveMax", channelAboveMax},
	{"ChannelFlow", channelFlow},
	{"ChannelsAtOnce", channelsAtOnce},
	{"NoWait", noWait},
}

// A channel's number can be used again after a close by either side.
func channelReuse(t *T) {
	p := t.login()
	missing := t.name()
	for range 3 {
		call[*wire.ChannelCloseOk](p, 1, &wire.ChannelClose{ReplyCode: 200})
		call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
		m := call[*wire.ChannelClose](p, 1, &wire.QueueDeclare{Queue: missing, Passive: true})
		if m.ReplyCode != 404 || m.ClassID != 50 || m.MethodID != 10 {
			t.Fatalf("got %s, want 404 about queue.declare", describe(m))
		}
		p.send(1, &wire.ChannelCloseOk{})
		call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
	}
	// The new channel has no state of the old one.
	_, err := passive(t.open(), missing)
	t.wantError(err, amqp.NotFound)
	queue := p.declare(1)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	p.publish(1, queue, "1")
	expect[*wire.BasicAck](p, 1)
	call[*wire.ChannelCloseOk](p, 1, &wire.ChannelClose{ReplyCode: 200})
	call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
	p.publish(1, queue, "2") // no confirm
	m := call[*wire.ChannelClose](p, 1, &wire.QueueDeclare{Passive: true})
	if m.ReplyCode != 404 {
		t.Errorf("got %s, want 404: nothing was declared", describe(m))
	}
}

// A channel error closes that channel only.
func channelErrorIsItsOwn(t *T) {
	conn := t.connect()
	bad, good := t.channel(conn), t.channel(conn)
	queue := t.declare(good, exclusive)
	deliveries := t.consume(good, queue)
	closed := closing(bad)
	_, err := passive(bad, t.name())
	t.wantError(err, amqp.NotFound)
	t.wantClosed(closed, amqp.NotFound)
	t.put(good, queue, "goes on")
	t.wantNext(deliveries, false, "goes on")
}

// Between the broker's channel.close and the answer all frames on the channel are ignored.
func channelErrorHandshake(t *T) {
	p := t.login()
	queue := p.declare(1)
	m := call[*wire.ChannelClose](p, 1, &wire.QueueDeclare{Queue: t.name(), Passive: true})
	if m.ReplyCode != 404 {
		t.Fatalf("got %s, want 404", describe(m))
	}
	p.send(1, &wire.QueueDelete{Queue: queue})
	p.publish(1, queue, "ignored")
	p.send(1, &wire.BasicAck{DeliveryTag: 99})
	p.send(1, &wire.ChannelCloseOk{})
	call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
	if ok := call[*wire.QueueDeclareOk](p, 1, &wire.QueueDeclare{Queue: queue, Passive: true}); ok.MessageCount != 0 {
		t.Errorf("%s: a message was published on a closed channel", describe(ok))
	}
}

// Both sides close the channel at the same time.
func channelCloseCrossing(t *T) {
	p := t.login()
	p.send(1, &wire.QueueDeclare{Queue: t.name(), Passive: true}, &wire.ChannelClose{ReplyCode: 200})
	expect[*wire.ChannelClose](p, 1)
	expect[*wire.ChannelCloseOk](p, 1)
	p.send(1, &wire.ChannelCloseOk{})
	call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
	t.wantOutcome("after both closed", p.outcome(), goesOn)
}

func channelNotOpen(t *T) {
	for _, m := range []wire.Method{
		&wire.QueueDeclare{}, &wire.BasicAck{DeliveryTag: 1}, &wire.ChannelClose{}, &wire.ChannelCloseOk{},
		&wire.BasicConsume{Queue: "nowhere"}, &wire.ConfirmSelect{},
	} {
		p := t.login()
		p.send(7, m)
		class, method := wire.ID(m)
		t.wantOutcome(describe(m), p.outcomeOf(0, nil), closeWith(504, class, method))
	}
	p := t.login()
	p.publish(7, "nowhere", "message")
	t.wantOutcome("publish", p.outcomeOf(0, nil), closeWith(504, 60, 40))
	// A closed channel is not open.
	p = t.login()
	call[*wire.ChannelCloseOk](p, 1, &wire.ChannelClose{ReplyCode: 200})
	p.send(1, &wire.QueueDeclare{})
	t.wantOutcome("declare on a closed one", p.outcomeOf(0, nil), closeWith(504, 50, 10))
}

func channelOpenTwice(t *T) {
	p := t.login()
	p.send(1, &wire.ChannelOpen{})
	t.wantOutcome("open twice", p.outcomeOf(0, nil), closeWith(504, 20, 10))
}

// RabbitMQ limits the number of channels, the specification their numbers as well.
func channelAboveMax(t *T) {
	p := t.loginWith(limits{5, 8192, 0}, nil)
	call[*wire.ChannelOpenOk](p, 5, &wire.ChannelOpen{})
	t.wantOutcome("channel 6 of 5", p.outcomeOf(6, &wire.ChannelOpen{}), goesOn, "close 504", "close 530")
}

func channelFlow(t *T) {
	p := t.login()
	if m := call[*wire.ChannelFlowOk](p, 1, &wire.ChannelFlow{Active: true}); !m.Active {
		t.Errorf("got %s, want active", describe(m))
	}
	p.send(1, &wire.ChannelFlow{Active: false})
	t.wantOutcome("flow off", p.outcomeOf(0, nil), closeWith(540, 20, 20))
}

// Channels of one connection are independent.
func channelsAtOnce(t *T) {
	conn := t.connect()
	const n = 20
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		ch := t.channel(conn)
		queue := t.declare(ch, exclusive)
		deliveries := t.consume(ch, queue)
		wg.Go(func() {
			for j := range 20 {
				body := fmt.Sprintf("%d of %d", j, i)
				if err := ch.PublishWithContext(t.Context(), "", queue, false, false, amqp.Publishing{Body: []byte(body)}); err != nil {
					errs <- err
					return
				}
				d, ok := <-deliveries
				if !ok || string(d.Body) != body || d.DeliveryTag != uint64(j+1) {
					errs <- fmt.Errorf("got %q with tag %d, %v, want %q with %d", d.Body, d.DeliveryTag, ok, body, j+1)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	if _, ok := receive(t, done); ok {
		t.Error("not reached")
	}
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// With no-wait a method takes effect without an answer.
func noWait(t *T) {
	p := t.login()
	name := t.name()
	p.send(1,
		&wire.QueueDeclare{Queue: name, Exclusive: true, NoWait: true},
		&wire.ConfirmSelect{NoWait: true},
		&wire.BasicConsume{Queue: name, ConsumerTag: "tag", NoWait: true},
		&wire.BasicCancel{ConsumerTag: "tag", NoWait: true},
	)
	p.publish(1, name, "message")
	expect[*wire.BasicAck](p, 1)
	p.send(1, &wire.QueuePurge{Queue: name, NoWait: true})
	if m := call[*wire.QueueDeclareOk](p, 1, &wire.QueueDeclare{Queue: name, Passive: true}); m.MessageCount != 0 || m.ConsumerCount != 0 {
		t.Errorf("got %s, want it empty and without consumers", describe(m))
	}
	p.send(1, &wire.QueueDelete{Queue: name, NoWait: true})
	if m := call[*wire.ChannelClose](p, 1, &wire.QueueDeclare{Queue: name, Passive: true}); m.ReplyCode != 404 {
		t.Errorf("got %s, want 404", describe(m))
	}
}
