package broker

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// A rig is a broker without sockets. Output stays in the outboxes.
type rig struct{ b *Broker }

func newRig() *rig {
	return &rig{&Broker{queues: map[string]*queue{}, run: &run{conns: map[*connection]struct{}{}}, cfg: Config{MemoryLimit: math.MaxInt64}}}
}

// channel opens a channel on a new connection.
func (r *rig) channel() *channel {
	c := &connection{b: r.b, run: r.b.run, out: newOutbox(), frameMax: wire.FrameMinSize, channels: map[uint16]*channel{}, exclusive: map[*queue]struct{}{}, open: true}
	ch := &channel{conn: c, id: 1, consumers: map[string]*consumer{}}
	c.channels[1] = ch
	r.b.run.conns[c] = struct{}{}
	return ch
}

func (r *rig) queue() *queue {
	q := &queue{b: r.b, name: "queue", durable: true}
	r.b.queues[q.name] = q
	return q
}

// flush empties the outbox as a writer does.
func (r *rig) flush(c *connection) {
	c.out.mu.Lock()
	c.out.buf = nil
	c.out.mu.Unlock()
	c.resumeDeliveries()
}

// Random operations on a queue lose, duplicate and reorder no message, and leave no consumer waiting that could have one.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig()
		q := r.queue()
		var channels []*channel
		for range 3 {
			channels = append(channels, r.channel())
		}
		there := map[uint64]bool{} // messages, ready or unacked
		any := func(t *rapid.T) *channel {
			return channels[rapid.IntRange(0, len(channels)-1).Draw(t, "channel")]
		}
		// present returns the messages that are ready or unacked.
		present := func() map[uint64]bool {
			seen := map[uint64]bool{}
			add := func(m *message) {
				if seen[m.seq] {
					t.Fatalf("message %d is there twice", m.seq)
				}
				seen[m.seq] = true
			}
			for m := range q.ready.Iter() {
				add(m)
			}
			for _, ch := range channels {
				for _, d := range ch.unacked {
					add(d.m)
				}
			}
			return seen
		}
		settle := func(t *rapid.T, f func(ch *channel, tag uint64) *wire.Error) {
			ch := any(t)
			if len(ch.unacked) == 0 {
				t.Skip("nothing is unacked")
			}
			tag := ch.unacked[rapid.IntRange(0, len(ch.unacked)-1).Draw(t, "delivery")].tag
			if e := f(ch, tag); e != nil {
				t.Fatal(e.Text)
			}
		}
		forget := func(ch *channel, tag uint64, multiple bool) {
			for _, d := range ch.unacked {
				if d.tag == tag || multiple && d.tag < tag {
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
			"flush": func(t *rapid.T) { r.flush(any(t).conn) },
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
			"disconnect": func(t *rapid.T) {
				i := rapid.IntRange(0, len(channels)-1).Draw(t, "channel")
				channels[i].conn.release()
				delete(r.b.run.conns, channels[i].conn)
				channels[i] = r.channel()
			},
			"purge": func(t *rapid.T) {
				q.expireHead()
				for m := range q.ready.Iter() {
					delete(there, m.seq)
				}
				q.purge()
			},
			"": func(t *rapid.T) {
				if err := r.b.Check(); err != nil {
					t.Fatal(err)
				}
				got := present()
				for seq := range there {
					if !got[seq] {
						t.Fatalf("message %d is lost", seq)
					}
				}
				for _, c := range q.consumers {
					if q.ready.Len() > 0 && c.ready() {
						t.Fatalf("%d messages are ready, and so is consumer %s", q.ready.Len(), c.tag)
					}
				}
				if q.ready.Len() > 0 && q.ready.Front().expired() {
					t.Fatalf("message %d has expired and is at the head", q.ready.Front().seq)
				}
			},
		})
		for _, ch := range channels {
			ch.conn.release()
		}
		var order []uint64
		for m := q.pop(); m != nil; m = q.pop() {
			order = append(order, m.seq)
			r.b.freeMemory(m)
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

// Requeueing many messages among many others takes little more than linear time. Inserted one by one they would
// hold up the broker for minutes.
func TestRequeueMany(t *testing.T) {
	r := newRig()
	q := r.queue()
	ch, other := r.channel(), r.channel()
	const n = 100_000
	for range n {
		q.enqueue(&message{})
		q.enqueue(&message{})
	}
	for _, c := range []*channel{ch, other} {
		c.conn.out.aborted = true // drops output
	}
	for range n {
		if e := ch.get(&wire.BasicGet{Queue: "queue"}); e != nil {
			t.Fatal(e.Text)
		}
		if e := other.get(&wire.BasicGet{Queue: "queue"}); e != nil {
			t.Fatal(e.Text)
		}
	}
	ch.release()
	other.release()
	for want := uint64(1); want <= 2*n; want++ {
		m := q.pop()
		if m == nil || m.seq != want {
			t.Fatalf("got %+v, want message %d", m, want)
		}
		r.b.freeMemory(m)
	}
	if r.b.memory != 0 {
		t.Errorf("%d bytes are left", r.b.memory)
	}
}
