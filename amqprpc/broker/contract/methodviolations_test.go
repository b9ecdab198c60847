package contract

import (
	"fmt"

	"rpcscope/amqprpc/internal/wire"
)

// Methods that do not exist, are malformed, or are the server's.
var methodViolationTests = []test{
	{"MethodUnknown", methodUnknown},
	{"MethodMalformed", methodMalformed},
	{"MethodTolerated", methodTolerated},
	{"MethodOfServer", methodOfServer},
}

func methodFrame(channel uint16, payload string) []byte {
	return wire.AppendFrame(nil, wire.FrameMethod, channel, []byte(payload))
}

func methodUnknown(t *T) {
	// RabbitMQ's reader fails and closes the socket. The specification has 503 for a method that does not exist, and 540
	// for one that the broker does not implement.
	unknown := []string{hangUp, "close 501", "close 502", "close 503", "close 540"}
	for _, c := range []struct{ class, method uint8 }{{99, 10}, {60, 99}, {50, 0}, {0, 0}, {10, 99}} {
		for channel := range uint16(2) {
			p := t.login()
			p.write(methodFrame(channel, string([]byte{0, c.class, 0, c.method})))
			t.wantOutcome(fmt.Sprintf("method %d.%d on channel %d", c.class, c.method, channel), p.outcomeOf(0, nil), unknown...)
		}
	}
	for _, payload := range []string{"", "\x00", "\x00\x32", "\x00\x32\x00"} {
		p := t.login()
		p.write(methodFrame(1, payload))
		t.wantOutcome(fmt.Sprintf("a method frame of %d octets", len(payload)), p.outcomeOf(0, nil), "close 501", "close 502")
	}
}

// Malformed arguments. RabbitMQ answers 501 and names the method; the specification has 502. If a table is malformed,
// RabbitMQ's reader fails and closes the socket.
func methodMalformed(t *T) {
	const declare, consume, publish, ack, qos = "\x00\x32\x00\x0a", "\x00\x3c\x00\x14", "\x00\x3c\x00\x28", "\x00\x3c\x00\x50", "\x00\x3c\x00\x0a"
	about := func(payload string) []string {
		return []string{closeWith(501, uint16(payload[1]), uint16(payload[3])), closeWith(502, uint16(payload[1]), uint16(payload[3]))}
	}
	const queue = "\x00\x00\x01q\x04" // ticket, name, exclusive
	for name, payload := range map[string]string{
		"nothing":                     declare,
		"name that lies":              declare + "\x00\x00\x05ab",
		"name that lies, and a table": declare + "\x00\x00\xffab\x04\x00\x00\x00\x00",
		"without flags":               declare + "\x00\x00\x02ab",
		"without a table":             declare + queue,
		"table size cut short":        declare + queue + "\x00\x00",
		"table that lies":             declare + queue + "\x00\x00\x00\x20\x01a",
		"table of 4 GB":               declare + queue + "\xff\xff\xff\xff\x01aV",
		"more after the end":          declare + queue + "\x00\x00\x00\x00xyz",
		"consume without a tag":       consume + "\x00\x00\x01q",
		"publish without flags":       publish + "\x00\x00\x00\x01q",
		"ack with half a tag":         ack + "\x00\x00\x00\x01",
		"ack without a flag":          ack + "\x00\x00\x00\x00\x00\x00\x00\x01",
		"qos with more":               qos + "\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		p := t.login()
		p.write(methodFrame(1, payload))
		t.wantOutcome(name, p.outcomeOf(0, nil), about(payload)...)
	}
	for name, table := range map[string]string{
		"unknown type":    "\x00\x00\x00\x07\x01aZ\x00\x00\x00\x00",
		"key that lies":   "\x00\x00\x00\x04\x09aVV",
		"string too long": "\x00\x00\x00\x08\x01aS\x00\x00\x00\x09x",
		"array too long":  "\x00\x00\x00\x08\x01aA\x00\x00\x00\x09V",
		"table too long":  "\x00\x00\x00\x08\x01aF\x00\x00\x00\x09\x00",
		"no value":        "\x00\x00\x00\x02\x01a",
		"half a number":   "\x00\x00\x00\x05\x01aI\x00\x00",
	} {
		p := t.login()
		p.write(methodFrame(1, declare+queue+table))
		t.wantOutcome("table with "+name, p.outcomeOf(0, nil), append(about(declare), hangUp)...)
	}
	// At login, too.
	p, _ := t.started()
	p.write(methodFrame(0, "\x00\x0a\x00\x0b\xff\xff\xff\xff"))
	t.wantOutcome("start-ok that lies", p.outcomeOf(0, nil), hangUp, "close 501", "close 502")
}

func methodTolerated(t *T) {
	// Unused bits are ignored.
	p := t.login()
	name := t.name()
	p.write(methodFrame(1, "\x00\x32\x00\x0a\x00\x00"+string(rune(len(name)))+name+"\xe4\x00\x00\x00\x00"))
	if m := expect[*wire.QueueDeclareOk](p, 1); m.Queue != name {
		t.Errorf("got %s", describe(m))
	}
	// RabbitMQ accepts tables nested as deeply as fits into a frame.
	p = t.login()
	p.write(methodFrame(1, "\x00\x32\x00\x0a\x00\x00\x00\x04"+nested(200)))
	p.send(1, &wire.BasicQos{})
	t.wantOutcome("arguments nested deeply", p.outcomeOf(0, nil), goesOn, "channel close 406", "close 501", "close 502")
}

func methodOfServer(t *T) {
	for _, m := range []wire.Method{
		&wire.QueueDeclareOk{Queue: "q"}, &wire.BasicConsumeOk{}, &wire.BasicQosOk{}, &wire.ConfirmSelectOk{},
		&wire.BasicGetEmpty{}, &wire.BasicCancelOk{}, &wire.ChannelOpenOk{},
	} {
		p := t.login()
		p.send(1, m)
		class, method := wire.ID(m)
		want := closeWith(503, class, method)
		if _, is := m.(*wire.BasicCancelOk); is && t.isRabbitMQ(4, 1) {
			want = closeWith(541, 0, 0) // seen on 4.3, not on 4.0
		}
		t.wantOutcome(describe(m), p.outcomeOf(0, nil), want)
	}
	// RabbitMQ expects content after these methods and refuses the next frame.
	for _, m := range []wire.Method{&wire.BasicDeliver{ConsumerTag: "tag"}, &wire.BasicReturn{ReplyCode: 312}, &wire.BasicGetOk{}} {
		p := t.login()
		p.send(1, m)
		class, method := wire.ID(m)
		t.wantOutcome(describe(m), p.outcome(), closeWith(505, class, method), closeWith(503, class, method))
	}
}
