package amqprpc_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/internal/wire"
)

// An identityLog keeps the writes to each connection.
type identityLog struct {
	mu    sync.Mutex
	conns []*bytes.Buffer
}

func (w *identityLog) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &bytes.Buffer{}
	w.conns = append(w.conns, b)
	return &identityConn{conn, w, b}, nil
}

type identityConn struct {
	net.Conn
	all *identityLog
	b   *bytes.Buffer
}

func (c *identityConn) Write(p []byte) (int, error) {
	c.all.mu.Lock()
	c.b.Write(p)
	c.all.mu.Unlock()
	return c.Conn.Write(p)
}

// identities returns the names that were sent to the broker: "product version, connection name" of each connection, and the tag
// of each consumer.
func (w *identityLog) identities(t *testing.T) (connections, consumers []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.conns {
		r := wire.NewReader(bytes.NewReader(b.Bytes()))
		if err := r.ReadProtocolHeader(); err != nil {
			t.Fatal(err)
		}
		for {
			f, err := r.ReadFrame()
			if err != nil {
				break // the end of the writes
			}
			if f.Type != wire.FrameMethod {
				continue
			}
			m, err := wire.ParseMethod(f.Payload)
			if err != nil {
				t.Fatal(err)
			}
			switch m := m.(type) {
			case *wire.ConnectionStartOk:
				p := m.ClientProperties
				connections = append(connections, fmt.Sprintf("%v %v, %v", p["product"], p["version"], p["connection_name"]))
			case *wire.BasicConsume:
				consumers = append(consumers, m.ConsumerTag)
			}
		}
	}
	return connections, consumers
}

// An operator sees from the broker's lists which process each connection and consumer belongs to.
func TestBrokerListsShowProcesses(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	process := fmt.Sprintf("[%d]@%s", os.Getpid(), host)
	long := strings.Repeat("ä", 127)
	for _, test := range []struct {
		name            string
		broker          amqprpc.ConnConfig
		connection, tag string
	}{
		{"by default", amqprpc.ConnConfig{}, "amqprpc.test (devel), amqprpc.test" + process, "amqprpc.test" + process},
		{"a name", amqprpc.ConnConfig{Name: "squares-1"}, "amqprpc.test (devel), amqprpc.test" + process + " squares-1", "amqprpc.test" + process + " squares-1"},
		{"a name that is the product's", amqprpc.ConnConfig{Name: "squares", Product: "squares", Version: "v1.2"}, "squares v1.2, squares" + process, "squares" + process},
		{"all of it", amqprpc.ConnConfig{Name: "squares-1", Product: "squares", Version: "v1.2", ConnectionName: "one", ConsumerTag: "two"}, "squares v1.2, one", "two"},
		{"as long as can be", amqprpc.ConnConfig{Name: long, Product: long}, long + " (devel), " + long + "[", long + "["},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w identityLog
			test.broker.URLs = []string{brokertest.Shared(t).URL()}
			test.broker.Dial = w.dial
			queue := brokertest.QueueName(t)
			serve(t, &amqprpc.Server{ConnConfig: test.broker, Queue: queue})
			c := dial(t, amqprpc.Config{ConnConfig: test.broker, Queue: queue})
			if _, err := c.Call(t.Context(), amqprpc.Request{Body: []byte("x")}); err != nil {
				t.Fatal(err)
			}
			connections, consumers := w.identities(t)
			if len(connections) != 2 || len(consumers) != 2 {
				t.Errorf("connections %q, consumers %q: want the server's and the client's", connections, consumers)
			}
			for _, s := range connections {
				if s != test.connection {
					t.Errorf("a connection of %q, want %q", s, test.connection)
				}
			}
			for _, s := range consumers {
				if s != test.tag {
					t.Errorf("a consumer %q, want %q", s, test.tag)
				}
			}
		})
	}
}
