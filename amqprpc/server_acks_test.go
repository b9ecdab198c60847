package amqprpc_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/internal/wire"
)

// A writeLog keeps each write to its connections.
type writeLog struct {
	mu     sync.Mutex
	writes [][]byte
}

type writeLogConn struct {
	net.Conn
	log *writeLog
}

func (c writeLogConn) Write(p []byte) (int, error) {
	c.log.mu.Lock()
	c.log.writes = append(c.log.writes, bytes.Clone(p))
	c.log.mu.Unlock()
	return c.Conn.Write(p)
}

func (l *writeLog) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return writeLogConn{conn, l}, err
}

// methods returns the publishes, acks, nacks and rejects of each write.
func (l *writeLog) methods(t *testing.T) (writes [][]string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.writes {
		var names []string
		in := wire.NewReader(bytes.NewReader(b))
		in.SetFrameMax(0)
		for {
			f, err := in.ReadFrame()
			if err != nil {
				break // the end, or the protocol header
			}
			if f.Type != wire.FrameMethod {
				continue
			}
			class, method, err := wire.MethodID(f.Payload)
			if err != nil {
				t.Fatal(err)
			}
			switch name := wire.MethodName(class, method); name {
			case "basic.publish", "basic.ack", "basic.nack", "basic.reject":
				names = append(names, name)
			}
		}
		if names != nil {
			writes = append(writes, names)
		}
	}
	return writes
}

// A reply and the ack of its request are one write, in this order: there is no moment at which the broker has only
// the ack, and hardly one at which it has only the reply.
func TestReplyAndAckAreOneWrite(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	var log writeLog
	s := serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Dial: log.dial}, Queue: queue, Prefetch: 64})
	c := dial(t, amqprpc.Config{ConnConfig: at(url), Queue: queue})
	const calls = 20
	for range calls {
		if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, names := range log.methods(t) {
		if i == 0 { // the first one finds out whether it may publish
			if !slices.Equal(names, []string{"basic.publish"}) {
				t.Errorf("the first write is %q", names)
			}
			continue
		}
		if n++; !slices.Equal(names, []string{"basic.publish", "basic.ack"}) {
			t.Errorf("a write of %q", names)
		}
	}
	if n != calls {
		t.Errorf("%d writes for %d calls", n, calls)
	}
}

// With ConfirmReplies a request is acked only after the confirm of its reply: if that does not come, the request is
// delivered again when the server dies. Without, the ack does not wait for it.
func TestAckWaitsForConfirmOfReply(t *testing.T) {
	for name, confirm := range map[string]bool{"with": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			var withheld atomic.Bool
			var beats atomic.Int64
			var log writeLog
			first := &amqprpc.Server{Queue: queue, QueueType: amqprpc.QueueClassic, Handler: echo, ConfirmReplies: confirm, ConnConfig: amqprpc.ConnConfig{
				URLs: []string{url}, Name: "first", Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := log.dial(ctx, network, address)
					return &unconfirmedConn{Conn: conn, on: &withheld, beats: &beats}, err
				}}}
			ctx, die := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			serving := make(chan amqprpc.ConnectionInfo, 1)
			first.Observer = onConnect(nil, func(i amqprpc.ConnectionInfo) { serving <- i })
			go func() { ended <- first.Serve(ctx) }()
			next(t, serving)
			a := newAsker(t, url, queue)
			a.ask(t, amqp.Publishing{CorrelationId: "confirmed"})
			next(t, a.replies)
			eventually(t, first, "the ack", func(amqprpc.ServerStats) bool { return acked(t, &log) == 1 })
			withheld.Store(true)
			a.ask(t, amqp.Publishing{CorrelationId: "not confirmed"})
			if d := next(t, a.replies); d.AppId != "first" {
				t.Errorf("answered by %q", d.AppId)
			}
			if !confirm {
				eventually(t, first, "the ack", func(amqprpc.ServerStats) bool { return acked(t, &log) == 2 })
			}
			die()
			next(t, ended)
			if n := acked(t, &log); confirm && n != 1 {
				t.Errorf("%d acks for one confirm", n)
			}
			second := serve(t, &amqprpc.Server{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, Name: "second"}, Queue: queue})
			if !confirm {
				a.ask(t, amqp.Publishing{CorrelationId: "later"})
			}
			want := map[bool]string{true: "not confirmed", false: "later"}[confirm]
			if d := next(t, a.replies); d.AppId != "second" || d.CorrelationId != want || meta(d).Redelivered != confirm {
				t.Errorf("%q was answered by %q: %v; want %q", d.CorrelationId, d.AppId, d.Headers, want)
			}
			if n := second.Stats().Requests; n != 1 {
				t.Errorf("the second server got %d requests", n)
			}
		})
	}
}

// acked counts the acks that were written.
func acked(t *testing.T, log *writeLog) (n int) {
	t.Helper()
	for _, names := range log.methods(t) {
		for _, name := range names {
			if name == "basic.ack" {
				n++
			}
		}
	}
	return n
}

// A client and a server have one connection each.
func TestOneConnection(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	var d dialer
	broker := at(url)
	broker.Dial = d.dial
	serve(t, &amqprpc.Server{ConnConfig: broker, Queue: queue})
	c := dial(t, amqprpc.Config{ConnConfig: broker, Queue: queue})
	if _, err := c.Call(t.Context(), amqprpc.Request{}); err != nil {
		t.Fatal(err)
	}
	if n := d.dialled.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}
