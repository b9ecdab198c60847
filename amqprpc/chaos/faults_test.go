package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/server/pool"
)

// errNotHere: this broker, or this operating system, cannot have the fault.
var errNotHere = errors.New("not to be had here")

// The bounds of injecting and healing a fault. A fault that is not injected by then is skipped; healing must succeed.
const (
	leverTime = 10 * time.Second
	healTime  = testTimeout
)

// inject injects the fault of a step and heals it. err means that there was no fault. healed is the error of healing,
// which is fatal for the test.
func (w *world) inject(ctx context.Context, s step) (err, healed error) {
	lever, cancel := context.WithTimeout(context.Background(), leverTime)
	defer cancel()
	heal := func(context.Context) error { return nil }
	switch s.line {
	case clientNetwork:
		err = w.network(w.clientNet, s)
		heal = func(context.Context) error { return w.clearNetwork(w.clientNet) }
	case serverNetwork:
		err = w.network(w.serverNet, s)
		heal = func(context.Context) error { return w.clearNetwork(w.serverNet) }
	case theBroker:
		heal, err = w.breakBroker(lever, s)
	case theServers:
		heal, err = w.breakServer(lever, s)
	case theMessages:
		err = w.message(lever, s)
	}
	if err == nil && s.lasts > 0 {
		select {
		case <-time.After(s.lasts):
		case <-ctx.Done():
		}
	}
	if heal != nil {
		healing, cancel := context.WithTimeout(context.Background(), healTime)
		defer cancel()
		healed = heal(healing)
	}
	return err, healed
}

func (w *world) clearNetwork(p *proxy) error {
	p.set(conditions{}, conditions{})
	p.setRefuse(false)
	return nil
}

func (w *world) network(p *proxy, s step) error {
	slow := conditions{delay: s.delay, jitter: s.jitter, rate: s.rate}
	frozen, lost := conditions{frozen: true}, conditions{lost: true}
	switch s.kind {
	case "latency", "bandwidth":
		p.set(slow, slow)
	case "freeze up":
		p.set(frozen, conditions{})
	case "freeze down":
		p.set(conditions{}, frozen)
	case "lose up":
		p.set(lost, conditions{})
	case "lose down":
		p.set(conditions{}, lost)
	case "lose both":
		p.set(lost, lost)
	case "cut":
		p.cut(false)
	case "reset":
		p.cut(true)
	case "refuse":
		p.setRefuse(true)
		p.cut(false)
	default:
		return fmt.Errorf("no fault %q of the network", s.kind)
	}
	return nil
}

// A healer undoes a fault; nil if there is nothing to undo.
type healer func(context.Context) error

func (w *world) breakBroker(ctx context.Context, s step) (healer, error) {
	switch s.kind {
	case "stop and start":
		return w.start, w.node.Stop(ctx)
	case "kill and start":
		w.node.Kill()
		return w.start, nil
	case "freeze":
		return func(context.Context) error { return w.node.Thaw() }, w.node.Freeze()
	case "memory alarm":
		return w.node.ClearMemoryAlarm, w.node.RaiseMemoryAlarm(ctx)
	case "close connections":
		if d, ok := w.node.(interface{ DropConnections() }); ok && s.which%2 == 1 {
			d.DropConnections()
			return nil, nil
		}
		return nil, w.node.CloseConnections(ctx, "chaos")
	case "hold confirms":
		h, ok := w.node.(interface {
			HoldConfirms()
			ReleaseConfirms()
		})
		if !ok {
			return nil, errNotHere
		}
		h.HoldConfirms()
		return func(context.Context) error { h.ReleaseConfirms(); return nil }, nil
	}
	return nil, fmt.Errorf("no fault %q of the broker", s.kind)
}

func (w *world) start(ctx context.Context) error {
	if err := w.node.Start(ctx); err != nil {
		return err
	}
	return w.deleteLostQueue(ctx)
}

// deleteLostQueue deletes a quorum queue that RabbitMQ has lost, as an operator must: 3.10.8, killed up to about a
// second after the queue was declared, restarts with the queue "down", and answers every consume with 541, for ever
// (noproc: the node has forgotten the queue's Raft member, not the queue).
func (w *world) deleteLostQueue(ctx context.Context) error {
	n, ok := w.node.(*rabbitmq.Node)
	if !ok || w.kind != amqprpc.QueueQuorum {
		return nil
	}
	for range 4 { // it is down for a moment after every start
		out, err := n.Ctl(ctx, "list_queues", "-q", "--no-table-headers", "name", "state")
		if err != nil {
			return err
		}
		if !slices.Contains(strings.Split(out, "\n"), w.queue+"\tdown") {
			return nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.mended.Add(1)
	_, err := n.Ctl(ctx, "delete_queue", w.queue)
	return err
}

func (w *world) breakServer(ctx context.Context, s step) (healer, error) {
	// A process that cannot be started now, because there is no broker, is started with the next step, or at the end.
	again := func(context.Context) error { _ = w.startProcesses(leverTime); return nil }
	if s.kind == "misbehave" {
		p, err := w.pool.Start(ctx, "--fault", s.list)
		if err != nil {
			return again, err
		}
		return func(ctx context.Context) error {
			_ = w.pool.Kill(p.Name()) // a drain might wait for a broker; ErrNotRunning: it has crashed
			return again(ctx)
		}, nil
	}
	running := w.running()
	if len(running) == 0 {
		return again, errors.New("no process runs")
	}
	one := running[s.which%len(running)]
	switch s.kind {
	case "kill":
		return again, w.pool.Kill(one.Name)
	case "stop":
		return again, w.pool.Stop(ctx, one.Name)
	case "suspend":
		err := suspend(one.PID)
		return func(context.Context) error {
			if w.alive(one) {
				return resume(one.PID)
			}
			return nil
		}, err
	}
	return nil, fmt.Errorf("no fault %q of servers", s.kind)
}

// alive reports whether it is still the same process.
func (w *world) alive(was pool.Status) bool {
	for _, s := range w.pool.List() {
		if s.Name == was.Name {
			return s.PID == was.PID && s.State.Alive()
		}
	}
	return false
}

func (w *world) message(ctx context.Context, s step) error {
	which := s.which % len(w.clients)
	switch s.kind {
	case "drop client connection":
		w.clients[which].DropConnection()
		return nil
	case "delete request queue":
		return w.onChannel(ctx, func(ch *channel) error {
			_, err := ch.QueueDelete(w.queue, false, false, false)
			return err
		})
	case "delete callback queue":
		name, err := w.callbackQueue(ctx, which)
		if err != nil {
			return err
		}
		switch n := w.node.(type) {
		case *rabbitmq.Node:
			_, err := n.Ctl(ctx, "delete_queue", name)
			return err
		case interface{ DeleteQueue(string) bool }:
			if !n.DeleteQueue(name) {
				return errors.New("the queue is gone already")
			}
			return nil
		}
		return errNotHere
	}
	return w.flood(ctx, s)
}
