package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server"
	"rpcscope/server/pool"
)

const (
	remembered = 2000 // ended calls, of each client
	heartbeat  = 2 * time.Second
	processes  = 2 // fibservers that are kept running, besides the server in this process
)

var quick = amqprpc.Backoff{First: 20 * time.Millisecond, Max: 500 * time.Millisecond}

// A world has the broker, a network on each side of it, clients and servers.
type world struct {
	t     *testing.T
	node  brokertest.Node
	seed  uint64
	queue string
	kind  amqprpc.QueueType

	clientNet, serverNet *proxy
	clients              []*amqprpc.Client
	clientRecord         []*clientRecord
	ledgers              []*ledger.Ledger
	server               *amqprpc.Server
	pool                 *pool.Pool
	executions           *executions
	log                  tail // of the server in this process

	next      atomic.Int64 // n of the next call
	attempted atomic.Int64 // calls made
	mended    atomic.Int64 // times that RabbitMQ had lost the request queue

	mu       sync.Mutex
	injected map[string]int
	leftOut  map[string]int
	why      map[string]string // the last reason why a fault was left out, by its kind
}

// open starts everything. The test's end stops it.
func open(t *testing.T, node brokertest.Node, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, node: node, seed: seed, queue: "chaos", kind: amqprpc.QueueClassic, executions: newExecutions(),
		injected: map[string]int{}, leftOut: map[string]int{}, why: map[string]string{},
	}
	if seed%2 == 1 {
		w.kind = amqprpc.QueueQuorum
	}
	address, err := amqprpc.Address(node.URL())
	w.must(err)
	w.clientNet, err = newProxy(address, seed)
	w.must(err)
	t.Cleanup(w.clientNet.close)
	w.serverNet, err = newProxy(address, seed+1)
	w.must(err)
	t.Cleanup(w.serverNet.close)
	w.openServers()
	w.openClients()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) brokerAt(p *proxy, name string) amqprpc.ConnConfig {
	return amqprpc.ConnConfig{
		URLs: []string{"amqp://guest:guest@" + p.addr() + "/"}, Name: name, Heartbeat: heartbeat, DialTimeout: 3 * time.Second,
	}
}

func (w *world) openServers() {
	service, err := server.New(server.Config{
		Algorithm: server.Doubling,
		OnRequest: func(c server.Call) {
			w.executions.saw(c.String())
			w.executions.mu.Lock()
			w.executions.byID[c.Request.CorrelationID] = c.String()
			w.executions.mu.Unlock()
		},
	})
	w.must(err)
	serving := make(chan struct{})
	logged := amqprpc.LogObserver(slog.New(slog.NewTextHandler(&w.log, nil)))
	w.server = &amqprpc.Server{
		ConnConfig: w.brokerAt(w.serverNet, "in-process"), Queue: w.queue, QueueType: w.kind, Handler: service.Handle,
		Prefetch: 8, Replay: 100, Backoff: quick,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			logged.Observe(e)
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(context.Background()) }()
	w.t.Cleanup(func() {
		if err := w.closeServer(); err != nil {
			w.t.Errorf("shut the server down: %v", err)
		}
	})
	select {
	case <-serving:
	case err := <-ended:
		w.t.Fatalf("serve: %v", err)
	case <-time.After(testTimeout):
		w.t.Fatal("the server does not consume")
	}

	path, err := fibserver()
	w.must(err)
	w.pool = pool.New(pool.Config{
		Command: []string{path},
		Args: []string{"--queue", w.queue, "--queue-type", string(w.kind), "--algorithm", "doubling", "--prefetch", "8", "--workers", "4",
			"--seed", fmt.Sprint(w.seed)},
		URL:           fmt.Sprintf("amqp://guest:guest@%s/?heartbeat=%d", w.serverNet.addr(), int(heartbeat.Seconds())),
		Env:           []string{"GORACE=atexit_sleep_ms=0"},
		Output:        func(_, line string) { w.executions.line(line) },
		RestartOnExit: true,
	})
	w.t.Cleanup(func() {
		if err := w.closePool(); err != nil {
			w.t.Errorf("close the pool: %v", err)
		}
	})
	w.must(w.startProcesses(testTimeout))
}

// startProcesses starts the missing processes, without faults.
func (w *world) startProcesses(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	alive := 0
	for _, s := range w.pool.List() {
		if s.State.Alive() {
			alive++
		} else {
			_ = w.pool.Remove(s.Name) // it may be about to be restarted; then it stays
		}
	}
	for range processes - alive {
		if _, err := w.pool.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) openClients() {
	for i, cfg := range []amqprpc.Config{
		{MaxInFlight: 64, FailWhenFull: true},
		{MaxInFlight: 48, Retry: amqprpc.Retry{Attempts: -1, Backoff: quick}},
	} {
		b, l := newClientRecord(i, remembered), ledger.New(ledger.Config{})
		cfg.ConnConfig = w.brokerAt(w.clientNet, fmt.Sprintf("client-%d", i))
		cfg.Queue, cfg.Backoff = w.queue, quick
		cfg.Remember, cfg.RememberFor = remembered, 24*time.Hour
		cfg.Observer = ledger.NewTee(b, l)
		c, err := amqprpc.Dial(context.Background(), cfg)
		w.must(err)
		w.t.Cleanup(func() {
			closed := make(chan struct{})
			go func() { defer close(closed); c.Close() }()
			select {
			case <-closed:
			case <-time.After(testTimeout):
				w.t.Errorf("client %d does not close", i)
			}
		})
		w.clients, w.clientRecord, w.ledgers = append(w.clients, c), append(w.clientRecord, b), append(w.ledgers, l)
	}
}

func (w *world) closeServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	return w.server.Shutdown(ctx)
}

func (w *world) closePool() error {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	return w.pool.Close(ctx)
}

// running returns the processes that serve, and are meant to.
func (w *world) running() (names []pool.Status) {
	for _, s := range w.pool.List() {
		if s.State == pool.Running {
			names = append(names, s)
		}
	}
	return names
}

// queues returns the names of the queues on the broker, and how many messages, delivered ones
// included, are in the one for requests.
func (w *world) queues(ctx context.Context) (names []string, requests int, err error) {
	switch n := w.node.(type) {
	case *rabbitmq.Node:
		out, err := n.Ctl(ctx, "list_queues", "-q", "--no-table-headers", "name", "messages")
		if err != nil {
			return nil, 0, err
		}
		for _, row := range strings.Split(strings.TrimSpace(out), "\n") {
			name, count, ok := strings.Cut(row, "\t")
			if !ok {
				continue
			}
			names = append(names, name)
			if name == w.queue {
				if _, err := fmt.Sscan(count, &requests); err != nil {
					return nil, 0, fmt.Errorf("list_queues: %q: %w", row, err)
				}
			}
		}
	case interface{ Queues() []broker.QueueInfo }:
		for _, q := range n.Queues() {
			names = append(names, q.Name)
			if q.Name == w.queue {
				requests = q.Ready + q.Unacked
			}
		}
	default:
		return nil, 0, errors.New("no way to list the queues of this broker")
	}
	slices.Sort(names)
	return names, requests, nil
}

// situation returns the state of the broker and of the server in this process, for a failed test.
func (w *world) situation() string {
	ctx, cancel := context.WithTimeout(context.Background(), leverTime)
	defer cancel()
	var b strings.Builder
	names, requests, err := w.queues(ctx)
	fmt.Fprintf(&b, "queues %q, %d requests, error %v\n", names, requests, err)
	if n, ok := w.node.(*rabbitmq.Node); ok {
		out, err := n.Ctl(ctx, "list_queues", "-q", "name", "type", "state", "leader", "online", "consumers")
		fmt.Fprintf(&b, "%s\nerror %v\n", out, err)
	}
	for _, s := range w.pool.List() {
		fmt.Fprintf(&b, "%+v\n", s)
	}
	return b.String() + w.log.String()
}

// A tail keeps the end of all writes.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const limit = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-limit):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// waitUntil polls until holds returns true, at most for testTimeout.
func (w *world) waitUntil(what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	var last error
	for {
		ok, err := holds(ctx)
		if ok {
			return nil
		}
		last = err
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %s (last: %v)\n%s", testTimeout, what, last, w.situation())
		}
	}
}
