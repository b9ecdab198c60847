package broker

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// A rig is a broker without sockets, for its queues: what is sent stays in outboxes.
type rig struct {
	b  *Broker
	up *uptime
}

func newRig() *rig {
	up := &uptime{conns: map[*connection]struct{}{}, delayed: map[*time.Timer]struct{}{}}
	return &rig{up: up, b: &Broker{queues: map[string]*queue{}, up: up, memoryLimit: math.MaxInt64}}
}

// channel opens a channel on a connection of its own.
func (r *rig) channel() *channel {
	c := &connection{b: r.b, up: r.up, out: newOutbox(), frameMax: wire.FrameMinSize, channels: map[uint16]*channel{}, exclusive: map[*queue]struct{}{}, open: true}
	ch := &channel{conn: c, id: 1, consumers: map[string]*consumer{}}
	c.channels[1] = ch
	r.up.conns[c] = struct{}{}
	return ch
}

func (r *rig) queue() *queue {
	q := &queue{b: r.b, name: "queue", durable: true}
	r.b.queues[q.name] = q
	return q
}

// written empties the outbox as a writer does that has written all of it.
func (r *rig) written(c *connection) {
	c.out.mu.Lock()
	c.out.buf = nil
	c.out.mu.Unlock()
	c.drained()
}

// Whatever is done to a queue, its messages leave in the order in which they came, those that come
// back first, none is lost, none is there twice, nobody waits in vain, and the books are right.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig()
		q := r.queue()
		var channels []*channel
		for range 3 {
			channels = append(channels, r.channel())
		}
		there := map[uint64]bool{} // messages, ready or un-acked
		any := func(t *rapid.T) *channel {
			return channels[rapid.IntRange(0, len(channels)-1).Draw(t, "channel")]
		}
		tag := func(t *rapid.T, ch *channel) uint64 {
			if ch.unacked.live == 0 {
				t.Skip("nothing is un-acked")
			}
			return ch.unacked.list.At(rapid.IntRange(0, ch.unacked.list.Len()-1).Draw(t, "delivery")).tag
		}
		// left are the messages that the queue does not have yet and no channel has.
		left := func() map[uint64]bool {
			seen := map[uint64]bool{}
			note := func(m *message) {
				if seen[m.seq] {
					t.Fatalf("message %d is there twice", m.seq)
				}
				seen[m.seq] = true
			}
			for m := range q.ready.Iter() {
				note(m)
			}
			for _, ch := range channels {
				for d := range ch.unacked.list.Iter() {
					if d.m != nil {
						note(d.m)
					}
				}
			}
			return seen
		}
		settle := func(t *rapid.T, f func(ch *channel, tag uint64) *wire.Error) {
			ch := any(t)
			tag := tag(t, ch)
			if _, live := find(ch, tag); !live {
				t.Skip("it is done")
			}
			if e := f(ch, tag); e != nil {
				t.Fatal(e.Text)
			}
		}
		forget := func(ch *channel, tag uint64, multiple bool) {
			for d := range ch.unacked.list.Iter() {
				if d.m != nil && (d.tag == tag || multiple && d.tag < tag) {
					delete(there, d.m.seq)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "messages") {
					m := &message{body: make([]byte, rapid.IntRange(0, 100).Draw(t, "size"))}
					q.enqueue(m)
					there[m.seq] = true
				}
			},
			"publish one that expires": func(t *rapid.T) {
				q.enqueue(&message{expires: time.Unix(1, 0)})
			},
			"publish much": func(t *rapid.T) {
				m := &message{body: make([]byte, outboxFull)}
				q.enqueue(m)
				there[m.seq] = true
			},
			"written": func(t *rapid.T) { r.written(any(t).conn) },
			"consume": func(t *rapid.T) {
				ch := any(t)
				ch.prefetch = rapid.IntRange(0, 3).Draw(t, "prefetch")
				if e := ch.consume(&wire.BasicConsume{Queue: "queue"}); e != nil {
					t.Fatal(e.Text)
				}
			},
			"cancel": func(t *rapid.T) {
				if len(q.consumers) == 0 {
					t.Skip("no consumers")
				}
				c := q.consumers[rapid.IntRange(0, len(q.consumers)-1).Draw(t, "consumer")]
				if e := c.ch.perform(&wire.BasicCancel{ConsumerTag: c.tag}); e != nil {
					t.Fatal(e.Text)
				}
			},
			"get": func(t *rapid.T) {
				if e := any(t).get(&wire.BasicGet{Queue: "queue"}); e != nil {
					t.Fatal(e.Text)
				}
			},
			"ack": func(t *rapid.T) {
				settle(t, func(ch *channel, tag uint64) *wire.Error { forget(ch, tag, false); return ch.ack(tag, false, false) })
			},
			"ack multiple": func(t *rapid.T) {
				settle(t, func(ch *channel, tag uint64) *wire.Error { forget(ch, tag, true); return ch.ack(tag, true, false) })
			},
			"requeue": func(t *rapid.T) {
				settle(t, func(ch *channel, tag uint64) *wire.Error { return ch.ack(tag, false, true) })
			},
			"requeue multiple": func(t *rapid.T) {
				settle(t, func(ch *channel, tag uint64) *wire.Error { return ch.ack(tag, true, true) })
			},
			"leave": func(t *rapid.T) {
				i := rapid.IntRange(0, len(channels)-1).Draw(t, "channel")
				channels[i].conn.leave()
				delete(r.up.conns, channels[i].conn)
				channels[i] = r.channel()
			},
			"purge": func(t *rapid.T) {
				q.expire()
				for m := range q.ready.Iter() {
					delete(there, m.seq)
				}
				q.purge()
			},
			"": func(t *rapid.T) {
				if err := r.b.Check(); err != nil {
					t.Fatal(err)
				}
				got := left()
				for seq := range there {
					if !got[seq] {
						t.Fatalf("message %d is lost", seq)
					}
				}
				if q.ready.Len() > 0 && q.ready.Front().expired() {
					t.Fatalf("message %d has expired and is at the head", q.ready.Front().seq)
				}
			},
		})
		// In the end everything comes out, in order.
		for _, ch := range channels {
			ch.conn.leave()
		}
		var order []uint64
		for m := q.take(); m != nil; m = q.take() {
			order = append(order, m.seq)
			r.b.free(m)
		}
		if !slices.IsSorted(order) || len(order) != len(there) {
			t.Fatalf("%d messages came out, want %d in order: %v", len(order), len(there), order)
		}
		if r.b.memory != 0 {
			t.Fatalf("an empty queue holds %d bytes", r.b.memory)
		}
		q.delete()
	})
}

func find(ch *channel, tag uint64) (delivery, bool) {
	for d := range ch.unacked.list.Iter() {
		if d.tag == tag && d.m != nil {
			return d, true
		}
	}
	return delivery{}, false
}

// Consumers take turns.
func TestQueueRoundRobin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig()
		q := r.queue()
		n := rapid.IntRange(1, 8).Draw(t, "consumers")
		rounds := rapid.IntRange(1, 5).Draw(t, "rounds")
		for range n {
			if e := r.channel().consume(&wire.BasicConsume{Queue: "queue"}); e != nil {
				t.Fatal(e.Text)
			}
		}
		for range n * rounds {
			q.enqueue(&message{})
		}
		for _, c := range q.consumers {
			if c.unacked != rounds {
				t.Fatalf("one has %d messages, want %d", c.unacked, rounds)
			}
		}
	})
}

// Half a million messages that come back among half a million others take their places in
// one go: inserted one by one they would hold everybody up for minutes.
func TestRequeueMany(t *testing.T) {
	r := newRig()
	q := r.queue()
	ch, other := r.channel(), r.channel()
	const n = 500_000
	for range n {
		q.enqueue(&message{})
		q.enqueue(&message{})
	}
	for _, c := range []*channel{ch, other} {
		c.conn.out.failed = true // nothing is kept of what is sent
	}
	for range n {
		if e := ch.get(&wire.BasicGet{Queue: "queue"}); e != nil {
			t.Fatal(e.Text)
		}
		if e := other.get(&wire.BasicGet{Queue: "queue"}); e != nil {
			t.Fatal(e.Text)
		}
	}
	ch.leave()
	other.leave()
	for want := uint64(1); want <= 2*n; want++ {
		m := q.take()
		if m == nil || m.seq != want {
			t.Fatalf("got %+v, want message %d", m, want)
		}
		r.b.free(m)
	}
	if r.b.memory != 0 {
		t.Errorf("%d bytes are left", r.b.memory)
	}
}
