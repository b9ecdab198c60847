package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/secret"
	"rpcscope/amqprpc/internal/wire"
)

// A Broker is a running broker. Its methods may be called from any goroutine.
type Broker struct {
	cfg  Config
	addr string // does not change once Start has returned

	lifecycle sync.Mutex // serializes Stop, Kill, Restart, Freeze and Close
	closed    bool       // needs lifecycle

	gate gate

	// mu guards everything below, and the queues, the channels and most fields of connections. One lock is enough:
	// it is held for microseconds, and nearly every event concerns two connections and a queue.
	mu           sync.Mutex
	run          *run // nil if stopped
	queues       map[string]*queue
	dirty        []*connection // connections whose writers unlock wakes
	logs         []func()      // log records that unlock writes
	paused       bool          // nothing is delivered
	confirmsHeld bool
	alarmRaised  bool  // by RaiseAlarm
	memoryAlarm  bool  // by memory
	memory       int64 // bytes of messages in queues and unacked
}

// A run is the time from a start to a stop.
type run struct {
	listener   net.Listener
	conns      map[*connection]struct{}
	goroutines sync.WaitGroup
}

// Start starts a broker. It accepts connections when Start returns, until Close.
func Start(cfg Config) (*Broker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, queues: map[string]*queue{}, addr: cfg.Listen}
	if err := b.listen(); err != nil {
		return nil, err
	}
	return b, nil
}

// listen begins a run. It needs lifecycle.
func (b *Broker) listen() error {
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		return err
	}
	if addr, ok := l.Addr().(*net.TCPAddr); !b.cfg.AllowRemote && !(ok && addr.IP.IsLoopback()) {
		l.Close()
		return fmt.Errorf("%s: %w", b.addr, ErrNotLoopback)
	}
	if addr := l.Addr().String(); addr != b.addr { // only in Start: URL and Addr read it without a lock
		b.addr = addr
	}
	r := &run{listener: l, conns: map[*connection]struct{}{}}
	b.lock()
	b.run = r
	for _, q := range b.queues { // those that a restart has kept
		q.renewLease()
	}
	b.unlock()
	r.goroutines.Go(func() { b.accept(r) })
	return nil
}

// accept serves connections until the listener is closed.
func (b *Broker) accept(r *run) {
	for {
		raw, err := r.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, for example
			b.log(slog.LevelWarn, "accept", slog.String("error", err.Error()))
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c := newConnection(b, r, raw)
		b.lock()
		if b.run == r {
			r.conns[c] = struct{}{}
			r.goroutines.Go(c.serve)
		} else {
			raw.Close()
		}
		b.unlock()
	}
}

// URL returns the address for clients, amqp://guest:guest@127.0.0.1:PORT/, with the first of Config.Users by name. It
// stays the same over Stop and Restart.
func (b *Broker) URL() string {
	u := url.URL{Scheme: "amqp", Host: b.addr, Path: "/"}
	if names := slices.Sorted(maps.Keys(b.cfg.Users)); len(names) > 0 {
		u.User = url.UserPassword(names[0], b.cfg.Users[names[0]])
	}
	return u.String()
}

// Addr returns the address that the broker listens on, host:port.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker as Stop does and drops its queues. It returns when all its goroutines have ended, and may be called
// more than once.
func (b *Broker) Close() error {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	b.closed = true
	b.end(true)
	b.lock()
	defer b.unlock()
	for _, q := range b.queues {
		q.delete()
	}
	return nil
}

// end ends the run, if there is one: with connection.close if orderly, else without a word. It needs lifecycle.
func (b *Broker) end(orderly bool) {
	b.gate.open()
	b.lock()
	r := b.run
	b.run = nil
	if r == nil {
		b.unlock()
		return
	}
	r.listener.Close()
	b.withoutDeliveries(func() {
		for c := range r.conns {
			if orderly && c.open {
				c.fail(wire.Errorf(wire.ConnectionForced, "broker forced connection closure with reason 'shutdown'"))
			} else {
				c.drop("the broker was killed")
			}
		}
	})
	b.unlock()
	r.goroutines.Wait()
	b.lock()
	defer b.unlock()
	for _, q := range b.queues {
		if q.durable {
			q.dropTransient()
		} else {
			q.delete()
		}
	}
}

func (b *Broker) lock() { b.mu.Lock() }

// unlock releases the lock. Then it wakes the writers of connections with output, and writes log records.
func (b *Broker) unlock() {
	var buf [8]*connection
	wake := append(buf[:0], b.dirty...)
	for _, c := range b.dirty {
		c.dirty = false
	}
	clear(b.dirty)
	b.dirty = b.dirty[:0]
	logs := b.logs
	b.logs = nil
	b.mu.Unlock()
	for _, c := range wake {
		c.out.signal()
	}
	for _, log := range logs {
		log()
	}
}

// connections returns all connections, open or not. It needs the lock.
func (b *Broker) connections() map[*connection]struct{} {
	if b.run == nil {
		return nil
	}
	return b.run.conns
}

// withoutDeliveries calls f, which ends connections. Meanwhile nothing is delivered: a message that one of them returns must not
// go to another that is about to end: it would be lost or count as delivered. It needs the lock.
func (b *Broker) withoutDeliveries(f func()) {
	b.paused = true
	f()
	b.paused = false
	b.deliverAll()
}

// deliverAll makes all queues deliver.
func (b *Broker) deliverAll() {
	for _, q := range b.queues {
		q.deliver()
	}
}

// requeue puts deliveries back into their queues.
func (b *Broker) requeue(back []delivery) {
	byQueue := map[*queue][]*message{}
	for _, d := range back {
		if d.q.quorum {
			before := d.m.size()
			d.m.properties = withDeliveryCount(d.m.properties, d.m.deliveries)
			b.memory += d.m.size() - before
		}
		byQueue[d.q] = append(byQueue[d.q], d.m)
	}
	for q, messages := range byQueue {
		q.requeue(messages)
	}
	for _, d := range back {
		d.returnCredit()
	}
}

// logLater writes a log record once the lock is released, so that a log that blocks does not hold up other connections. It
// needs the lock.
func (b *Broker) logLater(level slog.Level, msg string, args ...any) {
	b.logs = append(b.logs, func() { b.log(level, msg, args...) })
}

// log writes a log record. The caller must not hold the lock.
func (b *Broker) log(level slog.Level, msg string, args ...any) {
	if b.cfg.Log == nil {
		return
	}
	for i, arg := range args { // strings of clients may be a mistyped URL
		if attr, ok := arg.(slog.Attr); ok && attr.Value.Kind() == slog.KindString {
			args[i] = slog.String(attr.Key, secret.Redact(attr.Value.String()))
		}
	}
	b.cfg.Log.Log(context.Background(), level, msg, args...)
}
