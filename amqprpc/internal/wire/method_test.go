package wire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// The frames are written by hand from the specification.
func TestMethodEncoding(t *testing.T) {
	for _, c := range []struct {
		m    Method
		wire string
	}{
		{&ConnectionStart{VersionMinor: 9, ServerProperties: amqp.Table{"a": true}, Mechanisms: "PLAIN", Locales: "en_US"},
			"\x00\x0a\x00\x0a" + "\x00\x09" + "\x00\x00\x00\x04\x01at\x01" + "\x00\x00\x00\x05PLAIN" + "\x00\x00\x00\x05en_US"},
		{&ConnectionTune{ChannelMax: 2047, FrameMax: 131072, Heartbeat: 60},
			"\x00\x0a\x00\x1e" + "\x07\xff" + "\x00\x02\x00\x00" + "\x00\x3c"},
		{&ConnectionOpen{VirtualHost: "/"}, "\x00\x0a\x00\x28" + "\x01/" + "\x00" + "\x00"},
		{&ConnectionClose{ReplyCode: 540, ReplyText: "no", ClassID: 90, MethodID: 10},
			"\x00\x0a\x00\x32" + "\x02\x1c" + "\x02no" + "\x00\x5a\x00\x0a"},
		{&ChannelOpen{}, "\x00\x14\x00\x0a" + "\x00"},
		{&ChannelOpenOk{}, "\x00\x14\x00\x0b" + "\x00\x00\x00\x00"},
		{&QueueDeclare{Queue: "rpc", Durable: true, NoWait: true, Arguments: amqp.Table{}},
			"\x00\x32\x00\x0a" + "\x00\x00" + "\x03rpc" + "\x12" + "\x00\x00\x00\x00"},
		{&QueueDeclare{Passive: true, Exclusive: true, AutoDelete: true, Arguments: amqp.Table{"x-expires": int32(1000)}},
			"\x00\x32\x00\x0a" + "\x00\x00" + "\x00" + "\x0d" + "\x00\x00\x00\x0f\x09x-expiresI\x00\x00\x03\xe8"},
		{&QueueDeclareOk{Queue: "q", MessageCount: 3, ConsumerCount: 1},
			"\x00\x32\x00\x0b" + "\x01q" + "\x00\x00\x00\x03" + "\x00\x00\x00\x01"},
		{&BasicConsume{Queue: "q", ConsumerTag: "c", NoAck: true, Arguments: amqp.Table{}},
			"\x00\x3c\x00\x14" + "\x00\x00" + "\x01q" + "\x01c" + "\x02" + "\x00\x00\x00\x00"},
		{&BasicPublish{RoutingKey: "rpc", Mandatory: true}, "\x00\x3c\x00\x28" + "\x00\x00" + "\x00" + "\x03rpc" + "\x01"},
		{&BasicReturn{ReplyCode: 312, ReplyText: "NO_ROUTE", RoutingKey: "k"},
			"\x00\x3c\x00\x32" + "\x01\x38" + "\x08NO_ROUTE" + "\x00" + "\x01k"},
		{&BasicDeliver{ConsumerTag: "c", DeliveryTag: 258, Redelivered: true, RoutingKey: "q"},
			"\x00\x3c\x00\x3c" + "\x01c" + "\x00\x00\x00\x00\x00\x00\x01\x02" + "\x01" + "\x00" + "\x01q"},
		{&BasicNack{DeliveryTag: 1, Requeue: true}, "\x00\x3c\x00\x78" + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\x02"},
		{&ConfirmSelect{NoWait: true}, "\x00\x55\x00\x0a" + "\x01"},
	} {
		class, method := ID(c.m)
		name := MethodName(class, method)
		head := fmt.Sprintf("\x01\x01\x02\x00\x00\x00%c", len(c.wire))
		if got := AppendMethod(nil, 0x102, c.m); string(got) != head+c.wire+"\xce" {
			t.Errorf("%s is written as\n% x, want\n% x", name, got, head+c.wire+"\xce")
		}
		if got, err := ParseMethod([]byte(c.wire)); err != nil || !reflect.DeepEqual(got, c.m) {
			t.Errorf("%s is read as %+v, %v", name, got, err)
		}
	}
}

func TestMethodRoundTrip(t *testing.T) {
	for name, empty := range everyMethod() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := reflect.New(reflect.TypeOf(empty).Elem()).Interface().(Method)
				drawMethod(t, m)
				payload := payloadOf(t, AppendMethod(nil, 1, m))
				got, err := ParseMethod(payload)
				if err != nil {
					t.Fatal(err)
				}
				if !sameFields(got, m) {
					t.Fatalf("%+v came back as %+v", m, got)
				}
			})
		})
	}
}

func TestParseMethodWrongLength(t *testing.T) {
	for name, m := range everyMethod() {
		class, method := ID(m)
		payload := payloadOf(t, AppendMethod(nil, 1, m))
		if got := MethodName(class, method); got != name {
			t.Errorf("%s is called %s", name, got)
		}
		for n := methodHead; n < len(payload); n++ {
			_, err := ParseMethod(payload[:n])
			e := wantError(t, err, SyntaxError)
			if e.Class != class || e.Method != method || !strings.HasPrefix(e.Text, "SYNTAX_ERROR - "+name) {
				t.Errorf("%d bytes of %s: %+v", n, name, e)
			}
		}
		_, err := ParseMethod(append(bytes.Clone(payload), 0))
		wantError(t, err, SyntaxError)
	}
	for n := range methodHead {
		_, err := ParseMethod(make([]byte, n))
		wantError(t, err, SyntaxError)
	}
}

func TestParseMethodUnknown(t *testing.T) {
	for _, c := range []struct {
		class, method uint16
		code          uint16
		name          string
	}{
		{40, 10, NotImplemented, "exchange.declare"}, {40, 30, NotImplemented, "exchange.bind"},
		{40, 40, NotImplemented, "exchange.unbind"}, {50, 20, NotImplemented, "queue.bind"},
		{50, 50, NotImplemented, "queue.unbind"}, {90, 10, NotImplemented, "tx.select"},
		{30, 10, NotImplemented, "access.request"}, {10, 70, NotImplemented, "connection.update-secret"},
		{60, 99, CommandInvalid, "60.99"}, {0, 0, CommandInvalid, "0.0"}, {65535, 65535, CommandInvalid, "65535.65535"},
	} {
		_, err := ParseMethod(appendMethodID(nil, c.class, c.method))
		e := wantError(t, err, c.code)
		if e.Class != c.class || e.Method != c.method || !strings.Contains(e.Text, c.name) {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

func TestParseMethodIgnoresUndefinedBits(t *testing.T) {
	m, err := ParseMethod([]byte("\x00\x32\x00\x0a" + "\x00\x00" + "\x01q" + "\xe2" + "\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (&QueueDeclare{Queue: "q", Durable: true, Arguments: amqp.Table{}}); !reflect.DeepEqual(m, want) {
		t.Errorf("%+v", m)
	}
}

// Values that only a broken program passes make AppendMethod panic.
func TestAppendMethodPanics(t *testing.T) {
	for _, m := range []Method{
		&QueueDeclare{Queue: strings.Repeat("a", 256)},
		&QueueDeclare{Arguments: amqp.Table{"k": struct{}{}}},
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, ErrValue) {
					t.Errorf("%T: %v", m, err)
				}
			}()
			AppendMethod(nil, 1, m)
		}()
	}
}

// Texts are cut to fit into a short string, between runes.
func TestErrorfCutsText(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 300), strings.Repeat("ä", 300), strings.Repeat("\x80", 300), "x" + strings.Repeat("ä", 300)} {
		cut := Errorf(NotFound, "%s", text).Text
		if len(cut) > 255 || !strings.HasSuffix(cut, "...") || utf8.ValidString(text) && (len(cut) < 254 || !utf8.ValidString(cut)) {
			t.Errorf("%q becomes %q", text, cut)
		}
		AppendMethod(nil, 1, &ChannelClose{ReplyText: cut})
	}
	if short := Errorf(NotFound, "%s", strings.Repeat("a", 243)).Text; len(short) != 255 || strings.HasSuffix(short, "...") {
		t.Errorf("%q was cut", short)
	}
}

func TestCodes(t *testing.T) {
	for code, c := range map[uint16]struct {
		name string
		hard bool
	}{
		312: {"NO_ROUTE", false}, 320: {"CONNECTION_FORCED", true}, 403: {"ACCESS_REFUSED", false},
		404: {"NOT_FOUND", false}, 405: {"RESOURCE_LOCKED", false}, 406: {"PRECONDITION_FAILED", false},
		501: {"FRAME_ERROR", true}, 502: {"SYNTAX_ERROR", true}, 503: {"COMMAND_INVALID", true},
		504: {"CHANNEL_ERROR", true}, 505: {"UNEXPECTED_FRAME", true},
		530: {"NOT_ALLOWED", true}, 540: {"NOT_IMPLEMENTED", true}, 541: {"INTERNAL_ERROR", true},
		999: {"999", true},
	} {
		if CodeName(code) != c.name || Hard(code) != c.hard {
			t.Errorf("%d is %s, hard %v", code, CodeName(code), Hard(code))
		}
	}
	err := Errorf(NotFound, "no queue '%s' in vhost '/'", "a")
	if got := err.Error(); got != "404 NOT_FOUND - no queue 'a' in vhost '/'" {
		t.Error(got)
	}
}
