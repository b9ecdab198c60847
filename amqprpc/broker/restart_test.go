package broker_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
)

// A restart keeps durable queues and their persistent messages.
func TestRestart(t *testing.T) {
	for _, way := range []struct {
		name string
		end  func(*broker.Broker)
		code int
	}{
		{"Stop", (*broker.Broker).Stop, amqp.ConnectionForced},
		{"Kill", (*broker.Broker).Kill, 0}, // depends on the client
	} {
		t.Run(way.name, func(t *testing.T) {
			b := start(t, broker.Config{})
			url := b.URL()
			if err := b.Restart(); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("Restart of a running broker: %v", err)
			}
			conn := dial(t, b)
			closed := watch(conn)
			ch := channel(t, conn)
			declare(t, ch, "transient", transient)
			declare(t, ch, "exclusive", kind{exclusive: true, durable: true})
			for _, q := range []string{"transient", "exclusive", declare(t, ch, "durable", durable), declare(t, ch, "quorum", quorum)} {
				put(t, ch, q, persistent("out"), persistent("ready"), text("transient"))
				wantGet(t, ch, q, false, "out")
			}

			way.end(b)
			if err := receive(t, closed); way.code != 0 && err.Code != way.code {
				t.Errorf("closed with %v, want %d", err, way.code)
			}
			if n := len(b.Connections()); n != 0 {
				t.Errorf("%d connections to a broker that is stopped", n)
			}
			if _, err := net.Dial("tcp", b.Addr()); err == nil {
				t.Error("the port is still open")
			}
			way.end(b) // does nothing
			must(t, b.Restart())
			if b.URL() != url {
				t.Errorf("the URL was %s and is %s", url, b.URL())
			}

			if _, ok := queueInfo(b, "transient"); ok {
				t.Error("a transient queue is still there")
			}
			if _, ok := queueInfo(b, "exclusive"); ok {
				t.Error("an exclusive queue is still there")
			}
			ch = channel(t, dial(t, b))
			for _, q := range []string{"durable", "quorum"} {
				wantGet(t, ch, q, true, "out")
				wantGet(t, ch, q, false, "ready")
			}
			wantGet(t, ch, "quorum", false, "transient")
			wantQueue(t, b, "durable", 0, 2)
			wantQueue(t, b, "quorum", 0, 3)
		})
	}
}

// If all connections end at once, a message that one of them returns is not delivered to another.
func TestShutdownCountsOneDelivery(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *broker.Broker){
		"Stop":             func(t *testing.T, b *broker.Broker) { b.Stop(); must(t, b.Restart()) },
		"Kill":             func(t *testing.T, b *broker.Broker) { b.Kill(); must(t, b.Restart()) },
		"DropConnections":  func(t *testing.T, b *broker.Broker) { b.DropConnections() },
		"CloseConnections": func(t *testing.T, b *broker.Broker) { b.CloseConnections("enough") },
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, broker.Config{})
			first := channel(t, dial(t, b))
			queue := declare(t, first, "queue", quorum)
			put(t, first, queue, text("message"))
			must(t, first.Qos(1, 0, false))
			wantNext(t, consume(t, first, queue), false, "message")
			for range 10 {
				must(t, errorOf(channel(t, dial(t, b)).Consume(queue, "", true, false, false, false, nil)))
			}
			end(t, b)
			wantQueue(t, b, queue, 1, 0)
			d := wantGet(t, channel(t, dial(t, b)), queue, true, "message")
			if n := d.Headers["x-delivery-count"]; n != int64(1) {
				t.Errorf("x-delivery-count %v, want 1", n)
			}
		})
	}
}

func errorOf[V any](_ V, err error) error { return err }

// Restart returns an error while the port is in use, and can be called again.
func TestRestartPortInUse(t *testing.T) {
	b := start(t, broker.Config{})
	b.Stop()
	other, err := net.Listen("tcp", b.Addr())
	must(t, err)
	if err := b.Restart(); err == nil {
		t.Fatal("two listen on one port")
	}
	must(t, other.Close())
	must(t, b.Restart())
	wantAlive(t, b)
}

// A message that expires while the broker is stopped is not delivered after the restart.
func TestExpiryWhileStopped(t *testing.T) {
	b := start(t, broker.Config{})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", durable)
	p := persistent("short")
	p.Expiration = "50"
	put(t, ch, queue, p, persistent("long"))
	b.Kill()
	wantQueue(t, b, queue, 1, 0)
	must(t, b.Restart())
	wantGet(t, channel(t, dial(t, b)), queue, false, "long")
}

// Stop, Kill, Restart, Freeze and Thaw may be called from many goroutines.
func TestConcurrentLifecycle(t *testing.T) {
	b := start(t, broker.Config{})
	ended(t, "concurrent calls", func() {
		var done []chan struct{}
		for _, f := range []func(){
			b.Stop, b.Kill, b.Freeze, b.Thaw, func() { _ = b.Restart() }, b.DropConnections,
			func() { _ = b.URL() + b.Addr() }, func() { b.Queues() },
			func() {
				if conn, err := net.DialTimeout("tcp", b.Addr(), time.Second); err == nil {
					conn.Close()
				}
			},
		} {
			d := make(chan struct{})
			done = append(done, d)
			go func() {
				defer close(d)
				for range 50 {
					f()
				}
			}()
		}
		for _, d := range done {
			<-d
		}
	})
	b.Thaw()
	if err := b.Restart(); err != nil && !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	wantAlive(t, b)
}
