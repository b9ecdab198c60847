package link

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/wire"
)

// A channel handles the frames of acks like RabbitMQ.
type channel struct {
	fatalf func(string, ...any)
	open   []uint64 // unsettled tags, in order
	got    map[uint64]disposition
	frames int
}

func newChannel(fatalf func(string, ...any), deliveries int) *channel {
	c := &channel{fatalf: fatalf, got: map[uint64]disposition{}}
	for tag := range deliveries {
		c.open = append(c.open, uint64(tag+1))
	}
	return c
}

// handle handles frames.
func (c *channel) handle(frames []byte) {
	in := wire.NewReader(bytes.NewReader(frames))
	for rest := len(frames); rest > 0; {
		f, err := in.ReadFrame()
		if err != nil {
			c.fatalf("%v", err)
		}
		rest -= len(f.Payload) + wire.FrameOverhead
		m, err := wire.ParseMethod(f.Payload)
		if err != nil || f.Channel != channelNumber {
			c.fatalf("on channel %d: %v", f.Channel, err)
		}
		c.frames++
		switch m := m.(type) {
		case *wire.BasicAck:
			c.settle(m.DeliveryTag, m.Multiple, ack)
		case *wire.BasicReject:
			if m.Requeue {
				c.fatalf("a rejected request would be redelivered")
			}
			c.settle(m.DeliveryTag, false, reject)
		case *wire.BasicNack:
			if !m.Requeue {
				c.fatalf("a nack without requeue")
			}
			c.settle(m.DeliveryTag, m.Multiple, requeue)
		}
	}
}

func (c *channel) settle(tag uint64, multiple bool, v disposition) {
	i, found := slices.BinarySearch(c.open, tag)
	if !found {
		c.fatalf("the tag %d is unknown: RabbitMQ would close the channel", tag)
	}
	first := i
	if multiple {
		first = 0
	}
	for _, tag := range c.open[first : i+1] {
		c.got[tag] = v
	}
	c.open = slices.Delete(c.open, first, i+1)
}

// Deliveries may be settled in any order: each gets its own disposition, exactly once and at once.
func TestEachDeliveryIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "deliveries")
		c := newChannel(t.Fatalf, n)
		order := slices.Clone(c.open)
		if rapid.Bool().Draw(t, "shuffled") {
			order = rapid.Permutation(order).Draw(t, "order")
		}
		want := map[uint64]disposition{}
		var a acks
		for rest := order; len(rest) > 0; {
			size := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			for _, tag := range rest[:size] {
				want[tag] = rapid.SampledFrom([]disposition{ack, ack, ack, reject, requeue}).Draw(t, "disposition")
				a.pending = append(a.pending, settlement{tag, want[tag]})
			}
			rest = rest[size:]
			c.handle(a.appendTo(nil))
			for tag := range uint64(n) {
				got, settled := c.got[tag+1]
				v, due := want[tag+1]
				if settled != due || got != v {
					t.Fatalf("tag %d: settled %v as %d, want %v as %d", tag+1, settled, got, due, v)
				}
			}
		}
		if !slices.Equal(a.settled, []run{{0, uint64(n)}}) {
			t.Fatalf("after all %d tags the runs are %v", n, a.settled)
		}
	})
}

// Memory does not grow with the deliveries that are settled after an unsettled one.
func TestAcksMemory(t *testing.T) {
	c := newChannel(t.Fatalf, 0)
	var a acks
	settle := func(tag uint64) {
		c.open = append(c.open, tag)
		a.pending = append(a.pending, settlement{tag, ack})
		c.handle(a.appendTo(nil))
	}
	const long = 10 // the unsettled tag
	for tag := range uint64(10_000) {
		if tag++; tag != long {
			settle(tag)
		}
	}
	if len(a.settled) != 2 || cap(a.settled) > 16 || len(c.open) != 0 {
		t.Errorf("with one unsettled delivery: %d runs, %d are unacked", len(a.settled), len(c.open))
	}
	if settle(long); len(a.settled) != 1 || len(c.open) != 0 {
		t.Errorf("with none: %d runs, %d are unacked", len(a.settled), len(c.open))
	}
}

// Acks in the order of delivery become one frame.
func TestAcksInOrderAreOneFrame(t *testing.T) {
	c := newChannel(t.Fatalf, 100)
	var a acks
	for tag := range uint64(100) {
		a.pending = append(a.pending, settlement{tag + 1, ack})
	}
	if c.handle(a.appendTo(nil)); c.frames != 1 || len(c.open) != 0 {
		t.Errorf("%d frames for 100 acks, %d left", c.frames, len(c.open))
	}
	if more := a.appendTo(nil); len(more) != 0 {
		t.Errorf("%d more bytes", len(more))
	}
}
