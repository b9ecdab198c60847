package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// The hot functions agree with ParseMethod and AppendMethod.
func TestHotMethodsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m BasicPublish
		drawMethod(t, &m)
		p, err := ParsePublish(payloadOf(t, AppendMethod(nil, 1, &m)))
		if err != nil || string(p.Exchange) != m.Exchange || string(p.RoutingKey) != m.RoutingKey ||
			p.Mandatory != m.Mandatory || p.Immediate != m.Immediate {
			t.Fatalf("%+v is read as %+v, %v", m, p, err)
		}
		m.Immediate = false
		if got := AppendPublish(nil, 7, m.Exchange, m.RoutingKey, m.Mandatory); !bytes.Equal(got, AppendMethod(nil, 7, &m)) {
			t.Fatalf("%+v is written as % x", m, got)
		}
		var a BasicAck
		drawMethod(t, &a)
		whole := AppendMethod(nil, 7, &a)
		if got := AppendAck(nil, 7, a.DeliveryTag, a.Multiple); !bytes.Equal(got, whole) {
			t.Fatalf("%+v is written as % x", a, got)
		}
		tag, multiple, err := ParseAck(payloadOf(t, whole))
		if err != nil || tag != a.DeliveryTag || multiple != a.Multiple {
			t.Fatalf("%+v is read as %d, %v, %v", a, tag, multiple, err)
		}
		var d BasicDeliver
		drawMethod(t, &d)
		whole = AppendMethod(nil, 7, &d)
		if got := AppendDeliver(nil, 7, d.ConsumerTag, d.DeliveryTag, d.Redelivered, d.Exchange, d.RoutingKey); !bytes.Equal(got, whole) {
			t.Fatalf("%+v is written as % x", d, got)
		}
		got, err := ParseDeliver(payloadOf(t, whole))
		if err != nil || string(got.ConsumerTag) != d.ConsumerTag || got.DeliveryTag != d.DeliveryTag || got.Redelivered != d.Redelivered ||
			string(got.Exchange) != d.Exchange || string(got.RoutingKey) != d.RoutingKey {
			t.Fatalf("%+v is read as %+v, %v", d, got, err)
		}
	})
}

func TestHotMethodsErrors(t *testing.T) {
	publish := payloadOf(t, AppendMethod(nil, 1, &BasicPublish{Exchange: "e", RoutingKey: "k"}))
	ack := payloadOf(t, AppendAck(nil, 1, 1, true))
	parsePublish := func(b []byte) error { _, err := ParsePublish(b); return err }
	deliver := payloadOf(t, AppendDeliver(nil, 1, "c", 1, false, "e", "k"))
	parseDeliver := func(b []byte) error { _, err := ParseDeliver(b); return err }
	parseAck := func(b []byte) error { _, _, err := ParseAck(b); return err }
	for _, c := range []struct {
		payload []byte
		parse   func([]byte) error
		method  uint16
		other   []byte
	}{
		{publish, parsePublish, BasicPublishID, ack},
		{deliver, parseDeliver, BasicDeliverID, ack},
		{ack, parseAck, BasicAckID, publish},
	} {
		for n := range len(c.payload) {
			e := wantError(t, c.parse(c.payload[:n]), SyntaxError)
			if n >= methodHead && (e.Class != ClassBasic || e.Method != c.method) {
				t.Errorf("%d bytes: %+v", n, e)
			}
		}
		wantError(t, c.parse(append(bytes.Clone(c.payload), 0)), SyntaxError)
		wantError(t, c.parse(c.other), CommandInvalid)
	}
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, ErrValue) {
			t.Errorf("a long routing key: %v", err)
		}
	}()
	AppendDeliver(nil, 1, "c", 1, false, "", strings.Repeat("k", 256))
}

// request returns the three frames of a publish of an RPC client.
func request(expiration string) []byte {
	properties, err := AppendProperties(nil, &amqp.Publishing{
		Headers: amqp.Table{"attempt": int32(1)}, ContentType: "application/json", DeliveryMode: 1,
		CorrelationId: "7f1c1d3e-4b5f-4a0e-9d1c-2f8f4c6c7d10", ReplyTo: "amq.gen-JzTY20BRgKO-HjmUJj0wLg", Expiration: expiration,
	})
	if err != nil {
		panic(err)
	}
	out := AppendMethod(nil, 1, &BasicPublish{RoutingKey: "rpc_queue", Mandatory: true})
	return AppendContent(out, 1, ClassBasic, properties, []byte(`{"n":30}`), FrameMinSize)
}

// A repeater is a Reader that repeats the same bytes for ever.
type repeater struct {
	b  []byte
	at int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

// readRequest reads the frames of a request and returns the size of its body.
func readRequest(tb testing.TB, r *Reader) int {
	for {
		f, err := r.ReadFrame()
		if err != nil {
			tb.Fatal(err)
		}
		switch f.Type {
		case FrameMethod:
			if _, err := ParsePublish(f.Payload); err != nil {
				tb.Fatal(err)
			}
		case FrameHeader:
			h, err := ParseHeader(f.Payload)
			if err != nil {
				tb.Fatal(err)
			}
			if _, err := ParseBrief(h.Properties); err != nil {
				tb.Fatal(err)
			}
		case FrameBody:
			return len(f.Payload)
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	r := NewReader(&repeater{b: request("")})
	ack := payloadOf(t, AppendAck(nil, 1, 1, true))
	out := make([]byte, 0, 4096)
	properties, body := []byte("\x10\x00\x02"), []byte("body")
	for name, f := range map[string]func(){
		"a publish": func() { readRequest(t, r) },
		"an ack":    func() { _, _, _ = ParseAck(ack) },
		"a delivery": func() {
			out = AppendDeliver(out[:0], 1, "consumer", 1, false, "", "queue")
			out = AppendContent(out, 1, ClassBasic, properties, body, FrameMinSize)
		},
		"a confirm": func() { out = AppendAck(out[:0], 1, 1, false) },
	} {
		if allocs := testing.AllocsPerRun(1000, f); allocs != 0 {
			t.Errorf("%s makes %v allocations", name, allocs)
		}
	}
}

func BenchmarkReadPublish(b *testing.B) {
	for name, expiration := range map[string]string{"plain": "", "expiration": "5000"} {
		b.Run(name, func(b *testing.B) {
			in := request(expiration)
			r := NewReader(&repeater{b: in})
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				readRequest(b, r)
			}
		})
	}
}

func BenchmarkAppendDelivery(b *testing.B) {
	properties := bytes.Repeat([]byte{0}, 100)
	body := make([]byte, 100)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = AppendDeliver(out[:0], 1, "ctag1.7f1c1d3e4b5f", 123456, false, "", "rpc_queue")
		out = AppendContent(out, 1, ClassBasic, properties, body, 128<<10)
	}
	b.SetBytes(int64(len(out)))
}
