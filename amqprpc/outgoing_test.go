package amqprpc

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// sink is a net.Conn that keeps what is written to it.
type sink struct {
	net.Conn
	got    []byte
	writes int
	err    error // of every write
}

func (s *sink) Write(p []byte) (int, error) {
	s.writes++
	if s.err != nil {
		return 0, s.err
	}
	s.got = append(s.got, p...)
	return len(p), nil
}

// What is gathered goes out in one write, in order, whatever its size, and large bodies in
// frames that the broker takes.
func TestOutgoing(t *testing.T) {
	to := &sink{}
	out := outgoing{to: newStream(to, to, nil), max: wire.FrameMinSize}
	sizes := []int{0, 1, 5000, 300_000}
	for i, size := range sizes {
		p := amqp.Publishing{CorrelationId: string(rune('a' + i)), Headers: amqp.Table{"k": int32(i)}, Body: bytes.Repeat([]byte{byte(i)}, size)}
		if err := out.prepare(&p); err != nil {
			t.Fatal(err)
		}
		out.publish("", "queue", i%2 == 0, p.Body)
	}
	out.Ack(3, true)
	out.Nack(4, false, true)
	out.Reject(5, false)
	if to.writes != 0 || !out.full() {
		t.Errorf("%d writes before flush; full: %v", to.writes, out.full())
	}
	for range 2 { // the second has nothing to write
		if err := out.flush(); err != nil || to.writes != 1 || out.full() {
			t.Fatalf("%d writes, error %v", to.writes, err)
		}
	}
	if room := cap(out.buf); room > 256<<10 {
		t.Errorf("room for %d octets is kept", room)
	}

	r := wire.NewReader(bytes.NewReader(to.got))
	r.SetFrameMax(wire.FrameMinSize)
	next := func(typ uint8) []byte {
		f, err := r.ReadFrame()
		if err != nil || f.Type != typ || f.Channel != callChannel {
			t.Fatalf("frame of type %d on channel %d, error %v; want type %d", f.Type, f.Channel, err, typ)
		}
		return f.Payload
	}
	for i, size := range sizes {
		p, err := wire.ParsePublish(next(wire.FrameMethod))
		if err != nil || string(p.RoutingKey) != "queue" || len(p.Exchange) > 0 || p.Mandatory != (i%2 == 0) || p.Immediate {
			t.Fatalf("publish %d: %+v, %v", i, p, err)
		}
		h, err := wire.ParseHeader(next(wire.FrameHeader))
		if err != nil || h.BodySize != uint64(size) {
			t.Fatalf("header %d: %+v, %v", i, h, err)
		}
		props, err := wire.ParseProperties(h.Properties)
		if err != nil || props.CorrelationId != string(rune('a'+i)) || props.Headers["k"] != int32(i) {
			t.Fatalf("properties %d: %+v, %v", i, props, err)
		}
		got := 0
		for got < size {
			b := next(wire.FrameBody)
			if bytes.Count(b, []byte{byte(i)}) != len(b) {
				t.Fatalf("body %d is another", i)
			}
			got += len(b)
		}
		if got != size {
			t.Fatalf("body %d of %d octets, want %d", i, got, size)
		}
	}
	if tag, multiple, err := wire.ParseAck(next(wire.FrameMethod)); err != nil || tag != 3 || !multiple {
		t.Errorf("ack of %d, multiple %v, error %v", tag, multiple, err)
	}
	for _, want := range []wire.Method{&wire.BasicNack{DeliveryTag: 4, Requeue: true}, &wire.BasicReject{DeliveryTag: 5}} {
		m, err := wire.ParseMethod(next(wire.FrameMethod))
		if err != nil || !equalMethods(m, want) {
			t.Errorf("%+v, %v; want %+v", m, err, want)
		}
	}
	if r.Buffered() != 0 {
		t.Errorf("%d octets more", r.Buffered())
	}
}

func equalMethods(a, b wire.Method) bool {
	return bytes.Equal(wire.AppendMethod(nil, 1, a), wire.AppendMethod(nil, 1, b))
}

// What cannot be carried is refused, and leaves nothing half in the buffer.
func TestOutgoingRefuses(t *testing.T) {
	out := outgoing{max: wire.FrameMinSize}
	if err := out.prepare(&amqp.Publishing{Headers: amqp.Table{"k": uint64(1)}}); !errors.Is(err, wire.ErrValue) {
		t.Errorf("error %v", err)
	}
	// A header frame may be as large as was agreed on, and not an octet larger.
	for size, fits := range map[int]bool{4000: true, wire.FrameMinSize - 8 - 12 - 2 - 4 - 2 - 5: true, wire.FrameMinSize - 8 - 12 - 2 - 4 - 2 - 5 + 1: false} {
		p := &amqp.Publishing{Headers: amqp.Table{"k": strings.Repeat("x", size)}}
		if err := out.prepare(p); (err == nil) != fits {
			t.Errorf("a header of %d octets: %v", size, err)
		} else if fits {
			out.publish("", "queue", true, nil)
			r := wire.NewReader(bytes.NewReader(out.buf))
			for r.Buffered() > 0 || len(out.buf) > 0 {
				if _, err := r.ReadFrame(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("a header of %d octets: %v", size, err)
				}
			}
			out.buf = nil
		}
	}
}

func TestOutgoingError(t *testing.T) {
	broken := errors.New("broken")
	to := &sink{err: broken}
	out := outgoing{to: newStream(to, to, nil)}
	out.Ack(1, false)
	if err := out.flush(); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
