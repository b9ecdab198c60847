package broker_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// A frozen broker sends nothing. Thaw continues as if nothing had happened.
func TestFreeze(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", transient)
	deliveries := consume(t, ch, queue)
	must(t, ch.Confirm(false))
	brief := declare(t, ch, "brief", transient)
	p := text("brief")
	p.Expiration = "1"
	b.Freeze()
	confirm, confirmToo := publish(t, ch, queue, text("message")), publish(t, ch, brief, p)
	newcomer := tcp(t, b)
	newcomer.write(wire.AppendProtocolHeader(nil))
	must(t, newcomer.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if n, err := newcomer.conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a frozen broker answered: %d, %v", n, err)
	}
	select {
	case <-confirm.Done():
		t.Error("a frozen broker confirmed")
	case d := <-deliveries:
		t.Errorf("a frozen broker delivered %q", d.Body)
	default:
	}
	b.Freeze() // does nothing
	b.Thaw()
	confirmed(t, confirm)
	confirmed(t, confirmToo)
	must(t, wantNext(t, deliveries, false, "message").Ack(false))
	must(t, newcomer.conn.SetReadDeadline(soon()))
	await[*wire.ConnectionStart](newcomer)
	wantQueue(t, b, brief, 0, 0)
	wantAlive(t, b)
}

// A message whose expiration ends while the broker is frozen expires with Thaw.
func TestFreezeExpiry(t *testing.T) {
	skipIfShort(t)
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", transient)
	p := text("message")
	p.Expiration = "100"
	put(t, ch, queue, p)
	b.Freeze()
	if q, _ := queueInfo(b, queue); q.Ready == 1 { // or it expired before Freeze on a slow machine
		time.Sleep(200 * time.Millisecond) // there is no event to wait for
		if q, _ := queueInfo(b, queue); q.Ready != 1 {
			t.Error("a message expired in a frozen broker")
		}
	}
	b.Thaw()
	wantQueue(t, b, queue, 0, 0)
}

// A frozen broker sends no heartbeats, and does not drop clients that it does not read from.
func TestFreezeHeartbeat(t *testing.T) {
	skipIfShort(t)
	b := start(t, broker.Config{})
	patient := dialWith(t, b, amqp.Config{Heartbeat: 600 * time.Second})
	mute := tcp(t, b) // never sends the heartbeats that it asked for
	mute.login(nil, 1)
	b.Freeze()
	beats := 0
	must(t, mute.conn.SetReadDeadline(time.Now().Add(1500*time.Millisecond))) // three intervals
	for {
		if _, err := mute.r.ReadFrame(); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			break
		}
		beats++
	}
	if beats > 1 { // one may have been sent before
		t.Errorf("a frozen broker sent %d heartbeats", beats)
	}
	if n := len(b.Connections()); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	b.Thaw()
	channel(t, patient)
	eventually(t, "the end of the mute", func() (any, bool) { n := len(b.Connections()); return n, n == 1 })
	channel(t, patient)
}

func TestHeartbeat(t *testing.T) {
	skipIfShort(t)
	b := start(t, broker.Config{Heartbeat: time.Second})
	p := tcp(t, b)
	p.login(nil, 1)
	for range 3 {
		f, err := p.r.ReadFrame()
		must(t, err)
		if f.Type != wire.FrameHeartbeat {
			t.Fatalf("got a frame of type %d", f.Type)
		}
		p.write(wire.AppendHeartbeat(nil))
	}
	p.send(1, &wire.BasicQos{})
	await[*wire.BasicQosOk](p)
}

// An alarm blocks connections that publish, and tells those with the capability. Others go on.
func TestAlarm(t *testing.T) {
	b := start(t, broker.Config{})
	consumer := channel(t, dial(t, b))
	queue := declare(t, consumer, "queue", transient)
	deliveries := consume(t, consumer, queue)
	conn := dial(t, b)
	blockings := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	ch := channel(t, conn)
	must(t, ch.Confirm(false))
	closing, err := amqp.Dial(b.URL())
	must(t, err)
	closingChannel := channel(t, closing)
	old := login(t, b)
	old.send(1, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](old)

	b.RaiseAlarm()
	b.RaiseAlarm() // does nothing
	confirm := publish(t, ch, queue, text("held"))
	if got := receive(t, blockings); !got.Active || got.Reason != "low on memory" {
		t.Errorf("got %+v", got)
	}
	old.write(message(1, queue, false, []byte("held too")))
	must(t, errorOf(closingChannel.QueueDeclare("another", false, true, false, false, nil)))
	publish(t, closingChannel, queue, text("last"))
	eventually(t, "three blocked", func() (any, bool) {
		n := 0
		for _, c := range b.Connections() {
			if c.Blocked {
				n++
			}
		}
		return n, n == 3
	})
	// Close waits, since the broker does not read. With a deadline it ends.
	if err := closing.CloseDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
		t.Error("a blocked connection was closed in good order")
	}
	must(t, consumer.Qos(10, 0, false))
	wantAliveWithoutPublishing(t, b)
	select {
	case <-confirm.Done():
		t.Error("confirmed in spite of the alarm")
	case d := <-deliveries:
		t.Errorf("delivered %q in spite of the alarm", d.Body)
	default:
	}
	b.ClearAlarm()
	if got := receive(t, blockings); got.Active {
		t.Errorf("got %+v", got)
	}
	confirmed(t, confirm)
	if m, err := old.next(); err != nil {
		t.Error(err)
	} else if _, ok := m.(*wire.BasicAck); !ok { // and neither blocked nor unblocked
		t.Errorf("a client that knows nothing of alarms got %T", m)
	}
	for range 2 {
		must(t, receive(t, deliveries).Ack(false))
	}
	eventually(t, "the closed connection gone", func() (any, bool) { n := len(b.Connections()); return n, n == 3 })
}

func wantAliveWithoutPublishing(t *testing.T, b *broker.Broker) {
	t.Helper()
	conn, err := amqp.Dial(b.URL())
	must(t, err)
	channel(t, conn)
	must(t, conn.Close())
}

// A blocked connection can be closed and dropped.
func TestAlarmDrop(t *testing.T) {
	b := start(t, broker.Config{})
	closed, dropped := login(t, b), login(t, b)
	b.RaiseAlarm()
	for _, p := range []*peer{closed, dropped} {
		p.send(1, &wire.QueueDeclare{Exclusive: true})
		await[*wire.QueueDeclareOk](p)
		p.write(message(1, "queue", false, nil))
	}
	eventually(t, "blocked", func() (any, bool) {
		all := b.Connections()
		return all, len(all) == 2 && all[0].Blocked && all[1].Blocked
	})
	b.CloseConnections("enough")
	if got := closed.outcome(); got != "connection 320 about 0.0" {
		t.Error(got)
	}
	b.DropConnections()
	eventually(t, "all gone", func() (any, bool) { n := len(b.Connections()) + len(b.Queues()); return n, n == 0 })
}

// Queues above the memory limit raise an alarm, which ends when they have been emptied.
func TestMemoryLimit(t *testing.T) {
	const limit = 100_000
	b := start(t, broker.Config{MemoryLimit: limit})
	conn := dial(t, b)
	blockings := conn.NotifyBlocked(make(chan amqp.Blocking, 100))
	ch := channel(t, conn)
	must(t, ch.Confirm(false))
	other := channel(t, dial(t, b))
	for name, empty := range map[string]func(queue string){
		"acked": func(queue string) { consumeAll(t, other, queue, 12, func(d amqp.Delivery) { must(t, d.Ack(false)) }) },
		"rejected": func(queue string) {
			consumeAll(t, other, queue, 12, func(d amqp.Delivery) { must(t, d.Reject(false)) })
		},
		"auto ack": func(queue string) {
			for ok := true; ok; {
				_, ok, _ = other.Get(queue, true)
			}
		},
		"purged":  func(queue string) { must(t, errorOf(other.QueuePurge(queue, false))) },
		"deleted": func(queue string) { must(t, errorOf(other.QueueDelete(queue, false, false, false))) },
		"expired": func(string) {},
	} {
		for _, k := range []kind{transient, quorum} {
			queue := declare(t, other, fmt.Sprint(name, k.durable), k)
			var confirms []*amqp.DeferredConfirmation
			for range 11 {
				p := amqp.Publishing{Body: make([]byte, limit/10), Headers: amqp.Table{"key": "value"}}
				if name == "expired" {
					p.Expiration = "100"
				}
				confirms = append(confirms, publish(t, ch, queue, p))
			}
			if name == "expired" {
				for _, c := range confirms {
					confirmed(t, c)
				}
			} else {
				confirms = append(confirms, publish(t, ch, queue, text("one too many")))
				if got := receive(t, blockings); !got.Active {
					t.Fatalf("%s: not blocked", name)
				}
				if b.Memory() <= limit {
					t.Errorf("%s: blocked with %d bytes", name, b.Memory())
				}
				empty(queue)
				if got := receive(t, blockings); got.Active {
					t.Fatalf("%s: blocked again", name)
				}
				for _, c := range confirms {
					confirmed(t, c)
				}
			}
			_, err := other.QueueDelete(queue, false, false, false)
			must(t, err)
			eventually(t, name+": memory", func() (any, bool) { n := b.Memory(); return n, n == 0 })
			for len(blockings) > 0 {
				<-blockings
			}
		}
	}
}

// consumeAll consumes n messages of a queue and requeues each once.
func consumeAll(t *testing.T, ch *amqp.Channel, queue string, n int, end func(amqp.Delivery)) {
	t.Helper()
	deliveries := consume(t, ch, queue)
	for n > 0 {
		d := receive(t, deliveries)
		if !d.Redelivered {
			must(t, d.Nack(false, true))
			continue
		}
		end(d)
		n--
	}
}

// ReleaseConfirms sends the confirms that were held, but not to channels that have closed.
func TestHoldConfirms(t *testing.T) {
	b := start(t, broker.Config{})
	conn := dial(t, b)
	ch := channel(t, conn)
	must(t, ch.Confirm(false))
	queue := declare(t, ch, "queue", transient)
	p := login(t, b)
	p.send(1, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](p)

	b.HoldConfirms()
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	must(t, ch.PublishWithContext(t.Context(), "", "nowhere", true, false, text("returned")))
	first, second := publish(t, ch, queue, text("first")), publish(t, ch, queue, text("second"))
	receive(t, returns)
	// A channel that closes loses its confirms. A new one with the same number does not get them.
	p.write(message(1, queue, false, nil))
	p.send(1, &wire.ChannelClose{ReplyCode: 200})
	await[*wire.ChannelCloseOk](p)
	p.send(1, &wire.ChannelOpen{}, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](p)
	// So does a channel that fails.
	q := login(t, b)
	q.send(1, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](q)
	q.write(message(1, queue, false, nil))
	q.send(1, &wire.BasicAck{DeliveryTag: 1})
	if m, err := q.next(); err != nil {
		t.Error(err)
	} else if _, ok := m.(*wire.ChannelClose); !ok {
		t.Errorf("got %T, want channel.close", m)
	}

	wantQueue(t, b, queue, 4, 0)
	select {
	case <-first.Done():
		t.Error("confirmed")
	case <-second.Done():
		t.Error("confirmed")
	default:
	}
	b.ReleaseConfirms()
	confirmed(t, first)
	confirmed(t, second)
	confirmed(t, publish(t, ch, queue, text("third")))
	p.write(message(1, queue, false, nil))
	if ack := await[*wire.BasicAck](p); ack.DeliveryTag != 1 || ack.Multiple {
		t.Errorf("got %+v", ack)
	}
	p.write(append(message(1, queue, false, nil), frames(0, &wire.ConnectionClose{ReplyCode: 200})...))
	if ack := await[*wire.BasicAck](p); ack.DeliveryTag != 2 {
		t.Errorf("got %+v", ack)
	}
	await[*wire.ConnectionCloseOk](p)
	if m, err := p.next(); err == nil {
		t.Errorf("%T after connection.close-ok", m)
	}
}

func TestEndConnections(t *testing.T) {
	for name, end := range map[string]func(*broker.Broker){
		"CloseConnections": func(b *broker.Broker) { b.CloseConnections("for\nmaintenance") },
		"DropConnections":  (*broker.Broker).DropConnections,
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, broker.Config{})
			conn := dial(t, b)
			closed := watch(conn)
			ch := channel(t, conn)
			declare(t, ch, "exclusive", exclusive)
			queue := declare(t, ch, "queue", transient)
			put(t, ch, queue, text("1"), text("2"), text("3"))
			must(t, ch.Qos(2, 0, false))
			deliveries := consume(t, ch, queue)
			wantNext(t, deliveries, false, "1")
			wantNext(t, deliveries, false, "2")
			end(b)
			if all := b.Connections(); len(all) != 0 {
				t.Errorf("there still are %+v", all)
			}
			if _, ok := queueInfo(b, "exclusive"); ok {
				t.Error("the exclusive queue is still there")
			}
			err := receive(t, closed)
			if name == "CloseConnections" && (err.Code != amqp.ConnectionForced || err.Reason != `CONNECTION_FORCED - for\nmaintenance`) {
				t.Errorf("closed with %v", err)
			}
			ch = channel(t, dial(t, b))
			wantGet(t, ch, queue, true, "1")
			wantGet(t, ch, queue, true, "2")
			wantGet(t, ch, queue, false, "3")
		})
	}
}

func TestInfo(t *testing.T) {
	b := start(t, broker.Config{})
	hostile := "na\x1b[31mme"
	conn := dialWith(t, b, amqp.Config{Properties: amqp.Table{"connection_name": hostile}})
	second := dial(t, b)
	ch := channel(t, conn)
	channel(t, conn)
	for name, k := range map[string]kind{"transient": transient, "durable": durable, "quorum": quorum, "exclusive": exclusive, "auto-delete": {autoDelete: true}} {
		declare(t, ch, name, k)
	}
	put(t, ch, "durable", text("1"), text("2"), text("3"))
	wantGet(t, ch, "durable", false, "1")
	consume(t, ch, "quorum")
	want := []broker.QueueInfo{
		{Name: "auto-delete", Type: "classic", AutoDelete: true},
		{Name: "durable", Type: "classic", Durable: true, Ready: 2, Unacked: 1},
		{Name: "exclusive", Type: "classic", Exclusive: true},
		{Name: "quorum", Type: "quorum", Durable: true, Consumers: 1},
		{Name: "transient", Type: "classic"},
	}
	if got := b.Queues(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	all := b.Connections()
	if len(all) != 2 || all[0].Name != hostile || all[0].User != "guest" || all[0].Channels != 2 || all[0].Blocked ||
		all[1].Peer != second.LocalAddr().(*net.TCPAddr).String() || all[1].Since.Before(all[0].Since) {
		t.Errorf("got %+v", all)
	}
}

// DeleteQueue deletes even exclusive queues, and cancels their consumers.
func TestDeleteQueue(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "", exclusive)
	canceled := ch.NotifyCancel(make(chan string, 1))
	consume(t, ch, queue)
	if !b.DeleteQueue(queue) {
		t.Error("DeleteQueue found no queue")
	}
	receive(t, canceled)
	if _, ok := queueInfo(b, queue); ok {
		t.Error("the queue is still there")
	}
	if b.DeleteQueue(queue) {
		t.Error("DeleteQueue found a queue that was deleted")
	}
	declare(t, ch, "", exclusive) // the channel lives
	wantAlive(t, b)
}
