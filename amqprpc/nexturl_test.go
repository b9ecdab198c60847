package amqprpc_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// Nodes are names for one broker, some of which are dead.
type nodes struct {
	mu    sync.Mutex
	dead  map[string]bool
	tried []string   // since the last look
	open  []net.Conn // all that were ever opened
}

// broker names nodes by their ports, of one digit.
func (n *nodes) broker(t *testing.T, live string) amqprpc.ConnConfig {
	t.Helper()
	address, err := amqprpc.Address(live)
	if err != nil {
		t.Fatal(err)
	}
	return amqprpc.ConnConfig{
		URLs: []string{"amqp://127.0.0.1:1", "amqp://127.0.0.1:2", "amqp://127.0.0.1:3"},
		Dial: func(ctx context.Context, network, node string) (net.Conn, error) {
			_, name, _ := net.SplitHostPort(node)
			n.mu.Lock()
			defer n.mu.Unlock()
			if l := len(n.tried); l == 0 || n.tried[l-1] != name { // there are two connections
				n.tried = append(n.tried, name)
			}
			if n.dead[name] {
				return nil, errors.New("dead")
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil {
				n.open = append(n.open, conn)
			}
			return conn, err
		},
	}
}

// drop cuts all connections. These nodes are dead from now on.
func (n *nodes) drop(dead ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = map[string]bool{}
	for _, name := range dead {
		n.dead[name] = true
	}
	for _, conn := range n.open {
		conn.Close()
	}
	n.open = nil
}

// look returns the nodes that were tried since the last look.
func (n *nodes) lineStyle() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	tried := n.tried
	n.tried = nil
	return tried
}

// Clients and servers begin at the first URL, and after a loss at the one after that which was lost: so a node that
// hangs is tried last.
func TestReconnectsBeginAtTheNextURL(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	live, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	for what, start := range map[string]func(amqprpc.ConnConfig, chan<- struct{}){
		"client": func(b amqprpc.ConnConfig, connected chan<- struct{}) {
			dial(t, amqprpc.Config{ConnConfig: b, Queue: queue, Backoff: quick,
				Observer: onConnect(nil, func(amqprpc.ConnectionInfo) { connected <- struct{}{} })})
		},
		"server": func(b amqprpc.ConnConfig, connected chan<- struct{}) {
			s := &amqprpc.Server{ConnConfig: b, Queue: queue, QueueType: amqprpc.QueueClassic, Handler: echo, Backoff: quick,
				Observer: onConnect(nil, func(amqprpc.ConnectionInfo) { connected <- struct{}{} })}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(context.Background()) }()
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
				defer cancel()
				if err := s.Shutdown(ctx); err != nil {
					t.Error(err)
				}
				if err := next(t, ended); err != nil {
					t.Error(err)
				}
			})
		},
	} {
		n := &nodes{}
		connected := make(chan struct{}, 100)
		start(n.broker(t, live), connected)
		for i, step := range []struct{ dead, tried []string }{
			{nil, []string{"1"}},
			{[]string{"1"}, []string{"2"}},
			{[]string{"2"}, []string{"3"}},
			{nil, []string{"1"}},
			{nil, []string{"2"}},
			{[]string{"2", "3"}, []string{"3", "1"}},
			{[]string{"2", "3"}, []string{"2", "3", "1"}},
		} {
			if i > 0 {
				n.drop(step.dead...)
			}
			next(t, connected)
			if tried := n.lineStyle(); !slices.Equal(tried, step.tried) {
				t.Errorf("%s, step %d: tried %q, want %q", what, i, tried, step.tried)
			}
		}
	}
}
