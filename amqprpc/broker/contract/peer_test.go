package contract

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A peer is a TCP connection on which a test writes and reads frames itself.
type peer struct {
	t    *T
	conn net.Conn
	r    *wire.Reader
}

// tcp connects and sends nothing.
func (t *T) tcp() *peer {
	t.Helper()
	u, err := amqp.ParseURI(t.URL)
	t.must(err)
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Host, fmt.Sprint(u.Port)), patience)
	t.must(err)
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, conn: conn, r: wire.NewReader(conn)}
	p.patient()
	return p
}

// patient sets a new deadline for reads and writes.
func (p *peer) patient() { p.t.must(p.conn.SetDeadline(soon())) }

// write writes octets. It ignores errors if the broker has closed the connection.
func (p *peer) write(octets ...[]byte) {
	p.t.Helper()
	for _, b := range octets {
		if _, err := p.conn.Write(b); errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatal("write: ", err)
		}
	}
}

// send writes methods, all at once.
func (p *peer) send(channel uint16, methods ...wire.Method) {
	p.t.Helper()
	var b []byte
	for _, m := range methods {
		b = wire.AppendMethod(b, channel, m)
	}
	p.write(b)
}

// frame reads the next frame that is not a heartbeat.
func (p *peer) frame() (wire.Frame, error) {
	for {
		f, err := p.r.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Helper()
			p.t.Fatalf("no frame within %v", patience)
		}
		if err != nil || f.Type != wire.FrameHeartbeat {
			return f, err
		}
	}
}

// method reads the next frame, which must be a method on this channel.
func (p *peer) method(channel uint16) wire.Method {
	p.t.Helper()
	f, err := p.frame()
	if err != nil {
		p.t.Fatal("read: ", err)
	}
	if f.Type != wire.FrameMethod {
		p.t.Fatalf("got a frame of type %d on channel %d, want a method on %d", f.Type, f.Channel, channel)
	}
	m, err := wire.ParseMethod(f.Payload)
	p.t.must(err)
	if f.Channel != channel {
		p.t.Fatalf("got %s on channel %d, want a method on %d", describe(m), f.Channel, channel)
	}
	return m
}

// expect reads the next frame, which must be this method on this channel.
func expect[M wire.Method](p *peer, channel uint16) M {
	p.t.Helper()
	m := p.method(channel)
	want, ok := m.(M)
	if !ok {
		p.t.Fatalf("got %s, want %T", describe(m), want)
	}
	return want
}

// call sends a method. The answer must be the next frame.
func call[M wire.Method](p *peer, channel uint16, m wire.Method) M {
	p.t.Helper()
	p.send(channel, m)
	return expect[M](p, channel)
}

func describe(m wire.Method) string {
	class, method := wire.ID(m)
	return fmt.Sprintf("%s %+v", wire.MethodName(class, method), m)
}

// content reads a header and the body. Each body frame's payload has at most this many octets.
func (p *peer) content(channel uint16, maxPayload int) (props amqp.Publishing, body []byte) {
	p.t.Helper()
	f, err := p.frame()
	p.t.must(err)
	if f.Type != wire.FrameHeader || f.Channel != channel {
		p.t.Fatalf("got a frame of type %d on channel %d, want a header on %d", f.Type, f.Channel, channel)
	}
	h, err := wire.ParseHeader(f.Payload)
	p.t.must(err)
	if h.Class != wire.ClassBasic {
		p.t.Fatalf("a header of class %d", h.Class)
	}
	props, err = wire.ParseProperties(h.Properties)
	p.t.must(err)
	for uint64(len(body)) < h.BodySize {
		f, err := p.frame()
		p.t.must(err)
		if f.Type != wire.FrameBody || f.Channel != channel || len(f.Payload) == 0 || len(f.Payload) > maxPayload {
			p.t.Fatalf("got a frame of type %d on channel %d with %d octets, want a body on %d with 1 to %d",
				f.Type, f.Channel, len(f.Payload), channel, maxPayload)
		}
		body = append(body, f.Payload...)
	}
	if uint64(len(body)) != h.BodySize {
		p.t.Fatalf("%d octets of body, announced were %d", len(body), h.BodySize)
	}
	return props, body
}

// credentials returns the PLAIN response for the URL.
func (t *T) credentials() (response, vhost string) {
	t.Helper()
	u, err := amqp.ParseURI(t.URL)
	t.must(err)
	return "\x00" + u.Username + "\x00" + u.Password, u.Vhost
}

// started connects and reads connection.start.
func (t *T) started() (*peer, *wire.ConnectionStart) {
	t.Helper()
	p := t.tcp()
	p.write(wire.AppendProtocolHeader(nil))
	return p, expect[*wire.ConnectionStart](p, 0)
}

// tuned logs in and reads connection.tune.
func (t *T) tuned(capabilities amqp.Table) (*peer, *wire.ConnectionTune) {
	t.Helper()
	p, _ := t.started()
	return p, p.logIn(capabilities)
}

// logIn answers connection.start with the credentials in the URL.
func (p *peer) logIn(capabilities amqp.Table) *wire.ConnectionTune {
	p.t.Helper()
	response, _ := p.t.credentials()
	return call[*wire.ConnectionTune](p, 0, &wire.ConnectionStartOk{
		ClientProperties: amqp.Table{"capabilities": capabilities},
		Mechanism:        "PLAIN", Response: response, Locale: "en_US",
	})
}

// limits are the fields of tune-ok.
type limits struct {
	channelMax uint16
	frameMax   uint32
	heartbeat  uint16
}

// minFrameMax is the lowest frame_max that every broker accepts. The specification has 4096.
const minFrameMax = 8192

// modest are limits that every broker accepts, without heartbeats.
var modest = limits{channelMax: 100, frameMax: minFrameMax}

// login opens a connection with modest limits and its channel 1.
func (t *T) login() *peer {
	t.Helper()
	return t.loginWith(modest, nil)
}

func (t *T) loginWith(l limits, capabilities amqp.Table) *peer {
	t.Helper()
	p, _ := t.tuned(capabilities)
	p.tuneOk(l)
	call[*wire.ConnectionOpenOk](p, 0, p.connectionOpen())
	call[*wire.ChannelOpenOk](p, 1, &wire.ChannelOpen{})
	return p
}

func (p *peer) tuneOk(l limits) {
	p.t.Helper()
	p.send(0, &wire.ConnectionTuneOk{ChannelMax: l.channelMax, FrameMax: l.frameMax, Heartbeat: l.heartbeat})
	p.r.SetFrameMax(l.frameMax)
}

func (p *peer) connectionOpen() *wire.ConnectionOpen {
	p.t.Helper()
	_, vhost := p.t.credentials()
	return &wire.ConnectionOpen{VirtualHost: vhost}
}

// declare declares an exclusive queue with a unique name.
func (p *peer) declare(channel uint16) string {
	p.t.Helper()
	name := p.t.name()
	call[*wire.QueueDeclareOk](p, channel, &wire.QueueDeclare{Queue: name, Exclusive: true})
	return name
}

// publication returns basic.publish with its content in frames of at most frameMax.
func publication(channel uint16, m wire.BasicPublish, props, body []byte, frameMax uint32) []byte {
	if props == nil {
		props = []byte{0, 0} // none
	}
	return wire.AppendContent(wire.AppendMethod(nil, channel, &m), channel, wire.ClassBasic, props, body, frameMax)
}

// publish publishes to a queue.
func (p *peer) publish(channel uint16, queue, body string) {
	p.t.Helper()
	p.write(publication(channel, wire.BasicPublish{RoutingKey: queue}, nil, []byte(body), modest.frameMax))
}

// ended fails unless the broker closes the socket without another frame.
func (p *peer) ended() {
	p.t.Helper()
	p.patient()
	if f, err := p.frame(); err == nil {
		p.t.Fatalf("got a frame of type %d on channel %d (%q), want the end of the connection", f.Type, f.Channel, f.Payload)
	}
}

// Outcomes. A wanted outcome may be a prefix: "close 501" of "close 501 about 0.0".
const (
	goesOn = "goes on" // no error
	hangUp = "hang-up" // the socket was closed without connection.close
)

// closeWith returns the outcome of an error that closes the connection.
func closeWith(code, class, method uint16) string {
	return fmt.Sprintf("close %d about %d.%d", code, class, method)
}

// outcome returns the outcome of everything sent so far. It sends a harmless method on channel 1 and reads until the answer or
// the end of the connection. It answers connection.close.
func (p *peer) outcome() string {
	p.t.Helper()
	return p.outcomeOf(1, &wire.BasicQos{PrefetchCount: 1})
}

// outcomeOf is outcome with this harmless method, or nil for none.
func (p *peer) outcomeOf(channel uint16, harmless wire.Method) string {
	p.t.Helper()
	p.patient()
	if harmless != nil {
		p.send(channel, harmless)
	}
	for {
		f, err := p.frame()
		if err != nil {
			var broken *wire.Error
			if errors.As(err, &broken) {
				p.t.Fatal("the broker's own frames are broken: ", err)
			}
			return hangUp
		}
		if f.Type != wire.FrameMethod {
			continue
		}
		m, err := wire.ParseMethod(f.Payload)
		p.t.must(err)
		switch m := m.(type) {
		case *wire.ConnectionClose:
			p.t.Logf("%d %s", m.ReplyCode, m.ReplyText)
			if !strings.HasPrefix(m.ReplyText, wire.CodeName(m.ReplyCode)) {
				p.t.Errorf("the reply text of code %d is %q, want it to begin with %s", m.ReplyCode, m.ReplyText, wire.CodeName(m.ReplyCode))
			}
			p.send(0, &wire.ConnectionCloseOk{})
			p.ended()
			return closeWith(m.ReplyCode, m.ClassID, m.MethodID)
		case *wire.ChannelClose:
			p.send(f.Channel, &wire.ChannelCloseOk{})
			return fmt.Sprintf("channel close %d about %d.%d", m.ReplyCode, m.ClassID, m.MethodID)
		case *wire.BasicQosOk, *wire.ChannelOpenOk, *wire.ConnectionTune, *wire.ConnectionOpenOk:
			return goesOn
		}
	}
}

// wantOutcome fails unless the outcome is one of these, and the bystander still works.
func (t *T) wantOutcome(name, got string, want ...string) {
	t.Helper()
	ok := false
	for _, w := range want {
		ok = ok || got == w || strings.HasPrefix(got, w+" ")
	}
	if !ok {
		t.Errorf("%s: outcome %q, want %q", name, got, want)
	}
	t.bystanderIsWell()
}

// A violation is something that a client must not write on an open connection.
type violation struct {
	name   string
	octets []byte
	want   []string // outcomes
}

// wantOutcomes tests violations, each on a new connection. It starts all at once, since some brokers delay their answers.
func (t *T) wantOutcomes(cases []violation) {
	t.Helper()
	peers := make([]*peer, len(cases))
	for i, c := range cases {
		peers[i] = t.login()
		peers[i].write(c.octets)
	}
	for i, c := range cases {
		t.wantOutcome(c.name, peers[i].outcomeOf(0, nil), c.want...)
	}
}

// bystanderIsWell fails unless the connection that all tests share still works.
func (t *T) bystanderIsWell() {
	t.Helper()
	ch, err := t.bystander.Channel()
	if err != nil {
		t.Fatal("another connection no longer works: ", err)
	}
	defer ch.Close()
	queue := t.declare(ch, kind{durable: true, autoDelete: true})
	t.put(ch, queue, "well")
	if d := t.get(ch, queue); string(d.Body) != "well" {
		t.Fatalf("another connection got %q", d.Body)
	}
	if _, err := ch.QueueDelete(queue, false, false, false); err != nil {
		t.Fatal("another connection cannot delete its queue: ", err)
	}
}
