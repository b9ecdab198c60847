package lab_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
)

// pausing is a lab that pauses its load if there are foreign consumers.
func pausing(t *testing.T, node brokertest.Node) lab.Config {
	cfg := config(t, node)
	cfg.Paused, cfg.PauseIfForeign = false, true
	return cfg
}

// consumeForeign answers a queue until the test ends, as another program. It declares an exclusive queue.
func consumeForeign(t *testing.T, node brokertest.Node, queue string, exclusive bool) {
	t.Helper()
	conn, err := amqp.Dial(node.URL())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	must(t, err)
	if exclusive {
		_, err = ch.QueueDeclare(queue, false, false, true, false, nil)
		must(t, err)
	}
	requests, err := ch.Consume(queue, "", true, false, false, false, nil)
	must(t, err)
	go func() {
		for r := range requests {
			ch.Publish("", r.ReplyTo, false, false, amqp.Publishing{CorrelationId: r.CorrelationId, Body: []byte("5")}) //nolint:errcheck // the calls fail then
		}
	}()
}

// wantNoServer checks that no server can be started, and that a note says why.
func wantNoServer(t *testing.T, l *lab.Lab, why string) {
	t.Helper()
	snap := until(t, l, "a reason", func(snap lab.Snapshot) bool { return strings.Contains(snap.StartWarning, why) })
	if err := l.CheckStart(t.Context()); err == nil || err.Error() != snap.StartWarning {
		t.Errorf("%v, the screen says %s", err, snap.StartWarning)
	}
	for verb, err := range map[string]error{
		"start":   func() error { _, err := l.StartServer(t.Context()); return err }(),
		"restart": l.RestartServer(t.Context(), "fib-1"),
	} {
		if err == nil || !strings.Contains(err.Error(), why) || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if snap := l.Snapshot(lab.Query{}); len(snap.Pool) != 0 {
		t.Errorf("servers: %+v", snap.Pool)
	}
}

// If somebody else consumes, the load starts paused, and a server is started only after AllowStart.
func TestForeignConsumer(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := pausing(t, node)
	declare(t, node, cfg.Queue)
	consumeForeign(t, node, cfg.Queue, false)
	l := open(t, cfg)
	why := `another client consumes from "` + cfg.Queue + `"`
	snap := l.Snapshot(everything()) // no server has been started here
	if !noted("press space to start the load")(snap) || !snap.Load.Paused || snap.Load.PausedBy != why || snap.Load.Waiting || snap.Queue.Others != 1 || snap.Ledger.Calls.Sent != 0 {
		t.Errorf("load %+v, queue %+v, calls %+v", snap.Load, snap.Queue, snap.Ledger.Calls)
	}
	wantNoServer(t, l, why)
	l.Resume()
	snap = until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 10 })
	if snap.Load.Paused || snap.Load.PausedBy != "" {
		t.Errorf("load %+v", snap.Load)
	}
	l.AllowStart()
	start(t, l)
	snap = until(t, l, "two consumers", func(snap lab.Snapshot) bool { return snap.Queue.Consumers == 2 })
	if snap.StartWarning != "" || snap.Queue.Others != 1 {
		t.Errorf("queue %+v; after it was allowed: %s", snap.Queue, snap.StartWarning)
	}
}

// StartServer notices a foreign consumer that the last poll has not seen.
func TestNewForeignConsumer(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	l := open(t, cfg)
	start(t, l)
	until(t, l, "a consumer", func(snap lab.Snapshot) bool { return snap.Queue.Consumers == 1 && snap.Queue.Others == 0 })
	consumeForeign(t, node, cfg.Queue, false)
	if _, err := l.StartServer(t.Context()); err == nil || !strings.Contains(err.Error(), "another client consumes") {
		t.Errorf("%v", err)
	}
}

// The lab's own servers do not count as foreign when they join and leave.
func TestOwnServersAreNotForeign(t *testing.T) {
	l := open(t, pausing(t, brokertest.Shared(t)))
	begun := false
	onlyOwn := func(n int) func(lab.Snapshot) bool {
		return func(snap lab.Snapshot) bool {
			if snap.Queue.Others != 0 || snap.StartWarning != "" || snap.Load.Paused {
				t.Errorf("queue %+v, load %+v: %s", snap.Queue, snap.Load, snap.StartWarning)
				return true
			}
			begun = begun || !snap.Load.Waiting
			return begun && snap.Queue.Known && snap.Queue.Consumers == n
		}
	}
	first, second := start(t, l), start(t, l)
	until(t, l, "two consumers", onlyOwn(2))
	must(t, l.KillServer(first))
	until(t, l, "one consumer", onlyOwn(1))
	must(t, l.RestartServer(t.Context(), first))
	until(t, l, "two consumers again", onlyOwn(2))
	must(t, l.StopServer(t.Context(), second))
	must(t, l.KillServer(first))
	until(t, l, "no consumers", onlyOwn(0))
	start(t, l)
	until(t, l, "one consumer again", onlyOwn(1))
}

// The load does not wait for a consumer of an exclusive queue, since the broker cannot name one.
func TestExclusiveQueue(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	consumeForeign(t, node, queue, true)
	for _, pauses := range []bool{false, true} {
		cfg := config(t, node)
		cfg.Queue, cfg.Paused, cfg.PauseIfForeign = queue, false, pauses
		l := open(t, cfg)
		snap := until(t, l, "the load begins", func(snap lab.Snapshot) bool { return !snap.Load.Waiting })
		if snap.Load.Paused != pauses || !snap.Queue.Exclusive || snap.Queue.Unserved() {
			t.Errorf("load %+v, queue %+v", snap.Load, snap.Queue)
		}
		wantNoServer(t, l, "is exclusive to another connection")
		l.Resume()
		until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 10 })
	}
}

// If the broker does not describe the queue, the load starts and the reason is shown.
func TestQueueStatsFail(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := pausing(t, node)
	declare(t, node, cfg.Queue)
	consumeForeign(t, node, cfg.Queue, false)
	var dialled atomic.Int64
	cfg.Broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialled.Add(1) > 1 { // the first connection is for calls
			return nil, errors.New("enough connections")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	l := open(t, cfg)
	snap := until(t, l, "a failed question", func(snap lab.Snapshot) bool { return snap.Queue.Err != "" })
	if snap.Queue.Known || !strings.HasSuffix(snap.Queue.Err, "enough connections") {
		t.Errorf("queue %+v", snap.Queue)
	}
	wantNoServer(t, l, "enough connections")
	untilNoted(t, l, "cannot tell who consumes from "+cfg.Queue, "enough connections", "the load begins anyway")
	snap = until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed > 10 })
	if n := snap.Ledger.Connection.Epochs; n != 1 {
		t.Errorf("connected %d times", n)
	}
}

// Begin starts a load that waits for a server.
func TestBegin(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	until(t, l, "asked", func(snap lab.Snapshot) bool { return snap.Queue.Known && snap.Load.Waiting })
	l.Begin()
	snap := until(t, l, "calls", func(snap lab.Snapshot) bool { return snap.Ledger.Failures.Unroutable > 0 })
	if snap.Load.Waiting || snap.Load.Paused {
		t.Errorf("%+v", snap.Load)
	}
}

// The load of a Service starts paused, and no fibserver is started for it.
func TestServiceStartsPaused(t *testing.T) {
	cfg := pausing(t, brokertest.Shared(t))
	cfg.Service = service(t, "x", "")
	l := open(t, cfg)
	if snap := l.Snapshot(lab.Query{}); !snap.Load.Paused || snap.Load.PausedBy == "" {
		t.Errorf("%+v", snap.Load)
	}
	wantNoServer(t, l, "answers nothing but fib")
	l.AllowStart()
	start(t, l)
}

// Servers are started beside foreign ones on an own queue, and with Force.
func TestForeignConsumersAllowed(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	for name, change := range map[string]func(*lab.Config){
		"own queue": func(cfg *lab.Config) { cfg.OwnQueue = true },
		"force":     func(cfg *lab.Config) { cfg.Force = true },
	} {
		cfg := config(t, node)
		change(&cfg)
		l := open(t, cfg)
		declare(t, node, cfg.Queue)
		consumeForeign(t, node, cfg.Queue, false)
		until(t, l, "a consumer", func(snap lab.Snapshot) bool { return snap.Queue.Consumers == 1 })
		if snap := l.Snapshot(lab.Query{}); snap.StartWarning != "" {
			t.Errorf("%s: %s", name, snap.StartWarning)
		}
		start(t, l)
	}
}
