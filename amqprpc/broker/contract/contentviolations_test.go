package contract

import (
	"encoding/binary"
	"slices"

	"rpcscope/amqprpc/internal/wire"
)

// Content frames that violate the protocol.
var contentViolationTests = []test{
	{"ContentOutOfOrder", contentOutOfOrder},
	{"ContentLength", contentLength},
	{"ContentHeader", contentHeaderBroken},
	{"ContentBrokenProperties", contentBrokenProperties},
	{"ContentOfChannels", contentOfChannels},
}

// contentHeader returns the payload of a header frame without properties.
func contentHeader(class uint16, size uint64) []byte {
	b := binary.BigEndian.AppendUint16(nil, class)
	b = append(b, 0, 0) // weight
	b = binary.BigEndian.AppendUint64(b, size)
	return append(b, 0, 0) // property flags
}

// publishFrame, headerFrame and bodyFrame return frames of a message on channel 1.
func publishFrame() []byte {
	return wire.AppendMethod(nil, 1, &wire.BasicPublish{RoutingKey: "contract-nowhere"})
}
func headerFrame(payload []byte) []byte { return wire.AppendFrame(nil, wire.FrameHeader, 1, payload) }
func bodyFrame(body string) []byte      { return wire.AppendFrame(nil, wire.FrameBody, 1, []byte(body)) }

func contentOutOfOrder(t *T) {
	header := headerFrame(contentHeader(60, 3))
	declare := wire.AppendMethod(nil, 1, &wire.QueueDeclare{Queue: "q", Passive: true})
	closeChannel := wire.AppendMethod(nil, 1, &wire.ChannelClose{ReplyCode: 200})
	nothing, publish := closeWith(505, 0, 0), closeWith(505, 60, 40)
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"header without a method", [][]byte{header}, nothing},
		{"body without a method", [][]byte{bodyFrame("abc")}, nothing},
		{"body without a header", [][]byte{publishFrame(), bodyFrame("abc")}, publish},
		{"method instead of a header", [][]byte{publishFrame(), declare}, publish},
		{"publish instead of a header", [][]byte{publishFrame(), publishFrame()}, publish},
		{"method instead of a body", [][]byte{publishFrame(), header, declare}, publish},
		{"publish instead of a body", [][]byte{publishFrame(), header, publishFrame()}, publish},
		{"header instead of a body", [][]byte{publishFrame(), header, header}, publish},
		{"method within a body", [][]byte{publishFrame(), header, bodyFrame("a"), declare}, publish},
		{"channel.close instead of a header", [][]byte{publishFrame(), closeChannel}, publish},
		{"channel.close within a body", [][]byte{publishFrame(), header, bodyFrame("a"), closeChannel}, publish},
		{"header on a channel that is not open", [][]byte{wire.AppendFrame(nil, wire.FrameHeader, 7, contentHeader(60, 3))}, nothing},
		{"body on a channel that is not open", [][]byte{wire.AppendFrame(nil, wire.FrameBody, 7, []byte("abc"))}, nothing},
		{"body after a whole message", [][]byte{publishFrame(), header, bodyFrame("abc"), bodyFrame("d")}, nothing},
		{"body after an empty message", [][]byte{publishFrame(), headerFrame(contentHeader(60, 0)), bodyFrame("d")}, nothing},
		{"empty body after an empty message", [][]byte{publishFrame(), headerFrame(contentHeader(60, 0)), bodyFrame("")}, nothing},
	} {
		p := t.login()
		p.write(slices.Concat(c.frames...))
		t.wantOutcome(c.name, p.outcomeOf(0, nil), c.want)
	}
}

// A body is longer than its header announced. RabbitMQ waits for more and fails at the next method; the specification
// has a reply code for the frame itself.
func contentLength(t *T) {
	for name, frames := range map[string][][]byte{
		"in one frame": {publishFrame(), headerFrame(contentHeader(60, 3)), bodyFrame("abcd")},
		"in two":       {publishFrame(), headerFrame(contentHeader(60, 3)), bodyFrame("ab"), bodyFrame("cd")},
	} {
		p := t.login()
		p.write(slices.Concat(frames...))
		t.wantOutcome(name, p.outcome(), closeWith(505, 60, 40), "close 501")
	}
	// A body that is too short is incomplete.
	ch := t.open()
	queue := t.declare(ch, durable)
	p := t.login()
	whole := publication(1, wire.BasicPublish{RoutingKey: queue}, nil, []byte("message"), modest.frameMax)
	p.write(whole[:len(whole)-10])
	t.must(p.conn.Close())
	t.put(ch, queue, "another")
	if d := t.get(ch, queue); string(d.Body) != "another" {
		t.Errorf("got %q, want the message that was whole", d.Body)
	}
}

func contentHeaderBroken(t *T) {
	weight := contentHeader(60, 3)
	weight[3] = 7
	for _, c := range []struct {
		name    string
		payload []byte
		want    []string
	}{
		{"of class queue", contentHeader(50, 3), []string{closeWith(505, 60, 40)}},
		{"of no class", contentHeader(99, 3), []string{closeWith(505, 60, 40)}},
		// The specification demands a weight of zero, and has no code for others.
		{"with a weight", weight, []string{closeWith(505, 60, 40), "close 501", "close 502"}},
		{"cut short", contentHeader(60, 3)[:6], []string{"close 501", "close 502"}},
		{"empty", nil, []string{"close 501", "close 502"}},
	} {
		p := t.login()
		p.write(slices.Concat(publishFrame(), headerFrame(c.payload), bodyFrame("abc")))
		t.wantOutcome("header "+c.name, p.outcome(), c.want...)
	}
	// RabbitMQ waits for a body larger than memory. The in-process broker may refuse it at once (311 closes the channel).
	for _, size := range []uint64{1 << 40, 1<<63 - 1, 1<<64 - 1} {
		p := t.login()
		p.write(slices.Concat(publishFrame(), headerFrame(contentHeader(60, size)), bodyFrame("abc")))
		t.wantOutcome("header with a huge size", p.outcome(), closeWith(505, 60, 40), "channel close 311", "channel close 406", "close 501", "close 502")
	}
}

// Malformed properties and headers. RabbitMQ fails with 541, since it parses them late; the specification has 501 and 502.
func contentBrokenProperties(t *T) {
	broken := []string{"close 501", "close 502", "close 541"}
	tolerated := append(broken, goesOn) // as RabbitMQ does
	for _, c := range []struct {
		name, properties string
		want             []string
	}{
		{"string cut short", "\x80\x00\x05ab", broken},
		{"string missing", "\x80\x00", broken},
		{"number cut short", "\x00\x40\x00\x00", broken},
		{"more than the flags say", "\x00\x00abc", broken},
		{"table cut short", "\x20\x00\x00\x00\x00\x10\x01ai", broken},
		{"table of 4 GB", "\x20\x00\xff\xff\xff\xff\x01aV", broken},
		{"table with an unknown type", "\x20\x00\x00\x00\x00\x07\x01aZ\x00\x00\x00\x00", broken},
		{"key that lies", "\x20\x00\x00\x00\x00\x04\x09aVV", broken},
		{"string in a table that lies", "\x20\x00\x00\x00\x00\x08\x01aS\x00\x00\x00\x09x", broken},
		{"array that lies", "\x20\x00\x00\x00\x00\x08\x01aA\x00\x00\x00\x09V", broken},
		{"table in a table that lies", "\x20\x00\x00\x00\x00\x08\x01aF\x00\x00\x00\x09\x00", broken},
		{"undefined flag", "\x00\x02", tolerated},
		{"more flags announced", "\x00\x01", tolerated},
		{"more flags", "\x00\x01\x00\x00", broken},
		{"headers nested deeply", "\x20\x00" + nested(200), tolerated},
	} {
		p := t.login()
		header := append(contentHeader(60, 3)[:12], c.properties...)
		p.write(slices.Concat(publishFrame(), headerFrame(header), bodyFrame("abc")))
		t.wantOutcome(c.name, p.outcome(), c.want...)
	}
}

// nested returns a field table with tables nested in it.
func nested(depth int) string {
	b := []byte{0, 0, 0, 0}
	for range depth {
		inner := append([]byte("\x01aF"), b...)
		b = append(binary.BigEndian.AppendUint32(nil, uint32(len(inner))), inner...)
	}
	return string(b)
}

// The frames of one message may be interleaved with those of other channels.
func contentOfChannels(t *T) {
	p := t.login()
	queue := p.declare(1)
	call[*wire.ChannelOpenOk](p, 2, &wire.ChannelOpen{})
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	call[*wire.ConfirmSelectOk](p, 2, &wire.ConfirmSelect{})
	var out []byte
	for _, step := range []func(channel uint16, body string){
		func(channel uint16, _ string) {
			out = wire.AppendMethod(out, channel, &wire.BasicPublish{RoutingKey: queue})
		},
		func(channel uint16, body string) {
			out = wire.AppendFrame(out, wire.FrameHeader, channel, contentHeader(60, uint64(len(body))))
		},
		func(channel uint16, body string) {
			out = wire.AppendFrame(out, wire.FrameBody, channel, []byte(body[:2]))
			out = wire.AppendHeartbeat(out)
		},
		func(channel uint16, body string) {
			out = wire.AppendFrame(out, wire.FrameBody, channel, []byte(body[2:]))
		},
	} {
		step(1, "one")
		step(2, "two")
	}
	p.write(out)
	acked := map[uint16]bool{}
	for len(acked) < 2 {
		f, err := p.frame()
		t.must(err)
		m, err := wire.ParseMethod(f.Payload)
		t.must(err)
		if _, ok := m.(*wire.BasicAck); !ok {
			t.Fatalf("got %s, want confirms", describe(m))
		}
		acked[f.Channel] = true
	}
	got := map[string]bool{}
	for range 2 {
		call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue})
		_, body := p.content(1, int(modest.frameMax))
		got[string(body)] = true
	}
	if !got["one"] || !got["two"] {
		t.Errorf("got %v, want one and two", got)
	}
}
