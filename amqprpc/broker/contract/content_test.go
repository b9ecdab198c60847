package contract

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

var contentTests = []test{
	{"ContentSizes", contentSizes},
	{"ContentFrames", contentFrames},
	{"ContentProperties", contentProperties},
	{"ContentUnchanged", contentUnchanged},
	{"ContentUserID", contentUserID},
	{"ContentExpiration", contentExpiration},
	{"ContentDeliveryMode", contentDeliveryMode},
	{"ContentDirectReplyTo", contentDirectReplyTo},
}

// noise returns n random octets, the same in each call.
func noise(n int) []byte {
	b := make([]byte, n)
	for i, x := 0, uint32(n)+1; i < n; i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

func contentSizes(t *T) {
	for _, k := range kinds {
		ch := t.open()
		queue := t.declare(ch, k.kind)
		deliveries := t.consume(ch, queue)
		for _, n := range []int{0, 1, 4087, 4088, 4089, 131064, 131065, 262128, 1 << 20} {
			want := noise(n)
			t.putMessage(ch, queue, amqp.Publishing{Body: want})
			d := t.next(deliveries)
			if !bytes.Equal(d.Body, want) {
				t.Errorf("%s: a body of %d octets comes as another of %d", k.name, n, len(d.Body))
			}
			t.must(d.Ack(false))
		}
	}
}

// Whatever the frames of a published body, it is delivered in frames of the negotiated size, none of them empty.
func contentFrames(t *T) {
	const frameMax = minFrameMax
	const maxPayload = frameMax - wire.FrameOverhead
	p := t.loginWith(limits{10, frameMax, 0}, nil)
	queue := p.declare(1)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	for _, pieces := range [][]int{{}, {1}, {maxPayload}, {maxPayload, 1}, {maxPayload, maxPayload}, {1, 2, 3}, {0, 5, 0, 0, 5, 0, 1}} {
		size := 0
		for _, n := range pieces {
			size += n
		}
		body := noise(size)
		out := publication(1, wire.BasicPublish{RoutingKey: queue}, nil, nil, frameMax)
		// Without a body only the size in the header differs.
		const end = 2 + 1 // property flags, frame end
		for i := range 8 {
			out[len(out)-end-8+i] = byte(uint64(size) >> (8 * (7 - i)))
		}
		rest := body
		for _, n := range pieces {
			out = wire.AppendFrame(out, wire.FrameBody, 1, rest[:n])
			rest = rest[n:]
		}
		p.write(out)
		expect[*wire.BasicAck](p, 1)
		call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue, NoAck: true})
		if _, got := p.content(1, maxPayload); !bytes.Equal(got, body) {
			t.Errorf("published in pieces of %v: got another body of %d octets", pieces, len(got))
		}
	}
}

// everyProperty returns a message with all properties that amqp091-go knows and headers of all types.
func everyProperty(t *T) amqp.Publishing {
	t.Helper()
	response, _ := t.credentials()
	user, _, _ := strings.Cut(response[1:], "\x00")
	nested := amqp.Table{"deep": amqp.Table{"deeper": []any{amqp.Table{"deepest": "x"}, nil}}, "": "empty key"}
	return amqp.Publishing{
		Headers: amqp.Table{
			"true": true, "false": false, "byte": byte(255), "int8": int8(-128), "int16": int16(-32768), "uint16": uint16(65535),
			"int32": int32(-1 << 31), "uint32": uint32(1<<32 - 1), "int64": int64(-1 << 63), "float32": float32(1.5), "float64": -1e300,
			"decimal": amqp.Decimal{Scale: 2, Value: 12345}, "string": "text ☃ \x00\xff", "empty": "", "bytes": []byte{0, 1, 255},
			"array": []any{int32(1), "two", amqp.Table{}, true}, "table": nested, "null": nil,
			"time": time.Unix(1<<33, 0), "long": strings.Repeat("long ", 2000), strings.Repeat("k", 128): "a long key",
		},
		ContentType: "application/json", ContentEncoding: "gzip", DeliveryMode: amqp.Persistent, Priority: 9,
		CorrelationId: strings.Repeat("c", 255), ReplyTo: "amq.gen-somebody", Expiration: "3600000", MessageId: "id ☃",
		Timestamp: time.Unix(1_700_000_000, 0), Type: "type", UserId: user, AppId: "app", Body: []byte("body\x00\xff"),
	}
}

// wantSame compares properties, headers and bodies.
func (t *T) wantSame(got, want amqp.Publishing) {
	t.Helper()
	for key, w := range want.Headers {
		g := got.Headers[key]
		if at, ok := w.(time.Time); ok {
			if gt, ok := g.(time.Time); ok && gt.Equal(at) {
				continue
			}
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("header %q: %T %.100v, want %T %.100v", key, g, g, w, w)
		}
	}
	for key := range got.Headers {
		if _, ok := want.Headers[key]; !ok {
			t.Errorf("header %q was added", key)
		}
	}
	if !got.Timestamp.Equal(want.Timestamp) {
		t.Errorf("timestamp %v, want %v", got.Timestamp, want.Timestamp)
	}
	if !bytes.Equal(got.Body, want.Body) {
		t.Errorf("body %.100q, want %.100q", got.Body, want.Body)
	}
	got.Headers, got.Timestamp, got.Body = want.Headers, want.Timestamp, want.Body
	if !reflect.DeepEqual(got, want) {
		got.Headers, got.Body, want.Headers, want.Body = nil, nil, nil, nil
		t.Errorf("properties %+v, want %+v", got, want)
	}
}

func contentProperties(t *T) {
	ch := t.open()
	for _, k := range kinds {
		t.Log(k.name)
		queue := t.declare(ch, k.kind)
		deliveries := t.consume(ch, queue)
		for _, want := range []amqp.Publishing{everyProperty(t), {}, {Headers: amqp.Table{}}, {Priority: 255, DeliveryMode: 1}} {
			t.putMessage(ch, queue, want)
			d := t.next(deliveries)
			t.wantSame(amqp.Publishing{
				ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, Headers: d.Headers,
				DeliveryMode: d.DeliveryMode, Priority: d.Priority, CorrelationId: d.CorrelationId,
				ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageId: d.MessageId, Timestamp: d.Timestamp,
				Type: d.Type, UserId: d.UserId, AppId: d.AppId, Body: d.Body,
			}, want)
			t.must(d.Ack(false))
		}
	}
}

// Properties are passed on octet by octet: the order of headers, duplicate keys, and the reserved cluster-id. But
// since RabbitMQ 3.13 headers are sorted, and each key occurs once.
func contentUnchanged(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	const (
		unsorted = "\x20\x00\x00\x00\x00\x12\x01zI\x00\x00\x00\x01\x01aV\x01mt\x01\x01bt\x07"
		sorted   = "\x20\x00\x00\x00\x00\x12\x01aV\x01bt\x01\x01mt\x01\x01zI\x00\x00\x00\x01"
		twice    = "\x20\x00\x00\x00\x00\x06\x01aV\x01aV"
		once     = "\x20\x00\x00\x00\x00\x03\x01aV"
	)
	anew := t.isRabbitMQ(3, 13)
	for name, properties := range map[string]string{
		"none":                  "\x00\x00",
		"an empty header table": "\x20\x00\x00\x00\x00\x00",
		"unsorted headers":      unsorted,
		"empty content type":    "\x80\x00\x00",
		"cluster ID":            "\x00\x04\x07cluster",
		"a key twice":           twice,
	} {
		want := properties
		switch {
		case anew && want == unsorted:
			want = sorted
		case anew && want == twice:
			want = once
		}
		p.write(publication(1, wire.BasicPublish{RoutingKey: queue}, []byte(properties), []byte("body"), modest.frameMax))
		expect[*wire.BasicAck](p, 1)
		call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue, NoAck: true})
		f, err := p.frame()
		t.must(err)
		h, err := wire.ParseHeader(f.Payload)
		if err != nil || string(h.Properties) != want {
			t.Errorf("%s: got properties %q, %v, want %q", name, h.Properties, err, want)
		}
		if f, err = p.frame(); err != nil || string(f.Payload) != "body" {
			t.Errorf("%s: got body %q, %v", name, f.Payload, err)
		}
	}
}

// user_id must be the connection's user.
func contentUserID(t *T) {
	ch := t.open()
	queue := t.declare(ch, exclusive)
	closed := closing(ch)
	t.must(ch.PublishWithContext(t.Context(), "", queue, false, false, amqp.Publishing{UserId: "somebody else"}))
	t.wantClosed(closed, amqp.PreconditionFailed, "PRECONDITION_FAILED - user_id property set to 'somebody else' but authenticated user was '")
}

// An expiration is a whole number of milliseconds.
func contentExpiration(t *T) {
	conn := t.connect()
	queue := t.declare(t.channel(conn), exclusive)
	for _, bad := range []string{"1.5", "-1", "abc", " 1", "1 ", "1e3", "0x10", "315360000001", "99999999999999999999999"} {
		ch := t.channel(conn)
		closed := closing(ch)
		t.must(ch.PublishWithContext(t.Context(), "", queue, false, false, amqp.Publishing{Expiration: bad}))
		select {
		case err := <-closed:
			t.wantError(err, amqp.PreconditionFailed, "PRECONDITION_FAILED - invalid expiration '"+bad+"'")
			t.Log(err)
		case <-time.After(patience):
			t.Errorf("expiration %q was taken", bad)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ch := t.channel(conn)
	t.must(ch.Confirm(false))
	for _, good := range []string{"1000000", "315360000000", "0001000000"} {
		c, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false, amqp.Publishing{Expiration: good})
		t.must(err)
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			t.Fatalf("expiration %q: confirmed %v, %v", good, ok, err)
		}
		want := good
		if t.isRabbitMQ(3, 13) { // it parses the number
			want = strings.TrimLeft(good, "0")
		}
		if d := t.get(ch, queue); d.Expiration != want {
			t.Errorf("expiration %q comes as %q, want %q", good, d.Expiration, want)
		}
	}
	// Present and empty, which amqp091-go cannot send.
	p := t.login()
	p.write(publication(1, wire.BasicPublish{RoutingKey: queue}, []byte("\x01\x00\x00"), nil, modest.frameMax))
	t.wantOutcome("empty expiration", p.outcomeOf(0, nil), "channel close 406 about 60.40")
}

// The delivery mode is 1 (transient) or 2 (persistent). RabbitMQ does not check it since 3.13.
func contentDeliveryMode(t *T) {
	neither := "channel close 406 about 60.40"
	if t.isRabbitMQ(3, 13) {
		neither = goesOn
	}
	for mode, want := range map[byte]string{0: neither, 1: goesOn, 2: goesOn, 3: neither, 255: neither} {
		p := t.login()
		p.write(publication(1, wire.BasicPublish{RoutingKey: p.declare(1)}, []byte{0x10, 0, mode}, []byte("message"), modest.frameMax))
		t.wantOutcome(fmt.Sprint("delivery mode ", mode), p.outcome(), want)
	}
}

// A request with amq.rabbitmq.reply-to needs a consumer of it.
func contentDirectReplyTo(t *T) {
	ch := t.open()
	closed := closing(ch)
	m := amqp.Publishing{ReplyTo: "amq.rabbitmq.reply-to", Body: []byte("message")}
	t.must(ch.PublishWithContext(t.Context(), "", t.declare(ch, exclusive), false, false, m))
	t.wantClosed(closed, amqp.PreconditionFailed, "PRECONDITION_FAILED - fast reply consumer does not exist")
}
