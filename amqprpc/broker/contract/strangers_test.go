package contract

import (
	"bytes"
	"errors"
	"io"
	"os"

	"rpcscope/amqprpc/internal/wire"
)

// Who does not speak AMQP 0-9-1, or stops in mid-sentence.
var strangerTests = []test{
	{"Stranger", stranger},
	{"Header09", header09},
	{"HeaderInPieces", headerInPieces},
	{"HalfAFrame", halfAFrame},
}

// Whoever begins with anything but the protocol header is told the right one, and that is all.
// RabbitMQ takes that of AMQP 1.0 for the right one from 4.0 on, but for those who mean 0-9.
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
			continue // no stranger
		}
		p := t.tcp()
		p.write([]byte(hello))
		// An end by a reset may overtake the answer where there was more to read than it took: then
		// there may be less of it, but never anything else.
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

// Whoever begins with the header of AMQP 0-9 means 0-9-1, as Perl's Net::AMQP does.
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
	// And so may any frame be, and many may come at once.
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

// Half of something disturbs nobody, whether the rest comes late, or never.
func halfAFrame(t *T) {
	ch := t.open()
	queue := t.declare(ch, durable)
	publish := publication(1, wire.BasicPublish{RoutingKey: queue}, nil, []byte("message"), modest.frameMax)
	for cut := 1; cut < len(publish); cut += 7 {
		p := t.login()
		p.write(publish[:cut])
		t.bystanderIsWell()
		if cut%2 == 0 { // the rest comes
			p.write(publish[cut:])
			t.wantReady(ch, queue, 1)
			t.must(t.get(ch, queue).Ack(false))
		}
		t.must(p.conn.Close())
	}
	// Half a header, half a login.
	for _, hello := range []string{"", "A", "AMQP\x00\x00\x09", "AMQP\x00\x00\x09\x01\x01\x00"} {
		p := t.tcp()
		p.write([]byte(hello))
		t.bystanderIsWell()
		t.must(p.conn.Close())
	}
	t.wantEmpty(ch, queue)
}
