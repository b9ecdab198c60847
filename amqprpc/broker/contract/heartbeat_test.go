package contract

import (
	"errors"
	"os"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/internal/wire"
)

var heartbeatTests = []test{
	{"HeartbeatsCome", heartbeatsCome},
	{"SilentClientDropped", silentClientDropped},
	{"NoHeartbeats", noHeartbeats},
}

// everySecond asks for the shortest heartbeat.
var everySecond = limits{channelMax: 10, frameMax: 8192, heartbeat: 1}

// heartbeat reads until the next heartbeat.
func (p *peer) heartbeat() {
	p.t.Helper()
	p.patient()
	for {
		f, err := p.r.ReadFrame()
		if err != nil {
			p.t.Fatalf("no heartbeat but %v", err)
		}
		if f.Type != wire.FrameHeartbeat {
			continue
		}
		if f.Channel != 0 || len(f.Payload) != 0 {
			p.t.Errorf("a heartbeat on channel %d with payload %q", f.Channel, f.Payload)
		}
		return
	}
}

// Heartbeats keep an idle connection open.
func heartbeatsCome(t *T) {
	brokertest.SkipIfShort(t)
	p := t.loginWith(everySecond, nil)
	for range 4 {
		p.heartbeat()
		p.write(wire.AppendHeartbeat(nil))
	}
	t.wantOutcome("after some heartbeats", p.outcome(), goesOn)
}

// A client that sends nothing is dropped. Its exclusive queue is deleted, and its unacked messages are requeued.
func silentClientDropped(t *T) {
	brokertest.SkipIfShort(t)
	ch := t.open()
	queue := t.declare(ch, durable)
	t.put(ch, queue, "message")
	p := t.loginWith(everySecond, nil)
	own := p.declare(1)
	call[*wire.BasicGetOk](p, 1, &wire.BasicGet{Queue: queue})
	t.wantReady(ch, queue, 0)
	t.must(p.conn.SetReadDeadline(soon()))
	for {
		_, err := p.r.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a silent client is still connected after %v", patience)
		}
		if err != nil {
			break // RabbitMQ closes the socket
		}
	}
	t.wantGone(own)
	t.wantReady(ch, queue, 1)
	if d := t.get(ch, queue); !d.Redelivered {
		t.Error("the message of the silent client comes back without redelivered")
	}
}

// Without heartbeats nobody is dropped, and the broker sends none. The end of another silent connection, which has heartbeats,
// shows that there was enough time.
func noHeartbeats(t *T) {
	brokertest.SkipIfShort(t)
	quiet := t.login()
	other := t.loginWith(everySecond, nil)
	t.must(other.conn.SetReadDeadline(soon()))
	for {
		if _, err := other.r.ReadFrame(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("a silent client with heartbeats is still connected")
			}
			break
		}
	}
	t.must(quiet.conn.SetReadDeadline(time.Now().Add(time.Millisecond)))
	if n, err := quiet.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || quiet.r.Buffered() > 0 {
		t.Fatalf("got %d octets and more, %v, want nothing at all", n+quiet.r.Buffered(), err)
	}
	t.wantOutcome("after silence", quiet.outcome(), goesOn)
}
