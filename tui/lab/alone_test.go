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

// wary is a lab that is not asked to be paused, but may see reason to.
func wary(t *testing.T, node brokertest.Node) lab.Config {
	cfg := config(t, node)
	cfg.Paused, cfg.PauseIfForeign = false, true
	return cfg
}

// somebody answers a queue, which exists unless it is exclusive, until the test ends, as a program that is not ours.
func somebody(t *testing.T, node brokertest.Node, queue string, exclusive bool) {
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
			ch.Publish("", r.ReplyTo, false, false, amqp.Publishing{CorrelationId: r.CorrelationId, Body: []byte("5")}) //nolint:errcheck // the calls tell
		}
	}()
}

// wantNoServer checks that a server is not started, and that this is said.
func wantNoServer(t *testing.T, l *lab.Lab, why string) {
	t.Helper()
	look := until(t, l, "a reason", func(look lab.Snapshot) bool { return strings.Contains(look.StartWarning, why) })
	if err := l.CheckStart(t.Context()); err == nil || err.Error() != look.StartWarning {
		t.Errorf("%v, the screen says %s", err, look.StartWarning)
	}
	for verb, err := range map[string]error{
		"start":   func() error { _, err := l.StartServer(t.Context()); return err }(),
		"restart": l.RestartServer(t.Context(), "fib-1"),
	} {
		if err == nil || !strings.Contains(err.Error(), why) || !noted(err.Error())(l.Snapshot(everything())) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if look := l.Snapshot(lab.Query{}); len(look.Pool) != 0 || look.Starting != 0 {
		t.Errorf("servers: %+v, %d starting", look.Pool, look.Starting)
	}
}

// Where somebody else consumes, the load begins paused, and a server is started only if that was
// allowed.
func TestSomebodyElseConsumes(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := wary(t, node)
	declare(t, node, cfg.Queue)
	somebody(t, node, cfg.Queue, false)
	l := open(t, cfg)
	why := `somebody else consumes from "` + cfg.Queue + `"`
	look := l.Snapshot(everything()) // before any server can have been started here
	if !noted("the load begins when it is resumed")(look) || !look.Load.Paused || look.Load.PausedBy != why || look.Load.Waiting || look.Queue.Others != 1 || look.Ledger.Calls.Sent != 0 {
		t.Errorf("load %+v, queue %+v, calls %+v", look.Load, look.Queue, look.Ledger.Calls)
	}
	wantNoServer(t, l, why)
	l.Resume()
	look = until(t, l, "calls", func(look lab.Snapshot) bool { return look.Ledger.Calls.Completed > 10 })
	if look.Load.Paused || look.Load.PausedBy != "" {
		t.Errorf("load %+v", look.Load)
	}
	l.AllowStart()
	start(t, l)
	look = until(t, l, "two consumers", func(look lab.Snapshot) bool { return look.Queue.Consumers == 2 })
	if look.StartWarning != "" || look.Queue.Others != 1 {
		t.Errorf("queue %+v; after it was allowed: %s", look.Queue, look.StartWarning)
	}
}

// A server that is started anywhere else must not work beside one that came in the last second.
func TestSomebodyElseComes(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	l := open(t, cfg)
	start(t, l)
	until(t, l, "a consumer", func(look lab.Snapshot) bool { return look.Queue.Consumers == 1 && look.Queue.Others == 0 })
	somebody(t, node, cfg.Queue, false)
	if _, err := l.StartServer(t.Context()); err == nil || !strings.Contains(err.Error(), "somebody else consumes") {
		t.Errorf("%v", err)
	}
}

// The lab's own servers are nobody else's, whenever they come and go.
func TestOwnServersAreNobodyElse(t *testing.T) {
	l := open(t, wary(t, brokertest.Shared(t)))
	begun := false
	alone := func(n int) func(lab.Snapshot) bool {
		return func(look lab.Snapshot) bool {
			if look.Queue.Others != 0 || look.StartWarning != "" || look.Load.Paused {
				t.Errorf("queue %+v, load %+v: %s", look.Queue, look.Load, look.StartWarning)
				return true
			}
			begun = begun || !look.Load.Waiting
			return begun && look.Queue.Known && look.Queue.Consumers == n
		}
	}
	first, second := start(t, l), start(t, l)
	until(t, l, "two consumers", alone(2))
	must(t, l.KillServer(first))
	until(t, l, "one consumer", alone(1))
	must(t, l.RestartServer(t.Context(), first))
	until(t, l, "two consumers again", alone(2))
	must(t, l.StopServer(t.Context(), second))
	must(t, l.KillServer(first))
	until(t, l, "no consumers", alone(0))
	start(t, l)
	until(t, l, "one consumer again", alone(1))
}

// An exclusive queue has an owner: the load does not wait, though nobody can say who consumes.
func TestExclusiveQueue(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	somebody(t, node, queue, true)
	for _, wary := range []bool{false, true} {
		cfg := config(t, node)
		cfg.Queue, cfg.Paused, cfg.PauseIfForeign = queue, false, wary
		l := open(t, cfg)
		look := until(t, l, "the load begins", func(look lab.Snapshot) bool { return !look.Load.Waiting })
		if look.Load.Paused != wary || !look.Queue.Exclusive || look.Queue.Unserved() {
			t.Errorf("load %+v, queue %+v", look.Load, look.Queue)
		}
		wantNoServer(t, l, "is exclusive to another connection")
		l.Resume()
		until(t, l, "calls", func(look lab.Snapshot) bool { return look.Ledger.Calls.Completed > 10 })
	}
}

// A broker that cannot be asked holds up nothing: the load begins, and the reason is shown.
func TestBrokerCannotBeAsked(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := wary(t, node)
	declare(t, node, cfg.Queue)
	somebody(t, node, cfg.Queue, false)
	var dialled atomic.Int64
	cfg.Broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialled.Add(1) > 1 { // the first connection is for calls
			return nil, errors.New("enough connections")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	l := open(t, cfg)
	look := until(t, l, "a failed question", func(look lab.Snapshot) bool { return look.Queue.Err != "" })
	if look.Queue.Known || !strings.HasSuffix(look.Queue.Err, "enough connections") {
		t.Errorf("queue %+v", look.Queue)
	}
	wantNoServer(t, l, "enough connections")
	untilNoted(t, l, "nobody can say who consumes from "+cfg.Queue, "enough connections", "the load begins all the same")
	look = until(t, l, "calls", func(look lab.Snapshot) bool { return look.Ledger.Calls.Completed > 10 })
	if n := look.Ledger.Connection.Epochs; n != 1 {
		t.Errorf("connected %d times", n)
	}
}

// A load that waits for a server can be begun without one.
func TestBegin(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = false
	l := open(t, cfg)
	until(t, l, "asked", func(look lab.Snapshot) bool { return look.Queue.Known && look.Load.Waiting })
	l.Begin()
	look := until(t, l, "calls", func(look lab.Snapshot) bool { return look.Ledger.Failures.Unroutable > 0 })
	if look.Load.Waiting || look.Load.Paused {
		t.Errorf("%+v", look.Load)
	}
}

// A service that is not fib's is asked when a person is ready, and gets no fibserver beside it.
func TestWaryOfAService(t *testing.T) {
	cfg := wary(t, brokertest.Shared(t))
	cfg.Service = service(t, "x", "")
	l := open(t, cfg)
	if look := l.Snapshot(lab.Query{}); !look.Load.Paused || look.Load.PausedBy == "" {
		t.Errorf("%+v", look.Load)
	}
	wantNoServer(t, l, "answers nothing but fib")
	l.AllowStart()
	start(t, l)
}

// Nobody has to be asked about a queue that is the lab's own, or if that was said before.
func TestNoNeedToAsk(t *testing.T) {
	node := brokertest.Shared(t)
	for what, change := range map[string]func(*lab.Config){
		"own queue": func(cfg *lab.Config) { cfg.OwnQueue = true },
		"force":     func(cfg *lab.Config) { cfg.Force = true },
	} {
		cfg := config(t, node)
		change(&cfg)
		l := open(t, cfg)
		declare(t, node, cfg.Queue)
		somebody(t, node, cfg.Queue, false)
		until(t, l, "a consumer", func(look lab.Snapshot) bool { return look.Queue.Consumers == 1 })
		if look := l.Snapshot(lab.Query{}); look.StartWarning != "" {
			t.Errorf("%s: %s", what, look.StartWarning)
		}
		start(t, l)
	}
}
