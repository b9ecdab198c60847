package link

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// testTimeout bounds the waits of tests.
const testTimeout = 30 * time.Second

// A recorder is a Handler that records its calls.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (h *recorder) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

func (h *recorder) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines
}

func (h *recorder) Delivered(d Delivery) {
	h.add("delivered %s %d %v %s %s %s %q", d.ConsumerTag, d.Tag, d.Redelivered, d.Exchange, d.RoutingKey, d.Properties.CorrelationId, d.Properties.Body)
}
func (h *recorder) Returned(r Return) {
	h.add("returned %d %s %s %s %s %q", r.Code, r.Text, r.Exchange, r.RoutingKey, r.Properties.CorrelationId, r.Properties.Body)
}
func (h *recorder) Confirmed(tag uint64, multiple, acked bool) {
	h.add("confirmed %d %v %v", tag, multiple, acked)
}
func (h *recorder) Blocked(active bool, reason string) { h.add("blocked %v %q", active, reason) }
func (h *recorder) Writable()                          { h.add("writable") }

// contentOf returns the header and body frames of a message.
func contentOf(channel uint16, id string, body []byte, frameMax uint32) []byte {
	p, err := wire.AppendProperties(nil, &amqp.Publishing{CorrelationId: id})
	if err != nil {
		panic(err)
	}
	return wire.AppendContent(nil, channel, wire.ClassBasic, p, body, frameMax)
}

// A peer is a broker that answers only the methods by which amqp091-go connects, opens a channel and closes.
type peer struct {
	net.Conn
	heartbeat uint16          // of its tune
	frameMax  uint32          // likewise
	ignore    map[string]bool // methods that it does not answer
	lastRead  string          // the method after which it stops reading

	mu       sync.Mutex
	received []string // methods, as in "1 channel.open"
	done     chan struct{}
}

// start serves until the connection ends.
func (p *peer) start() *peer {
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		p.serve()
	}()
	return p
}

// methods returns the methods received so far.
func (p *peer) methods() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.received...)
}

func (p *peer) serve() {
	in := wire.NewReader(p.Conn)
	if in.ReadProtocolHeader() != nil {
		return
	}
	in.SetFrameMax(0)
	p.answer(0, "protocol header", &wire.ConnectionStart{VersionMinor: 9, ServerProperties: amqp.Table{"product": "peer"}, Mechanisms: "PLAIN", Locales: "en_US"})
	for {
		f, err := in.ReadFrame()
		if err != nil {
			return
		}
		if f.Type != wire.FrameMethod {
			continue
		}
		class, method, err := wire.MethodID(f.Payload)
		if err != nil {
			return
		}
		name := wire.MethodName(class, method)
		p.mu.Lock()
		p.received = append(p.received, fmt.Sprint(f.Channel, " ", name))
		p.mu.Unlock()
		switch name {
		case "connection.start-ok":
			p.answer(0, name, &wire.ConnectionTune{ChannelMax: 2047, FrameMax: p.frameMax, Heartbeat: p.heartbeat})
		case "connection.open":
			p.answer(0, name, &wire.ConnectionOpenOk{})
		case "connection.close":
			p.answer(0, name, &wire.ConnectionCloseOk{})
		case "channel.open":
			p.answer(f.Channel, name, &wire.ChannelOpenOk{})
		case "channel.close":
			p.answer(f.Channel, name, &wire.ChannelCloseOk{})
		}
		if name == p.lastRead {
			return
		}
	}
}

func (p *peer) answer(channel uint16, to string, m wire.Method) {
	if !p.ignore[to] {
		p.send(wire.AppendMethod(nil, channel, m))
	}
}

// send sends frames. It ignores errors, which the client of the test sees as well.
func (p *peer) send(frames []byte) { p.Write(frames) } //nolint:errcheck

// tcpPair returns both ends of a TCP connection. The test closes them.
func tcpPair(t testing.TB) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); other.Close() })
	return conn.(*net.TCPConn), other.(*net.TCPConn)
}

// soon fails the test if f takes longer than testTimeout.
func soon(t testing.TB, name string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(testTimeout):
		t.Fatalf("%s blocks", name)
	}
}
