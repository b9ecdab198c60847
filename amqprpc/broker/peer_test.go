package broker_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// A peer is a TCP connection on which a test writes and reads frames itself.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *wire.Reader
}

// tcp connects and sends nothing.
func tcp(t *testing.T, b *broker.Broker) *peer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", b.Addr(), patience)
	must(t, err)
	p := &peer{t, conn, wire.NewReader(conn)}
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(soon()))
	return p
}

// login opens a connection with a large frame_max, no heartbeat, and its channel 1.
func login(t *testing.T, b *broker.Broker) *peer {
	t.Helper()
	p := tcp(t, b)
	p.login(amqp.Table{"consumer_cancel_notify": true}, 0)
	return p
}

func (p *peer) login(capabilities amqp.Table, heartbeat uint16) {
	p.t.Helper()
	p.write(wire.AppendProtocolHeader(nil))
	await[*wire.ConnectionStart](p)
	p.send(0, &wire.ConnectionStartOk{
		ClientProperties: amqp.Table{"capabilities": capabilities},
		Mechanism:        "PLAIN", Response: "\x00guest\x00guest", Locale: "en_US",
	})
	await[*wire.ConnectionTune](p)
	p.send(0, &wire.ConnectionTuneOk{ChannelMax: 2047, FrameMax: frameMax, Heartbeat: heartbeat}, &wire.ConnectionOpen{VirtualHost: "/"})
	p.r.SetFrameMax(frameMax)
	await[*wire.ConnectionOpenOk](p)
	p.send(1, &wire.ChannelOpen{})
	await[*wire.ChannelOpenOk](p)
}

const frameMax = 128 << 10

// write writes octets, as far as the broker takes them.
func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal(err)
	}
}

func (p *peer) send(channel uint16, methods ...wire.Method) {
	p.t.Helper()
	p.write(frames(channel, methods...))
}

func frames(channel uint16, methods ...wire.Method) (b []byte) {
	for _, m := range methods {
		b = wire.AppendMethod(b, channel, m)
	}
	return b
}

// message is basic.publish with its content.
func message(channel uint16, queue string, mandatory bool, body []byte) []byte {
	m := wire.BasicPublish{RoutingKey: queue, Mandatory: mandatory}
	return wire.AppendContent(wire.AppendMethod(nil, channel, &m), channel, wire.ClassBasic, []byte{0, 0}, body, frameMax)
}

// next reads frames up to the next method.
func (p *peer) next() (wire.Method, error) {
	for {
		f, err := p.r.ReadFrame()
		if err != nil {
			return nil, err
		}
		if f.Type == wire.FrameMethod {
			return wire.ParseMethod(f.Payload)
		}
	}
}

// await reads up to the next M, and gives up at the end of the connection.
func await[M wire.Method](p *peer) M {
	p.t.Helper()
	for {
		m, err := p.next()
		if err != nil {
			p.t.Fatalf("no %T but %v", *new(M), err)
		}
		if m, ok := m.(M); ok {
			return m
		}
	}
}

// outcome reads until the broker closes the channel or the connection, and says how.
func (p *peer) outcome() string {
	p.t.Helper()
	for {
		m, err := p.next()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatal(err)
		}
		if err != nil {
			return "hang-up"
		}
		switch m := m.(type) {
		case *wire.ConnectionClose:
			p.send(0, &wire.ConnectionCloseOk{})
			return fmt.Sprintf("connection %d about %d.%d", m.ReplyCode, m.ClassID, m.MethodID)
		case *wire.ChannelClose:
			return fmt.Sprintf("channel %d about %d.%d", m.ReplyCode, m.ClassID, m.MethodID)
		}
	}
}

// wantAlive fails unless the broker serves others as ever.
func wantAlive(t *testing.T, b *broker.Broker) {
	t.Helper()
	ended(t, "a call of a bystander", func() {
		conn, err := amqp.Dial(b.URL())
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		ch, err := conn.Channel()
		if err != nil {
			t.Error(err)
			return
		}
		q, err := ch.QueueDeclare("", false, false, true, false, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if err := ch.Publish("", q.Name, true, false, text("well")); err != nil {
			t.Error(err)
		}
		if d, ok, err := ch.Get(q.Name, true); err != nil || !ok || string(d.Body) != "well" {
			t.Errorf("a bystander got %q, %v, %v", d.Body, ok, err)
		}
	})
}
