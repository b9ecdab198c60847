package contract

import (
	"encoding/binary"
	"fmt"
	"slices"

	"rpcscope/amqprpc/internal/wire"
)

// Malformed frames.
var frameTests = []test{
	{"FrameTooLarge", frameTooLarge},
	{"FrameTooLargeForLogin", frameTooLargeForLogin},
	{"FrameOfMaximalSize", frameOfMaximalSize},
	{"FrameEnd", frameEnd},
	{"FrameType", frameType},
	{"FrameHeartbeat", frameHeartbeat},
	{"FrameOnChannel0", frameOnChannel0},
}

var frameError = closeWith(wire.FrameError, 0, 0)

// frame returns a frame with this frame-end octet.
func frame(kind uint8, channel uint16, payload []byte, end byte) []byte {
	b := wire.AppendFrame(nil, kind, channel, payload)
	b[len(b)-1] = end
	return b
}

// A frame that is too large is refused when its header has arrived, before its payload.
func frameTooLarge(t *T) {
	var cases []violation
	for _, size := range []uint32{131073, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for _, kind := range []uint8{wire.FrameMethod, wire.FrameHeader, wire.FrameBody, wire.FrameHeartbeat} {
			cases = append(cases, violation{
				fmt.Sprintf("%d octets of payload in a frame of type %d", size, kind),
				binary.BigEndian.AppendUint32([]byte{kind, 0, 1}, size), []string{frameError},
			})
		}
	}
	t.wantOutcomes(cases)
	// The limit is the negotiated one. RabbitMQ accepts 8 octets more.
	const over = minFrameMax + 1
	p := t.loginWith(limits{10, minFrameMax, 0}, nil)
	p.write([]byte{wire.FrameBody, 0, 1, 0, 0, over >> 8, over & 0xff})
	t.wantOutcome("an octet more than agreed on", p.outcomeOf(0, nil), frameError)
}

// Until connection.tune-ok the limit is 4096 octets.
func frameTooLargeForLogin(t *T) {
	p, _ := t.started()
	p.write([]byte{wire.FrameMethod, 0, 0, 0, 0, 4097 >> 8, 4097 & 0xff})
	// RabbitMQ closes the socket for any error before the login.
	t.wantOutcome("4097 octets before login", p.outcomeOf(0, nil), hangUp, frameError)
}

func frameOfMaximalSize(t *T) {
	const maxPayload = minFrameMax - wire.FrameOverhead
	p := t.loginWith(limits{10, minFrameMax, 0}, nil)
	call[*wire.ConfirmSelectOk](p, 1, &wire.ConfirmSelect{})
	queue := p.declare(1)
	body := noise(maxPayload)
	p.write(publication(1, wire.BasicPublish{RoutingKey: queue}, nil, body, minFrameMax))
	expect[*wire.BasicAck](p, 1)
	call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue})
	if _, got := p.content(1, maxPayload); !slices.Equal(got, body) {
		t.Error("another body")
	}
}

func frameEnd(t *T) {
	qos := wire.AppendMethod(nil, 1, &wire.BasicQos{PrefetchCount: 1})
	payload := qos[7 : len(qos)-1]
	var cases []violation
	for _, end := range []byte{0, 0xCD, 0xFF} {
		for _, channel := range []uint16{0, 1, 9} {
			cases = append(cases, violation{
				fmt.Sprintf("end %#x on channel %d", end, channel),
				frame(wire.FrameMethod, channel, payload, end), []string{frameError},
			})
		}
	}
	t.wantOutcomes(append(cases, violation{"heartbeat with another end", frame(wire.FrameHeartbeat, 0, nil, 0), []string{frameError}}))
	// The same before connection.tune.
	p, _ := t.started()
	p.write(frame(wire.FrameMethod, 0, []byte("abcd"), 0))
	t.wantOutcome("end 0 before login", p.outcomeOf(0, nil), hangUp, frameError)
}

func frameType(t *T) {
	cases := []violation{{"the protocol header again", wire.AppendProtocolHeader(nil), []string{frameError}}}
	for _, kind := range []uint8{0, 4, 5, 7, 9, 'A', 255} {
		for _, channel := range []uint16{0, 1} {
			cases = append(cases, violation{
				fmt.Sprintf("type %d on channel %d", kind, channel),
				wire.AppendFrame(nil, kind, channel, []byte("abcd")), []string{frameError},
			})
		}
	}
	t.wantOutcomes(cases)
}

func frameHeartbeat(t *T) {
	for _, channel := range []uint16{1, 9, 65535} {
		p := t.login()
		p.write(wire.AppendFrame(nil, wire.FrameHeartbeat, channel, nil))
		t.wantOutcome(fmt.Sprintf("heartbeat on channel %d", channel), p.outcomeOf(0, nil), closeWith(505, 0, 0), closeWith(503, 0, 0), frameError)
	}
	p := t.login()
	p.write(wire.AppendFrame(nil, wire.FrameHeartbeat, 0, []byte("beat")))
	t.wantOutcome("heartbeat with a payload", p.outcomeOf(0, nil), frameError)
	// A client may send heartbeats that were not negotiated.
	p = t.login()
	p.write(wire.AppendHeartbeat(wire.AppendHeartbeat(nil)))
	t.wantOutcome("heartbeats", p.outcome(), goesOn)
}

// Methods of class connection belong to channel 0, and no others.
func frameOnChannel0(t *T) {
	for _, m := range []wire.Method{
		&wire.ChannelOpen{}, &wire.ChannelClose{}, &wire.QueueDeclare{Queue: "q"}, &wire.BasicAck{}, &wire.ConfirmSelect{},
	} {
		p := t.login()
		p.send(0, m)
		class, method := wire.ID(m)
		t.wantOutcome(describe(m)+" on channel 0", p.outcomeOf(0, nil), closeWith(504, class, method))
	}
	for _, m := range []wire.Method{&wire.ConnectionClose{}, &wire.ConnectionOpen{VirtualHost: "/"}, &wire.ConnectionTuneOk{}} {
		p := t.login()
		p.send(1, m)
		class, method := wire.ID(m)
		t.wantOutcome(describe(m)+" on channel 1", p.outcomeOf(0, nil), closeWith(503, class, method))
	}
	for _, kind := range []uint8{wire.FrameHeader, wire.FrameBody} {
		p := t.login()
		p.write(wire.AppendFrame(nil, kind, 0, contentHeader(60, 3)))
		t.wantOutcome(fmt.Sprintf("a frame of type %d on channel 0", kind), p.outcomeOf(0, nil), closeWith(505, 0, 0))
	}
}
