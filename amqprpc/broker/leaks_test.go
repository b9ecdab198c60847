package broker_test

import (
	"net"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"weak"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// states holds a function for each state in which Close may find a connection.
var states = map[string]func(t *testing.T, b *broker.Broker){
	"not a byte":             func(t *testing.T, b *broker.Broker) { tcp(t, b) },
	"half a protocol header": func(t *testing.T, b *broker.Broker) { tcp(t, b).write([]byte("AMQP")) },
	"in the handshake": func(t *testing.T, b *broker.Broker) {
		p := tcp(t, b)
		p.write(wire.AppendProtocolHeader(nil))
		await[*wire.ConnectionStart](p)
	},
	"heartbeats": func(t *testing.T, b *broker.Broker) { tcp(t, b).login(nil, 3600) },
	"half a message": func(t *testing.T, b *broker.Broker) {
		m := message(1, "queue", false, make([]byte, 1000))
		login(t, b).write(m[:len(m)/2])
	},
	"un-acked": func(t *testing.T, b *broker.Broker) {
		p := login(t, b)
		p.send(1, &wire.QueueDeclare{Exclusive: true})
		queue := await[*wire.QueueDeclareOk](p).Queue
		p.send(1, &wire.BasicConsume{Queue: queue})
		p.write(message(1, queue, false, []byte("x")))
		await[*wire.BasicDeliver](p)
	},
	"a message that expires": func(t *testing.T, b *broker.Broker) {
		ch := channel(t, dial(t, b))
		put(t, ch, declare(t, ch, "durable", durable), amqp.Publishing{Expiration: "3600000"})
	},
	"closed, and waits for close-ok": func(t *testing.T, b *broker.Broker) {
		p := login(t, b)
		p.send(1, &wire.ChannelOpen{}) // a second time: 504
		await[*wire.ConnectionClose](p)
	},
}

// Close leaves no goroutine, timer or memory of a broker behind, whatever the state of the broker and of its connections,
// and while more clients connect. (brokertest.NoLeaks ignores brokers.)
func TestCloseLeavesNothing(t *testing.T) {
	skipIfShort(t)
	left := closeAll(t, map[string]func(b *broker.Broker){
		"at work":       func(*broker.Broker) {},
		"frozen":        (*broker.Broker).Freeze,
		"alarmed":       (*broker.Broker).RaiseAlarm,
		"confirms held": (*broker.Broker).HoldConfirms,
		"all leaving":   func(b *broker.Broker) { b.CloseConnections("enough") },
		"stopped":       (*broker.Broker).Stop,
		"killed":        (*broker.Broker).Kill,
		"restarted":     func(b *broker.Broker) { b.Kill(); _ = b.Restart() },
	})
	for name, b := range left {
		eventually(t, "all memory of the broker that was "+name+" is free", func() (any, bool) {
			runtime.GC()
			return "something still refers to it, a timer most likely", b.Value() == nil
		})
	}
}

// closeAll starts a broker with many connections for each function in before, which is called before Close. All are closed
// at the same time.
func closeAll(t *testing.T, before map[string]func(*broker.Broker)) map[string]weak.Pointer[broker.Broker] {
	t.Helper()
	const each = 10
	brokers, left := map[string]*broker.Broker{}, map[string]weak.Pointer[broker.Broker]{}
	for name := range before {
		b, err := broker.Start(broker.Config{Heartbeat: -1})
		must(t, err)
		defer b.Close() // if the test ends early
		for range each {
			for _, connect := range states {
				connect(t, b)
			}
		}
		brokers[name], left[name] = b, weak.Make(b)
	}
	var late, closing sync.WaitGroup
	for name, b := range brokers {
		before[name](b)
		late.Go(func() {
			for range 100 {
				conn, err := net.DialTimeout("tcp", b.Addr(), patience)
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = conn.Write(wire.AppendProtocolHeader(nil))
			}
		})
		for range 3 {
			closing.Go(func() { _ = b.Close() })
		}
	}
	ended(t, "Close", closing.Wait)
	eventually(t, "no goroutine of a broker", func() (any, bool) { // the last may still be returning
		stacks := make([]byte, 4<<20)
		found := ofBroker.Find(stacks[:runtime.Stack(stacks, true)])
		return string(found), found == nil
	})
	late.Wait()
	for name, b := range brokers {
		if n := b.Memory(); n != 0 || len(b.Queues())+len(b.Connections()) != 0 {
			t.Errorf("the broker that was %s holds %d bytes, %d queues and %d connections", name, n, len(b.Queues()), len(b.Connections()))
		}
	}
	return left
}

// ofBroker matches a function of the broker on a stack, but none of the tests in package broker_test.
var ofBroker = regexp.MustCompile(`(?m)^rpcscope/amqprpc/broker\.\S+`)
