package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// allProperties is written by hand from the specification.
const allProperties = "\xff\xf8" +
	"\x0atext/plain" + "\x04gzip" + "\x00\x00\x00\x04\x01kt\x01" + "\x02" + "\x05" +
	"\x04corr" + "\x05reply" + "\x041000" + "\x02id" + "\x00\x00\x00\x00\x65\x53\xf1\x00" + "\x04type" + "\x05guest" + "\x03app"

var allPublishing = amqp.Publishing{
	ContentType: "text/plain", ContentEncoding: "gzip", Headers: amqp.Table{"k": true}, DeliveryMode: 2, Priority: 5,
	CorrelationId: "corr", ReplyTo: "reply", Expiration: "1000", MessageId: "id", Timestamp: time.Unix(1700000000, 0),
	Type: "type", UserId: "guest", AppId: "app",
}

func TestPropertiesEncoding(t *testing.T) {
	for _, c := range []struct {
		wire  string
		p     amqp.Publishing
		brief Brief
	}{
		{allProperties, allPublishing, Brief{DeliveryMode: 2, HasDeliveryMode: true, Expiration: "1000", HasExpiration: true, UserID: "guest", HasUserID: true}},
		{"\x00\x00", amqp.Publishing{}, Brief{}},
		{"\x04\x00\x01c", amqp.Publishing{CorrelationId: "c"}, Brief{}},
		{"\x10\x00\x01", amqp.Publishing{DeliveryMode: 1}, Brief{DeliveryMode: 1, HasDeliveryMode: true}},
		{"\x02\x00\x15amq.rabbitmq.reply-to", amqp.Publishing{ReplyTo: "amq.rabbitmq.reply-to"}, Brief{DirectReply: true}},
		{"\x20\x00" + long("\x02CCV"), amqp.Publishing{Headers: amqp.Table{"CC": nil}}, Brief{Copies: true}},
		{"\x20\x00" + long("\x03BCC"+"S"+long("CC")), amqp.Publishing{Headers: amqp.Table{"BCC": "CC"}}, Brief{Copies: true}},
		{"\x20\x00" + long("\x03CCC"+"S"+long("CC")), amqp.Publishing{Headers: amqp.Table{"CCC": "CC"}}, Brief{}},
		{"\x20\x00" + long("\x01a"+"F"+long("\x02CCV")), amqp.Publishing{Headers: amqp.Table{"a": amqp.Table{"CC": nil}}}, Brief{}},
	} {
		if got, err := ParseProperties([]byte(c.wire)); err != nil || !reflect.DeepEqual(got, c.p) {
			t.Errorf("%q is read as %+v, %v", c.wire, got, err)
		}
		if got, err := ParseBrief([]byte(c.wire)); err != nil || got != c.brief {
			t.Errorf("%q has the brief %+v, %v", c.wire, got, err)
		}
		if got, err := AppendProperties([]byte("before"), &c.p); err != nil || string(got) != "before"+c.wire {
			t.Errorf("%+v is written as %q, %v", c.p, got, err)
		}
	}
	// Present, but empty.
	if got, err := ParseBrief([]byte("\x11\x10\x00\x00\x00")); err != nil || !got.HasDeliveryMode || !got.HasExpiration || !got.HasUserID {
		t.Errorf("%+v, %v", got, err)
	}
	// The cluster ID is reserved in the specification.
	if got, err := ParseProperties([]byte("\x00\x0c\x01a\x01c")); err != nil || got.AppId != "a" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParsePropertiesErrors(t *testing.T) {
	broken := []string{
		"\x00\x01", "\x00\x01\x00\x00", "\x00\x02", // undefined flags
		"\x00\x00\x00", allProperties + "\x00", // too long
		"\x20\x00" + long("\x01kq"), "\x20\x00" + long("\x01kS\xff\xff\xff\xff"), // headers
	}
	for n := range len(allProperties) {
		broken = append(broken, allProperties[:n])
	}
	for _, in := range broken {
		_, err := ParseBrief([]byte(in))
		wantError(t, err, SyntaxError)
		_, err = ParseProperties([]byte(in))
		wantError(t, err, SyntaxError)
	}
}

func TestPropertiesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProperties(t)
		wire, err := AppendProperties(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseProperties(wire)
		if err != nil || !sameFields(got, p) {
			t.Fatalf("%+v came back as %+v, %v", p, got, err)
		}
		want := briefOf(&p)
		if brief, err := ParseBrief(wire); err != nil || brief != want {
			t.Fatalf("%+v has the brief %+v, %v", p, brief, err)
		}
	})
}

// briefOf returns the Brief of properties that are not present and empty.
func briefOf(p *amqp.Publishing) Brief {
	_, cc := p.Headers["CC"]
	_, bcc := p.Headers["BCC"]
	return Brief{
		DeliveryMode: p.DeliveryMode, HasDeliveryMode: p.DeliveryMode != 0,
		Expiration: p.Expiration, HasExpiration: p.Expiration != "", UserID: p.UserId, HasUserID: p.UserId != "",
		DirectReply: p.ReplyTo == DirectReplyTo, Copies: cc || bcc,
	}
}

func drawProperties(t *rapid.T) amqp.Publishing {
	p := amqp.Publishing{
		ContentType:     shortstrs.Draw(t, "content type"),
		ContentEncoding: shortstrs.Draw(t, "content encoding"),
		DeliveryMode:    rapid.Uint8().Draw(t, "delivery mode"),
		Priority:        rapid.Uint8().Draw(t, "priority"),
		CorrelationId:   shortstrs.Draw(t, "correlation ID"),
		ReplyTo:         shortstrs.Draw(t, "reply to"),
		Expiration:      shortstrs.Draw(t, "expiration"),
		MessageId:       shortstrs.Draw(t, "message ID"),
		Type:            shortstrs.Draw(t, "type"),
		UserId:          shortstrs.Draw(t, "user ID"),
		AppId:           shortstrs.Draw(t, "app ID"),
	}
	if headers := tables.Draw(t, "headers"); len(headers) > 0 {
		p.Headers = headers
	}
	if rapid.Bool().Draw(t, "has a timestamp") {
		p.Timestamp = time.Unix(rapid.Int64().Draw(t, "timestamp"), 0)
	}
	return p
}

func TestAppendPropertiesErrors(t *testing.T) {
	for _, p := range []amqp.Publishing{
		{CorrelationId: strings.Repeat("c", 256)},
		{ContentType: strings.Repeat("c", 256), Headers: amqp.Table{"k": nil}},
		{ContentType: "c", Headers: amqp.Table{"k": struct{}{}}},
	} {
		if got, err := AppendProperties([]byte("before"), &p); !errors.Is(err, ErrValue) || string(got) != "before" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestParseHeader(t *testing.T) {
	got, err := ParseHeader([]byte("\x00\x3c\x00\x00" + "\x00\x00\x00\x01\x00\x00\x00\x02" + "\x10\x00\x02"))
	if want := (Header{Class: 60, BodySize: 1<<32 + 2, Properties: []byte("\x10\x00\x02")}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseHeader(append([]byte{0, 90}, make([]byte, 12)...)); err != nil || got.Class != 90 {
		t.Errorf("of another class: %+v, %v", got, err)
	}
	for n := range headerHead {
		_, err := ParseHeader(make([]byte, n))
		wantError(t, err, FrameError)
	}
	_, err = ParseHeader([]byte("\x00\x3c\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00"))
	wantError(t, err, UnexpectedFrame)
}

func TestAppendContentSplitsBody(t *testing.T) {
	const payload = FrameMinSize - FrameOverhead
	for _, c := range []struct {
		size     int
		frameMax uint32
		bodies   []int
	}{
		{0, FrameMinSize, nil},
		{1, FrameMinSize, []int{1}},
		{payload, FrameMinSize, []int{payload}},
		{payload + 1, FrameMinSize, []int{payload, 1}},
		{3 * payload, FrameMinSize, []int{payload, payload, payload}},
		{payload + 1, 1, []int{payload, 1}},
		{payload + 1, FrameMinSize + 1, []int{payload + 1}},
		{300000, 0, []int{300000}},
		{300000, math.MaxUint32, []int{300000}},
	} {
		body := make([]byte, c.size)
		for i := range body {
			body[i] = byte(i % 251)
		}
		out := AppendContent([]byte{frameEnd}, 5, ClassBasic, []byte("\x10\x00\x02"), body, c.frameMax)
		r := NewReader(bytes.NewReader(out[1:]))
		r.SetFrameMax(0)
		f, err := r.ReadFrame()
		if err != nil || f.Type != FrameHeader || f.Channel != 5 {
			t.Fatalf("%+v, %v", f, err)
		}
		if h, err := ParseHeader(f.Payload); err != nil || h.Class != ClassBasic || h.BodySize != uint64(c.size) || string(h.Properties) != "\x10\x00\x02" {
			t.Errorf("%+v, %v", h, err)
		}
		var joined []byte
		for _, size := range c.bodies {
			f, err := r.ReadFrame()
			if err != nil || f.Type != FrameBody || f.Channel != 5 || len(f.Payload) != size {
				t.Fatalf("of %d bytes in frames of %d: %d of type %d, %v", c.size, c.frameMax, len(f.Payload), f.Type, err)
			}
			joined = append(joined, f.Payload...)
		}
		if r.Buffered() != 0 || !bytes.Equal(joined, body) {
			t.Errorf("%d bytes in frames of %d: another body, or %d bytes more", c.size, c.frameMax, r.Buffered())
		}
	}
	if got := AppendContent(nil, 1, ClassBasic, nil, nil, 0); binary.BigEndian.Uint32(got[3:]) != headerHead {
		t.Errorf("% x", got)
	}
}
