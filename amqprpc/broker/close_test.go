package broker_test

import (
	"io"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// Close closes connections with 320, and may be called again.
func TestClose(t *testing.T) {
	b := start(t, broker.Config{})
	closed := watch(dial(t, b))
	conn := dial(t, b)
	ch := channel(t, conn)
	closedToo := watch(ch)
	declare(t, ch, "durable", durable)
	put(t, ch, "durable", persistent("1"), persistent("2"))
	consume(t, ch, "durable")
	must(t, b.Close())
	for _, c := range []<-chan *amqp.Error{closed, closedToo} {
		if err := receive(t, c); err.Code != amqp.ConnectionForced {
			t.Errorf("closed with %v", err)
		}
	}
	if _, err := amqp.Dial(b.URL()); err == nil {
		t.Error("the port is still open")
	}
	must(t, b.Close())
	if err := b.Restart(); err != broker.ErrClosed {
		t.Errorf("Restart: %v", err)
	}
	// None of these does anything, and none may panic.
	b.Stop()
	b.Kill()
	b.Freeze()
	b.Thaw()
	b.RaiseAlarm()
	b.ClearAlarm()
	b.HoldConfirms()
	b.ReleaseConfirms()
	b.CloseConnections("closed")
	b.DropConnections()
	if n := len(b.Connections()); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// Close ends in any state of the connections. start checks that nothing is left.
func TestCloseInAnyState(t *testing.T) {
	b := start(t, broker.Config{Heartbeat: -1})
	t.Log("no answer to connection.close, and nothing read")
	clog(t, b)
	b.CloseConnections("enough")
	t.Log("no answer to connection.close")
	await[*wire.ConnectionClose](closing(t, b))
	t.Log("not a byte")
	tcp(t, b)
	t.Log("half a protocol header")
	tcp(t, b).write([]byte("AMQP"))
	t.Log("in the handshake")
	p := tcp(t, b)
	p.write(wire.AppendProtocolHeader(nil))
	await[*wire.ConnectionStart](p)
	t.Log("half a frame")
	login(t, b).write([]byte{wire.FrameMethod, 0, 1, 0, 0})
	t.Log("half a message")
	m := message(1, "queue", false, make([]byte, 1000))
	login(t, b).write(m[:len(m)/2])
	t.Log("nothing read")
	clog(t, b)
	t.Log("confirms awaited")
	b.HoldConfirms()
	p = login(t, b)
	p.send(1, &wire.ConfirmSelect{})
	await[*wire.ConfirmSelectOk](p)
	p.write(message(1, "queue", false, nil))
	t.Log("blocked")
	p = login(t, b)
	b.RaiseAlarm()
	p.write(message(1, "queue", false, nil))
	eventually(t, "blocked", func() (any, bool) {
		all := b.Connections()
		return all, all[len(all)-1].Blocked
	})
	t.Log("frozen")
	p = login(t, b)
	b.Freeze()
	p.send(1, &wire.BasicQos{PrefetchCount: 1})
	tcp(t, b).write(wire.AppendProtocolHeader(nil))
	ended(t, "Close", func() { b.Close() })
}

// closing returns a connection that was sent connection.close.
func closing(t *testing.T, b *broker.Broker) *peer {
	t.Helper()
	p := login(t, b)
	b.CloseConnections("enough")
	return p
}

// clog returns a connection whose outbox is full.
func clog(t *testing.T, b *broker.Broker) *peer {
	t.Helper()
	p := login(t, b)
	go func() { // until the connection ends
		m := message(1, "nowhere", true, make([]byte, frameMax))
		for {
			if _, err := p.conn.Write(m); err != nil {
				return
			}
		}
	}()
	const full = 1 << 20
	eventually(t, "a full outbox", func() (any, bool) { n := b.Outboxes(); return n, n >= full })
	return p
}

// A client that goes on sending instead of answering does not hold up Close.
func TestCloseWhileFlooded(t *testing.T) {
	b := start(t, broker.Config{})
	p := login(t, b)
	m := message(1, "queue", false, make([]byte, 100))
	flooding := make(chan struct{})
	go func() {
		defer close(flooding)
		for {
			if _, err := p.conn.Write(m); err != nil {
				return
			}
		}
	}()
	go func() { _, _ = io.Copy(io.Discard, p.conn) }()
	ended(t, "Close", func() { b.Close() })
	ended(t, "the flood", func() { <-flooding })
}
