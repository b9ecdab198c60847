package contract

import (
	"bytes"
	"errors"
	"io"
	"os"

	"rpcscope/amqprpc/internal/wire"
)

// Clients that do not speak AMQP 0-9-1, or stop in the middle of a frame.
var strangerTests = []test{
	{"Stranger", stranger},
	{"Header09", header09},
	{"HeaderInPieces", headerInPieces},
	{"HalfAFrame", halfAFrame},
}

// A client that begins with anything but the protocol header gets the right one, and the socket is closed. Since 4.0
// RabbitMQ answers with the header of AMQP 1.0, unless the client sent one of 0-9.
func stranger(t *T) {
	const sasl = "AMQP\x03\x01\x00\x00"
	for name, hello := range map[string]string{
		"HTTP":               "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"TLS":                "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + string(noise(194)),
		"noise":              string(noise(64)),
		"zeros":              string(make([]byte, 8)),
		"SSH":                "SSH-2.0-OpenSSH_9.2\r\n",
		"AMQP 1.0":           "AMQP\x00\x01\x00\x00",
		"AMQP 1.0 with SASL": sasl,
		"AMQP 0-9-2":         "AMQP\x00\x00\x09\x02",
		"AMQP 0-10":          "AMQP\x01\x01\x00\x0a",
	} {
		want := wire.AppendProtocolHeader(nil)
		if t.isRabbitMQ(4, 0) && name != "AMQP 0-9-2" {
			want = []byte(sasl)
		}
		if hello == string(want) {
			continue // the right header
		}
		p := t.tcp()
		p.write([]byte(hello))
		// If the broker closes the socket with unread input, a reset may cut off the answer.
		got, err := io.ReadAll(io.LimitReader(p.conn, 1<<16))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.Errorf("%s: not hung up on; got %q", name, got)
		case err != nil && bytes.HasPrefix(want, got): // reset
		case !bytes.Equal(got, want):
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
		t.bystanderIsWell()
	}
}

// The header of AMQP 0-9 is accepted for 0-9-1. Perl's Net::AMQP sends it.
func header09(t *T) {
	p := t.tcp()
	p.write([]byte("AMQP\x01\x01\x00\x09"))
	if m := expect[*wire.ConnectionStart](p, 0); m.VersionMajor != 0 || m.VersionMinor != 9 {
		t.Errorf("got %s, want version 0-9", describe(m))
	}
	p.logIn(nil)
	p.tuneOk(modest)
	call[*wire.ConnectionOpenOk](p, 0, p.connectionOpen())
}

func headerInPieces(t *T) {
	p := t.tcp()
	for _, b := range wire.AppendProtocolHeader(nil) {
		p.write([]byte{b})
	}
	expect[*wire.ConnectionStart](p, 0)
	// Any frame may arrive in pieces, and many at once.
	p = t.login()
	for _, b := range wire.AppendMethod(nil, 1, &wire.ConfirmSelect{}) {
		p.write([]byte{b})
	}
	expect[*wire.ConfirmSelectOk](p, 1)
	var all []byte
	for range 50 {
		all = wire.AppendMethod(all, 1, &wire.BasicQos{PrefetchCount: 1})
		all = wire.AppendHeartbeat(all)
	}
	p.write(all)
	for range 50 {
		expect[*wire.BasicQosOk](p, 1)
	}
}

// An incomplete frame does not disturb other clients, whether the rest arrives late or never.
func halfAFrame(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	publish := publication(1, wire.BasicPublish{RoutingKey: queue}, nil, []byte("message"), modest.frameMax)
	for cut := 1; cut < len(publish); cut += 7 {
		p := t.login()
		p.write(publish[:cut])
		t.bystanderIsWell()
		if cut%2 == 0 { // the rest arrives
			p.write(publish[cut:])
			t.wantReady(ch, queue, 1)
			t.must(t.get(ch, queue).Ack(false))
		}
		t.must(p.conn.Close())
	}
	// The same with the header and the login.
	for _, hello := range []string{"", "A", "AMQP\x00\x00\x09", "AMQP\x00\x00\x09\x01\x01\x00"} {
		p := t.tcp()
		p.write([]byte(hello))
		t.bystanderIsWell()
		t.must(p.conn.Close())
	}
	t.wantEmpty(ch, queue)
}
