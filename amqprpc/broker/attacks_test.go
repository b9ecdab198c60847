package broker_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// maxWaiting returns the bound of a client's outbox, with one message of this size.
func maxWaiting(message int) int { return 1<<20 + message + 64<<10 }

// heap returns the bytes in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Connections that send nothing do not disturb others.
func TestSilentConnections(t *testing.T) {
	b := start(t, broker.Config{})
	var silent []*peer
	for range 300 {
		silent = append(silent, tcp(t, b))
	}
	wantAlive(t, b)
	for _, p := range silent {
		must(t, p.conn.Close())
	}
	wantAlive(t, b)
}

// A consumer that does not read is sent a bounded number of messages, and the rest in order once it reads.
func TestDeliveriesUnread(t *testing.T) {
	b := start(t, broker.Config{})
	p := login(t, b)
	p.send(1, &wire.QueueDeclare{Queue: "queue"}, &wire.BasicConsume{Queue: "queue", ConsumerTag: "c", NoAck: true})
	await[*wire.BasicConsumeOk](p)
	ch := channel(t, dial(t, b))
	const n, size = 400, 100_000
	for i := range n {
		body := make([]byte, size)
		binary.BigEndian.PutUint64(body, uint64(i))
		put(t, ch, "queue", amqp.Publishing{Body: body})
		if waiting := b.Outboxes(); waiting > maxWaiting(size) {
			t.Fatalf("%d bytes wait", waiting)
		}
	}
	if q, _ := queueInfo(b, "queue"); q.Ready == 0 {
		t.Fatal("everything was sent: this tests nothing")
	}
	wantAlive(t, b)
	for i := range n {
		d := await[*wire.BasicDeliver](p)
		if d.DeliveryTag != uint64(i+1) {
			t.Fatalf("delivery %d has tag %d", i, d.DeliveryTag)
		}
		f, err := p.r.ReadFrame()
		for err == nil && f.Type != wire.FrameBody {
			f, err = p.r.ReadFrame()
		}
		must(t, err)
		if got := binary.BigEndian.Uint64(f.Payload); got != uint64(i) {
			t.Fatalf("delivery %d is message %d", i, got)
		}
	}
	wantQueue(t, b, "queue", 0, 0)
	must(t, b.Check())
}

// Answers that a client does not read are bounded, too.
func TestGetsUnread(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	const size, rounds = 2 << 20, 30
	put(t, ch, declare(t, ch, "queue", transient), amqp.Publishing{Body: make([]byte, size)})
	p := login(t, b)
	var gets []byte
	for tag := range uint64(rounds) {
		gets = append(gets, frames(1, &wire.BasicGet{Queue: "queue"}, &wire.BasicNack{DeliveryTag: tag + 1, Requeue: true})...)
	}
	p.write(gets)
	longest := 0
	eventually(t, "a full outbox", func() (any, bool) { longest = max(longest, b.Outboxes()); return longest, longest > 1<<20 })
	for range 1000 {
		longest = max(longest, b.Outboxes())
	}
	if longest > maxWaiting(size) {
		t.Errorf("%d bytes wait", longest)
	}
	wantAlive(t, b)
	for tag := range uint64(rounds) {
		if ok := await[*wire.BasicGetOk](p); ok.DeliveryTag != tag+1 || ok.Redelivered != (tag > 0) {
			t.Fatalf("got %+v", ok)
		}
	}
	wantQueue(t, b, "queue", 1, 0)
}

// A header allocates no memory for the body that it announces.
func TestHalfMessages(t *testing.T) {
	b := start(t, broker.Config{})
	p := login(t, b)
	const channels = 1000
	half := make([]byte, 0, 100_000)
	for id := uint16(2); id < channels+2; id++ {
		p.send(id, &wire.ChannelOpen{})
		await[*wire.ChannelOpenOk](p)
	}
	before := heap()
	announcement := message(0, "queue", false, make([]byte, 2<<20))
	method, header := wireLength(announcement, 1), wireLength(announcement, 2)
	for id := uint16(2); id < channels+2; id++ {
		binary.BigEndian.PutUint16(announcement[1:], id)
		binary.BigEndian.PutUint16(announcement[method+1:], id)
		half = append(half, announcement[:header]...)
	}
	p.write(half)
	p.send(1, &wire.BasicQos{})
	await[*wire.BasicQosOk](p)
	if more := heap() - before; more > 20<<20 {
		t.Errorf("%d bytes for %d announcements", more, channels)
	}
	// Channel 1 works meanwhile.
	p.send(1, &wire.QueueDeclare{Queue: "queue"}, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](p)
	p.write(message(1, "queue", false, []byte("whole")))
	await[*wire.BasicAck](p)
	p.send(2, &wire.ChannelClose{}) // instead of the body
	if got := p.outcome(); got != "connection 505 about 60.40" {
		t.Error(got)
	}
}

// wireLength returns the length of the first n frames.
func wireLength(b []byte, n int) (length int) {
	for range n {
		length += int(binary.BigEndian.Uint32(b[length+3:])) + wire.FrameOverhead
	}
	return length
}

// Floods of permitted methods do no harm, and other clients have their turn meanwhile.
func TestFloods(t *testing.T) {
	const n = 5000
	for name, flood := range map[string]struct {
		prepare []wire.Method
		round   func(i int) []byte
		answers int // to a round
	}{
		"channels": {nil, func(int) []byte {
			return frames(2, &wire.ChannelOpen{}, &wire.ChannelClose{ReplyCode: 200})
		}, 2},
		"queues": {nil, func(i int) []byte {
			return frames(1, &wire.QueueDeclare{Queue: fmt.Sprint("queue", i), Exclusive: i%2 == 0})
		}, 1},
		"auto-delete queues": {nil, func(i int) []byte {
			q := fmt.Sprint("queue", i)
			return frames(1, &wire.QueueDeclare{Queue: q, AutoDelete: true}, &wire.BasicConsume{Queue: q, ConsumerTag: "c"}, &wire.BasicCancel{ConsumerTag: "c"})
		}, 3},
		"consumers come and go": {[]wire.Method{&wire.QueueDeclare{Queue: "queue"}}, func(int) []byte {
			return frames(1, &wire.BasicConsume{Queue: "queue", ConsumerTag: "c"}, &wire.BasicCancel{ConsumerTag: "c"})
		}, 2},
		"consumers stay": {[]wire.Method{&wire.QueueDeclare{Queue: "queue"}}, func(i int) []byte {
			return frames(1, &wire.BasicConsume{Queue: "queue", ConsumerTag: fmt.Sprint("c", i)})
		}, 1},
		"gets of nothing": {[]wire.Method{&wire.QueueDeclare{Queue: "queue"}}, func(int) []byte {
			return frames(1, &wire.BasicGet{Queue: "queue"})
		}, 1},
		"returns": {nil, func(int) []byte { return message(1, "nowhere", true, []byte("body")) }, 1},
		"channel errors": {nil, func(int) []byte {
			return frames(2, &wire.ChannelOpen{}, &wire.BasicAck{DeliveryTag: 1}, &wire.ChannelCloseOk{})
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, broker.Config{})
			p := login(t, b)
			for _, m := range flood.prepare {
				p.send(1, m)
				_, err := p.next()
				must(t, err)
			}
			flooding := make(chan struct{})
			go func() {
				defer close(flooding)
				var out []byte
				for i := range n {
					if out = append(out, flood.round(i)...); len(out) > 60_000 || i == n-1 {
						if _, err := p.conn.Write(out); err != nil {
							return
						}
						out = out[:0]
					}
				}
			}()
			for range n / 2 * flood.answers {
				_, err := p.next()
				must(t, err)
			}
			wantAlive(t, b)
			for range n / 2 * flood.answers {
				_, err := p.next()
				must(t, err)
			}
			<-flooding
			must(t, b.Check())
			must(t, p.conn.Close())
			eventually(t, "the connection gone", func() (any, bool) { c := b.Connections(); return c, len(c) == 0 })
			wantAlive(t, b)
		})
	}
}

// A message that is rejected and redelivered forever does not stop other clients.
func TestRequeueLoop(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", quorum)
	put(t, ch, queue, text("1"), text("2"))
	p := login(t, b)
	p.send(1, &wire.BasicQos{PrefetchCount: 1})
	await[*wire.BasicQosOk](p)
	p.send(1, &wire.BasicConsume{Queue: queue})
	const n = 20_000
	for i := range uint64(n) {
		if d := await[*wire.BasicDeliver](p); d.DeliveryTag != i+1 || d.Redelivered != (i > 0) {
			t.Fatalf("got %+v", d)
		}
		p.send(1, &wire.BasicReject{DeliveryTag: i + 1, Requeue: true})
		if i == n/2 {
			wantAlive(t, b)
		}
	}
	must(t, p.conn.Close())
	wantQueue(t, b, queue, 2, 0)
	d := wantGet(t, ch, queue, true, "1")
	if count := d.Headers["x-delivery-count"]; count != int64(n) && count != int64(n+1) {
		t.Errorf("x-delivery-count %v, want about %d", count, n)
	}
}

// Many deliveries are acked one by one from the last, then several, then all at once.
func TestManyUnacked(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", transient)
	const n = 20_000
	p := login(t, b)
	p.send(1, &wire.BasicConsume{Queue: queue, ConsumerTag: "c"})
	await[*wire.BasicConsumeOk](p)
	go func() {
		var out []byte
		for range n {
			out = append(out, message(1, queue, false, nil)...)
		}
		_, _ = p.conn.Write(out)
	}()
	for range n {
		await[*wire.BasicDeliver](p)
	}
	var out []byte
	for tag := uint64(n); tag > n/2; tag-- {
		out = append(out, frames(1, &wire.BasicAck{DeliveryTag: tag})...)
	}
	p.write(out)
	wantQueue(t, b, queue, 0, n/2)
	must(t, b.Check())
	p.send(1, &wire.BasicAck{DeliveryTag: n / 4, Multiple: true})
	wantQueue(t, b, queue, 0, n/4)
	p.send(1, &wire.BasicNack{Multiple: true, Requeue: true})
	for range n / 4 {
		if d := await[*wire.BasicDeliver](p); !d.Redelivered {
			t.Fatalf("got %+v", d)
		}
	}
	wantQueue(t, b, queue, 0, n/4)
	p.send(1, &wire.BasicAck{Multiple: true})
	wantQueue(t, b, queue, 0, 0)
	if n := b.Memory(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// Frames may arrive octet by octet.
func TestSingleOctets(t *testing.T) {
	b := start(t, broker.Config{})
	p := login(t, b)
	for _, octet := range append(message(1, "nowhere", true, []byte("body")), frames(1, &wire.BasicQos{})...) {
		p.write([]byte{octet})
	}
	await[*wire.BasicReturn](p)
	await[*wire.BasicQosOk](p)
}

// Clients that disconnect at any point leave no consumers, deliveries or queues behind.
func TestAbruptEnds(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", transient)
	const n = 100
	for range n {
		put(t, ch, queue, amqp.Publishing{Body: make([]byte, 20_000)})
	}
	for name, end := range map[string]func(p *peer){
		"closed without reading the answer": func(p *peer) {
			p.send(0, &wire.ConnectionClose{ReplyCode: 200})
			must(t, p.conn.Close())
		},
		"gone during deliveries":   func(p *peer) { must(t, p.conn.Close()) },
		"in the middle of a frame": func(p *peer) { p.write([]byte{1, 0, 1}); must(t, p.conn.Close()) },
		"half closed": func(p *peer) {
			must(t, p.conn.(interface{ CloseWrite() error }).CloseWrite())
			if _, err := io.Copy(io.Discard, p.conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		},
		"nothing after connection.close": func(p *peer) {
			p.send(0, &wire.ConnectionClose{ReplyCode: 200})
			go func() { _, _ = io.Copy(io.Discard, p.conn) }() // and never closes
		},
	} {
		for range 3 {
			p := login(t, b)
			p.send(1, &wire.QueueDeclare{Exclusive: true}, &wire.BasicConsume{Queue: queue})
			await[*wire.BasicDeliver](p)
			end(p)
			eventually(t, name, func() (any, bool) {
				q, _ := queueInfo(b, queue)
				return q, q.Ready == n && q.Unacked == 0 && q.Consumers == 0 && len(b.Queues()) == 1
			})
		}
		must(t, b.Check())
	}
	for deadline := soon(); len(b.Connections()) > 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", b.Connections())
		}
	}
}
